import type { Redis } from 'ioredis'
import { LRUCache } from 'lru-cache'
import type { CollectionId } from '../collection-id.ts'
import { firstAtOrAfter, type SegmentLines } from '../segment/lines.ts'
import type { SegmentSummary } from '../segment/summary.ts'
import { segmentKey } from './keys.ts'
import type { Descriptor } from './segment-descriptor.ts'
import type { SegmentIndex } from './segment-index.ts'
import { fetchSegment, fetchSummary, fetchTimes, UnreadableSegment } from './segment-store.ts'

/** Reading sealed lines through an index that may be out of date by the time a segment's body is asked for. */

/** Lines that the store should have and cannot give. */
export interface Gap {
  /** First and last line's place in time. */
  readonly firstMicros: number
  readonly lastMicros: number
  readonly lines: number
  /** For operators: the key, and what is wrong with it. */
  readonly reason: string
}

/** A body is gone: the index is to be read again, from where the reader stands. */
export class StaleIndex extends Error {
  override readonly name = 'StaleIndex'
}

/** Decoded segments kept for pages, bytes of the lines; those of the neighbouring pages are most likely asked for next. */
const KEPT_BYTES = 64 * 1024 * 1024
/** Minutes of summaries kept for histograms, some 100 bytes each. */
const KEPT_MINUTES = 250_000

/** By the key they are stored under, whose name stands for one segment for ever. */
const keptLines = new LRUCache<string, SegmentLines>({
  maxSize: KEPT_BYTES,
  maxEntrySize: KEPT_BYTES / 4,
  sizeCalculation: ({ text }) => text.length + 1,
})
const keptSummaries = new LRUCache<string, SegmentSummary>({
  maxSize: KEPT_MINUTES,
  sizeCalculation: (summary) => summary.length + 1,
})

/** Bytes of times kept, for counting. */
const KEPT_TIMES_BYTES = 16 * 1024 * 1024
const keptTimes = new LRUCache<string, Float64Array>({
  maxSize: KEPT_TIMES_BYTES,
  sizeCalculation: ({ byteLength }) => byteLength + 1,
})

/** One read's way to the segments; what it could not get it remembers. */
export class SealedReader {
  readonly gaps: Gap[] = []
  readonly #redis: Redis
  readonly #collection: CollectionId
  readonly #keeps: boolean
  /** Bodies that were not there, by whether the index was read again since. */
  #missing = new Set<string>()
  #missingBefore = new Set<string>()
  readonly #unreadable = new Set<string>()

  /** @param options.keeps whether what is decoded is kept for others; not for reads that pass through everything */
  constructor(redis: Redis, collection: CollectionId, { keeps }: { keeps: boolean }) {
    this.#redis = redis
    this.#collection = collection
    this.#keeps = keeps
  }

  /** Told each time the index is read: what it still names then and is not there is lost. */
  indexWasRead(): void {
    this.#missingBefore = this.#missingBefore.union(this.#missing)
    this.#missing = new Set()
  }

  /**
   * @param descriptor as the index names it now
   * @returns null where it cannot be read, which {@link gaps} then says
   * @throws StaleIndex; PortalError `store_unavailable`, `store_refused`
   */
  async read(descriptor: Descriptor): Promise<SegmentLines | null> {
    const kept = keptLines.get(this.#keyOf(descriptor))
    if (kept) return kept
    const lines = await this.#fetched(descriptor, () =>
      fetchSegment(this.#redis, this.#collection, descriptor),
    )
    if (lines && this.#keeps) keptLines.set(this.#keyOf(descriptor), lines)
    return lines
  }

  async #readTimes(descriptor: Descriptor): Promise<Float64Array | null> {
    const kept = keptLines.get(this.#keyOf(descriptor))?.micros ?? keptTimes.get(this.#keyOf(descriptor))
    if (kept) return kept
    const times = await this.#fetched(descriptor, () => fetchTimes(this.#redis, this.#collection, descriptor))
    if (times) keptTimes.set(this.#keyOf(descriptor), times)
    return times
  }

  #keyOf({ name }: Descriptor): string {
    return segmentKey(this.#collection, name)
  }

  async #fetched<T>(descriptor: Descriptor, fetch: () => Promise<T | null>): Promise<T | null> {
    const { name } = descriptor
    if (this.#unreadable.has(name)) return null
    try {
      const found = await fetch()
      if (found) return found
    } catch (error) {
      if (!(error instanceof UnreadableSegment)) throw error
      return this.#giveUp(descriptor, error.message)
    }
    // Replaced or removed since the index was read; or lost, if an index read after this still names it.
    if (this.#missingBefore.has(name))
      return this.#giveUp(descriptor, `${this.#keyOf(descriptor)}: it is not there`)
    this.#missing.add(name)
    throw new StaleIndex()
  }

  /**
   * @returns the segment's lines by minute and status class, or null where it cannot be read
   * @throws as {@link read}
   */
  async readSummary(descriptor: Descriptor): Promise<SegmentSummary | null> {
    const kept = keptSummaries.get(this.#keyOf(descriptor))
    if (kept) return kept
    const summary = await this.#fetched(descriptor, () =>
      fetchSummary(this.#redis, this.#collection, descriptor),
    )
    if (summary) keptSummaries.set(this.#keyOf(descriptor), summary)
    return summary
  }

  /** @returns sealed lines before that moment. Of a segment that cannot be read and reaches across it, none. */
  async linesBelow(index: SegmentIndex, micros: number): Promise<number> {
    const place = index.firstReaching(micros)
    const descriptor = index.descriptors[place]
    if (!descriptor || descriptor.firstMicros >= micros) return index.linesBefore(place)
    const times = await this.#readTimes(descriptor)
    return index.linesBefore(place) + (times ? firstAtOrAfter(times, micros) : 0)
  }

  #giveUp({ name, firstMicros, lastMicros, lines }: Descriptor, reason: string): null {
    if (this.#unreadable.has(name)) return null
    this.#unreadable.add(name)
    this.gaps.push({ firstMicros, lastMicros, lines, reason })
    return null
  }
}
