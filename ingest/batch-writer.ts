import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { decodeMember } from '#lib/line/member.ts'
import { type AppendOutcome, appendLines } from '#lib/store/append.ts'
import { redisFault } from '#lib/store/redis.ts'
import { keepRejects, REJECT_LINE_BYTES, type Reject } from '#lib/store/rejects.ts'
import type { Batch } from './batch.ts'
import { countReject, type Summary } from './summary.ts'

/** Pause before a batch is sent again, doubling from the first to the last. */
const FIRST_PAUSE_MS = 50
const LAST_PAUSE_MS = 1000
/** Rejects written to the store in one call. */
const REJECTS_A_CALL = 500

/**
 * Writes batches one after the other. While Redis is away, loading, read-only, full or failing over, the batch waits and
 * is sent again: sending twice stores nothing twice. What is happening is told once when it begins and once when it ends.
 */
export class BatchWriter {
  readonly #redis: Redis
  readonly #summary: Summary
  readonly #say: (text: string) => void
  readonly #giveUp: AbortSignal
  #troubled = false

  constructor(options: { redis: Redis; summary: Summary; say: (text: string) => void; giveUp: AbortSignal }) {
    this.#giveUp = options.giveUp
    this.#redis = options.redis
    this.#summary = options.summary
    this.#say = options.say
  }

  /**
   * Writes one batch, however long Redis takes to come back.
   * @returns lines that were given up, 0 unless `giveUp` fired.
   * @throws what the store answers that no waiting mends.
   */
  async write(batch: Batch): Promise<number> {
    const outcome: AppendOutcome = { stored: 0, duplicates: 0, refused: [] }
    let rest = [...batch.groups]
    let unanswered = false
    const appended = await this.persist(async () => {
      const result = await appendLines(this.#redis, rest, outcome)
      rest = result.rest
      unanswered ||= result.error !== null
      return result.error
    })
    const rejects = [...batch.rejects, ...rejectsOf(outcome)]
    let kept = 0
    const recorded =
      appended &&
      (await this.persist(async () => {
        for (; kept < rejects.length; kept += REJECTS_A_CALL)
          await keepRejects(this.#redis, rejects.slice(kept, kept + REJECTS_A_CALL))
        return null
      }))
    const summary = this.#summary
    summary.stored += outcome.stored
    summary.duplicates += outcome.duplicates
    summary.unassigned += batch.unassigned
    const counted = recorded ? rejects : rejects.slice(0, kept)
    for (const { reason } of counted) countReject(summary, reason)
    const lost = rest.reduce((lines, group) => lines + group.count, 0) + rejects.length - counted.length
    summary.read += batch.read - lost
    // A command without an answer may still be on its way out of this memory.
    if (!unanswered) for (const group of batch.groups) group.release()
    return lost
  }

  /**
   * Repeats `attempt` until it neither returns an error nor throws one.
   * @returns false when given up.
   */
  async persist(attempt: () => Promise<unknown>): Promise<boolean> {
    let pauseMs = FIRST_PAUSE_MS
    for (;;) {
      let error: unknown
      try {
        error = await attempt()
      } catch (thrown) {
        error = thrown
      }
      if (error == null) break
      if (redisFault(error) === 'other') throw error
      if (!this.#troubled) this.#say(`Redis: ${messageOf(error)}. Waiting; nothing is lost.`)
      this.#troubled = true
      await delay(pauseMs, undefined, { signal: this.#giveUp }).catch(() => undefined)
      if (this.#giveUp.aborted) return false
      pauseMs = Math.min(pauseMs * 2, LAST_PAUSE_MS)
    }
    if (this.#troubled) this.#say('Redis takes lines again.')
    this.#troubled = false
    return true
  }
}

/** The message alone: the error object of the client carries the command, and with it log lines. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.replace(/\.$/, '') : String(error)
}

function rejectsOf({ refused }: AppendOutcome): Reject[] {
  return refused.flatMap(({ lines, reason }) =>
    [...lines.members()].map((member) => {
      const { line, source } = decodeMember(member)
      return { source, reason, line: line.subarray(0, REJECT_LINE_BYTES), sizeBytes: line.length }
    }),
  )
}
