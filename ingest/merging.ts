import { PortalError } from '#lib/errors.ts'
import { decodeMember } from '#lib/line/member.ts'
import { memberAt } from '#lib/segment/lines.ts'
import type { MergeOutcome } from '#lib/store/merge.ts'
import type { MergeProgress } from '#lib/store/merge-progress.ts'
import { redisFault } from '#lib/store/redis.ts'
import { REJECT_LINE_BYTES, type Reject } from '#lib/store/rejects.ts'
import type { BatchWriter } from './batch-writer.ts'
import type { TakenLines } from './gathered-lines.ts'
import { type LinesInBuffers, linesIn } from './lines-in-buffers.ts'
import type { MergePool } from './merge-pool.ts'
import type { MergeFault } from './merge-worker.ts'
import type { Summary } from './summary.ts'

interface Piece {
  buffers: LinesInBuffers
  readonly repeats: number
  /** Of the last attempt that failed. */
  progress: MergeProgress | null
  outcome: MergeOutcome | null
  /** What is wrong with the collection alone. */
  refusal: MergeFault | null
}

const NOTHING_DONE: MergeOutcome = { stored: 0, duplicates: 0, belowRetention: [] }

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
      this.lost += rejects.length + unassigned
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
    const piece: Piece = { buffers: given, repeats, progress: null, outcome: null, refusal: null }
    const attempt = async () => {
      if (this.failure) return null
      const { buffers, progress } = piece
      const { result, buffers: returned } = await this.#pool.merge({ collection, buffers, progress })
      piece.buffers = returned
      if ('outcome' in result) {
        piece.outcome = result.outcome
        this.confirmed &&= result.confirmed
        return null
      }
      piece.progress = result.progress
      if (result.fault.kind !== 'lines') return errorOf(result.fault)
      piece.refusal = result.fault
      return null
    }
    try {
      if (!this.#giveUp.aborted) await this.#writer.persist(attempt)
    } catch (error) {
      // When the threads are ended, to give up, what they did fails.
      if (!this.#giveUp.aborted) this.failure ??= { error }
    }
    await this.#book(piece)
  }

  async #book(piece: Piece): Promise<void> {
    const { buffers, repeats, outcome, refusal, progress } = piece
    const summary = this.#summary
    // What was merged before the store failed for good is stored.
    const { stored, duplicates, belowRetention } = outcome ?? progress ?? NOTHING_DONE
    const left = outcome ? 0 : buffers.count - stored - duplicates - belowRetention.length
    summary.stored += stored
    summary.duplicates += duplicates
    summary.read += stored + duplicates
    if (outcome || refusal) {
      summary.duplicates += repeats
      summary.read += repeats
    } else {
      this.lost += left + belowRetention.length + repeats
      return
    }
    await this.#reject(buffers, belowRetention, 'below retention')
    if (refusal) await this.#reject(buffers, [...(progress?.pending ?? [])], refusal.message)
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
