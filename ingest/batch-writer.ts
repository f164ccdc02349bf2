import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import type { CollectionId } from '#lib/collection-id.ts'
import { PortalError } from '#lib/errors.ts'
import { decodeMember } from '#lib/line/member.ts'
import { type AppendOutcome, appendLines } from '#lib/store/append.ts'
import type { PackedLines } from '#lib/store/packed-lines.ts'
import { markDirty, projectAll } from '#lib/store/projector.ts'
import { redisFault } from '#lib/store/redis.ts'
import { keepRejects, REJECT_LINE_BYTES, type Reject } from '#lib/store/rejects.ts'
import { Replication } from '#lib/store/replication.ts'
import type { Batch } from './batch.ts'
import { countReject, type Summary } from './summary.ts'

/** Pause before a batch is sent again, doubling from the first to the last. */
const FIRST_PAUSE_MS = 50
const LAST_PAUSE_MS = 1000
/** Rejects written to the store in one call. */
const REJECTS_A_CALL = 500

/** How long one question waits for the replicas; other commands wait behind it. */
const CONFIRM_MS = 500
/** The same once they did not confirm in time. */
const CONFIRM_AGAIN_MS = 20

export interface WriterOptions {
  readonly redis: Redis
  readonly summary: Summary
  readonly say: (text: string) => void
  readonly giveUp: AbortSignal
  /** How long lines wait for a replica to have them before the run goes on without that. */
  readonly replicaWaitMs: number
}

/**
 * Writes batches one after the other. While Redis is away, loading, read-only, full or failing over, the batch waits and
 * is sent again: sending twice stores nothing twice. What is happening is told once when it begins and once when it ends.
 *
 * Where Redis has replicas, a batch is through when one replica of each master has it: a master that dies then takes no
 * line along. Replicas that do not confirm hold the run up once, for `replicaWaitMs`; that is said, and {@link finish} tells.
 */
export class BatchWriter {
  readonly #redis: Redis
  readonly #summary: Summary
  readonly #say: (text: string) => void
  readonly #giveUp: AbortSignal
  readonly #replicaWaitMs: number
  readonly #replication: Replication
  /** State of the connections (see Replication) when the run began. */
  readonly #begunAt: number
  readonly #touched = new Set<CollectionId>()
  #troubled = false
  /** State of the connections when replicas first did not confirm and have not since. */
  #unconfirmedAt: number | null = null
  /** A connection was lost while replicas did not confirm: a line may have gone with it. */
  #doubtful = false

  constructor({ redis, summary, say, giveUp, replicaWaitMs }: WriterOptions) {
    this.#giveUp = giveUp
    this.#redis = redis
    this.#summary = summary
    this.#say = say
    this.#replicaWaitMs = replicaWaitMs
    this.#replication = new Replication(redis)
    this.#begunAt = this.#replication.changes
  }

  /**
   * Writes one batch, however long Redis takes to come back.
   * @returns lines that were given up, 0 unless `giveUp` fired.
   * @throws what the store answers that no waiting mends.
   */
  async write(batch: Batch): Promise<number> {
    const outcome: AppendOutcome = { stored: 0, duplicates: 0, refused: [] }
    const { rest, unanswered, appended } = await this.#append(batch.groups, outcome)
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

  async #append(
    groups: readonly PackedLines[],
    outcome: AppendOutcome,
  ): Promise<{ rest: readonly PackedLines[]; unanswered: boolean; appended: boolean }> {
    for (const { collection } of groups) this.#touched.add(collection)
    let rest = [...groups]
    let unanswered = false
    let sentAt = this.#replication.changes
    const appended = await this.persist(async () => {
      const result = await appendLines(this.#redis, rest, outcome)
      rest = result.rest
      unanswered ||= result.error !== null
      if (result.error !== null) return result.error
      do {
        const now = this.#replication.changes
        // What was answered over a connection now lost may have gone with its server. What became of the lines was booked.
        const unbooked: AppendOutcome = { stored: 0, duplicates: 0, refused: [] }
        const again = now === sentAt ? null : await appendLines(this.#redis, groups, unbooked)
        unanswered ||= again?.error != null
        if (again?.error) return again.error
        sentAt = now
        await this.#confirm(now)
      } while (sentAt !== this.#replication.changes)
      return null
    })
    return { rest, unanswered, appended }
  }

  /** @returns whether a replica of each master that has some holds everything written since the connections were so. */
  async #confirm(connections: number): Promise<boolean> {
    const patienceMs =
      this.#unconfirmedAt === null ? Math.max(this.#replicaWaitMs, CONFIRM_MS) : CONFIRM_AGAIN_MS
    const deadline = performance.now() + patienceMs
    let confirmed = false
    do confirmed = await this.#replication.confirmed(Math.min(CONFIRM_MS, patienceMs))
    while (!confirmed && performance.now() < deadline && !this.#giveUp.aborted)
    if (this.#unconfirmedAt !== null && this.#unconfirmedAt !== connections) this.#doubtful = true
    if (!confirmed && this.#unconfirmedAt === null)
      this.#say(`No replica of Redis confirms the lines within ${patienceMs / 1000} s. Going on without.`)
    if (confirmed && this.#unconfirmedAt !== null) this.#say('Replicas of Redis confirm the lines again.')
    this.#unconfirmedAt = confirmed ? null : connections
    return confirmed
  }

  /**
   * Ends a run: brings the projections up to the counters and waits for the replicas to have that too.
   * @returns false when lines are stored of which no replica is known to have them.
   * @throws what the store answers that no waiting mends.
   */
  async finish(): Promise<boolean> {
    let confirmed = true
    let projectedAt = this.#begunAt
    await this.persist(async () => {
      for (;;) {
        const now = this.#replication.changes
        // The marks, or what was projected, may have gone with a server that was lost.
        if (now !== projectedAt) await markDirty(this.#redis, [...this.#touched])
        await projectAll(this.#redis)
        if (this.#unconfirmedAt === now) this.#unconfirmedAt = null
        confirmed = await this.#confirm(now)
        projectedAt = Number.NaN
        if (now === this.#replication.changes) return null
      }
    })
    return confirmed && !this.#doubtful
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
export function messageOf(thrown: unknown): string {
  const error = thrown instanceof PortalError ? (thrown.cause ?? thrown) : thrown
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
