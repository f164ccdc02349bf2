import { PortalError } from '#lib/errors.ts'
import { decodeMember } from '#lib/line/member.ts'
import { memberAt } from '#lib/segment/lines.ts'
import type { MergeOutcome } from '#lib/store/merge.ts'
import { redisFault } from '#lib/store/redis.ts'
import { REJECT_LINE_BYTES, type Reject } from '#lib/store/rejects.ts'
import type { BatchWriter } from './batch-writer.ts'
import type { TakenLines } from './gathered-lines.ts'
import { type LinesInBuffers, linesIn } from './lines-in-buffers.ts'
import type { MergePool } from './merge-pool.ts'
import type { MergeFault } from './merge-worker.ts'
import type { Summary } from './summary.ts'

/**
 * Pieces on their way into segments, a few at a time. While Redis is away, loading, read-only, full or failing over, a
 * piece waits and is sent again, as batches do; reading waits with it.
 */
export class Merging {
  readonly #pool: MergePool
  readonly #writer: BatchWriter
  readonly #summary: Summary
  readonly #release: (buffers: LinesInBuffers) => void
  readonly #giveUp: AbortSignal
  readonly #running = new Set<Promise<void>>()
  #recording: Promise<void> = Promise.resolve()
  /** Lines given up on, 0 unless `giveUp` fired. */
  lost = 0
  /** Whether replicas, where there are some, are known to have all that was merged. */
  confirmed = true
  /** What no waiting mends. */
  failure: { readonly error: unknown } | null = null

  constructor(options: {
    pool: MergePool
    writer: BatchWriter
    summary: Summary
    /** Takes back what a piece stood in. */
    release: (buffers: LinesInBuffers) => void
    giveUp: AbortSignal
  }) {
    this.#pool = options.pool
    this.#writer = options.writer
    this.#summary = options.summary
    this.#release = options.release
    this.#giveUp = options.giveUp
  }

  /** Sends a piece on its way, when there is room for it. */
  async start(taken: TakenLines): Promise<void> {
    while (this.#running.size >= this.#pool.capacity) await Promise.race(this.#running)
    const running = this.#merge(taken)
      .catch((error: unknown) => {
        this.failure ??= { error }
      })
      .finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  /** Records lines that go into no segment, in the order of the calls. */
  record(rejects: readonly Reject[], unassigned: number): Promise<void> {
    const write = async () => {
      const batch = { groups: [], rejects, unassigned, read: rejects.length + unassigned }
      this.lost += await this.#writer.write(batch)
    }
    this.#recording = this.#recording.then(write).catch((error: unknown) => {
      this.failure ??= { error }
    })
    return this.#recording
  }

  /** Resolves when all that was started has been answered. */
  async settled(): Promise<void> {
    await Promise.all(this.#running)
    await this.#recording
  }

  async #merge({ collection, buffers: given, repeats }: TakenLines): Promise<void> {
    let buffers = given
    let outcome: MergeOutcome | null = null
    let refusal: MergeFault | null = null
    const attempt = async () => {
      if (this.failure) return null
      const { result, buffers: returned } = await this.#pool.merge(collection, buffers)
      buffers = returned
      if ('outcome' in result) {
        outcome = result.outcome
        this.confirmed &&= result.confirmed
      } else if (result.fault.kind === 'lines') refusal = result.fault
      else return errorOf(result.fault)
      return null
    }
    const answered = !this.#giveUp.aborted && (await this.#persist(attempt))
    if (answered) await this.#book({ buffers, outcome, refusal, repeats })
    else this.lost += given.count + repeats
  }

  /** @returns false when given up */
  async #persist(attempt: () => Promise<Error | null>): Promise<boolean> {
    try {
      return await this.#writer.persist(attempt)
    } catch (error) {
      // The threads are ended then, and what they did fails.
      if (this.#giveUp.aborted) return false
      throw error
    }
  }

  async #book(settled: {
    buffers: LinesInBuffers
    outcome: MergeOutcome | null
    refusal: MergeFault | null
    repeats: number
  }): Promise<void> {
    const { buffers, outcome, refusal, repeats } = settled
    const summary = this.#summary
    if (outcome) {
      summary.stored += outcome.stored
      summary.duplicates += outcome.duplicates + repeats
      summary.read += outcome.stored + outcome.duplicates + repeats
      await this.#reject(buffers, outcome.belowRetention, 'below retention')
    } else if (refusal) {
      summary.duplicates += repeats
      summary.read += repeats
      const all = Array.from({ length: buffers.count }, (_, place) => place)
      await this.#reject(buffers, all, refusal.message)
    } else return
    this.#release(buffers)
  }

  async #reject(buffers: LinesInBuffers, places: readonly number[], reason: string): Promise<void> {
    if (places.length === 0) return
    const lines = linesIn(buffers)
    const rejects = places.map((place) => {
      const { line, source } = decodeMember(memberAt(lines, place))
      const kept = Buffer.from(line.subarray(0, REJECT_LINE_BYTES))
      return { source, reason, line: kept, sizeBytes: line.length }
    })
    await this.record(rejects, 0)
  }
}

/** The error as it would be without the thread between. */
function errorOf({ kind, message }: MergeFault): Error {
  const error = new Error(message)
  if (kind === 'other') return new PortalError('internal', { cause: error })
  return redisFault(error) === 'other' ? new PortalError('store_unavailable', { detail: message }) : error
}
