import { Command, type Redis } from 'ioredis'
import { isCluster, nodeOfSlot } from './redis-client.ts'

/** A command of one key: name, key, further arguments. */
export type Ask = readonly [name: string, key: string, ...rest: (string | number)[]]
/** What one command came to; `error` is the client's. */
export type Answer = readonly [error: Error | null, value: unknown]

/** A command in words, and a key of the slot that it goes to. */
export interface Sending {
  readonly slotKey: string
  readonly words: readonly [name: string, ...rest: (string | number)[]]
}

/** Sends many commands at once, each of a key of its own, and answers in their order; see {@link sendEach}. */
export function askEach(redis: Redis, asks: readonly Ask[]): Promise<Answer[]> {
  return sendEach(
    redis,
    asks.map((words) => ({ slotKey: words[1], words })),
  )
}

/**
 * Sends many commands at once and answers in their order. They go as one pipeline, to a cluster as one for each node, since
 * it takes a pipeline only where all keys lie together.
 */
export async function sendEach(redis: Redis, sendings: readonly Sending[]): Promise<Answer[]> {
  if (!isCluster(redis)) return pipelined(redis, sendings)
  const places = Map.groupBy(sendings.keys(), (place) => nodeFor(redis, sendings[place]))
  const answers = new Array<Answer>(sendings.length)
  await Promise.all(
    [...places.values()].map(async (own) => {
      const some = own.flatMap((place) => sendings[place] ?? [])
      const got = await pipelined(redis, some).catch(() => null)
      await Promise.all(
        own.map(async (place, index) => {
          const [sending, answer] = [some[index], got?.[index]]
          if (sending)
            answers[place] = answer && !isElsewhere(answer) ? answer : await sendOne(redis, sending)
        }),
      )
    }),
  )
  return answers
}

const nodeFor = (redis: Redis, sending: Sending | undefined): string | undefined =>
  sending && nodeOfSlot(redis, new Command('get', [sending.slotKey]).getSlot())

async function pipelined(redis: Redis, sendings: readonly Sending[]): Promise<Answer[]> {
  return (await redis.pipeline(sendings.map(({ words }) => [...words])).exec()) ?? []
}

/** A node that sends a command elsewhere has not carried it out. Alone the client follows; in a pipeline it does not. */
const isElsewhere = ([error]: Answer) => error !== null && /^(MOVED|ASK|TRYAGAIN)\b/.test(error.message)

function sendOne(redis: Redis, { words: [name, ...rest] }: Sending): Promise<Answer> {
  return redis.call(name, rest).then(
    (value): Answer => [null, value],
    (error: Error): Answer => [error, null],
  )
}
