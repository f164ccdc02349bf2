import type { Redis } from 'ioredis'
import { type Answer, sendEach } from './ask-each.ts'
import { isNoScript, type Script } from './redis.ts'

/** A script's call for one collection. */
export interface ScriptCall {
  /** Of one slot; at least one. */
  readonly keys: readonly string[]
  readonly args: readonly (string | number)[]
}

/**
 * Runs a script for many collections at once and answers in their order, in texts and numbers: one pipeline, in a cluster
 * one a node. What a server has lost it is given again, as with `Script.run`.
 */
export async function runEach(redis: Redis, script: Script, calls: readonly ScriptCall[]): Promise<Answer[]> {
  const send = (some: readonly ScriptCall[]) =>
    sendEach(
      redis,
      some.map(({ keys, args }) => ({
        slotKey: keys[0] ?? '',
        words: ['evalsha', script.sha, keys.length, ...keys, ...args],
      })),
    )
  const answers = await send(calls)
  const lost = [...answers.keys()].filter((place) => isNoScript(answers[place]?.[0]))
  if (lost.length > 0) {
    await script.load(redis)
    const again = await send(lost.flatMap((place) => calls[place] ?? []))
    for (const [index, place] of lost.entries()) answers[place] = again[index] ?? [null, null]
  }
  return answers
}
