import type { Redis } from 'ioredis'
import type { CollectionId } from '../collection-id.ts'
import type { SegmentLines } from '../segment/lines.ts'
import type { Descriptor } from './segment-descriptor.ts'
import type { SegmentIndex } from './segment-index.ts'
import { fetchSegment, UnreadableSegment } from './segment-store.ts'

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

class DecodedSegments {
  readonly #byName = new Map<string, SegmentLines>()
  #bytes = 0

  get(name: string): SegmentLines | undefined {
    const lines = this.#byName.get(name)
    if (!lines) return undefined
    this.#byName.delete(name)
    this.#byName.set(name, lines)
    return lines
  }

  keep(name: string, lines: SegmentLines): void {
    if (this.#byName.has(name) || lines.text.length > KEPT_BYTES / 4) return
    this.#byName.set(name, lines)
    this.#bytes += lines.text.length
    for (const [oldest, { text }] of this.#byName) {
      if (this.#bytes <= KEPT_BYTES) break
      this.#byName.delete(oldest)
      this.#bytes -= text.length
    }
  }
}

/** A name stands for one segment of one collection for ever. */
const decoded = new DecodedSegments()

/** One read's way to the segments; what it could not get it remembers. */
export class SealedReader {
  readonly gaps: Gap[] = []
  readonly #redis: Redis
  readonly #collection: CollectionId
  readonly #keeps: boolean
  readonly #missing = new Set<string>()
  readonly #unreadable = new Set<string>()

  /** @param options.keeps whether what is decoded is kept for others; not for reads that pass through everything */
  constructor(redis: Redis, collection: CollectionId, { keeps }: { keeps: boolean }) {
    this.#redis = redis
    this.#collection = collection
    this.#keeps = keeps
  }

  /**
   * @param descriptor as the index names it now
   * @returns null where it cannot be read, which {@link gaps} then says
   * @throws StaleIndex; PortalError `store_unavailable`, `store_refused`
   */
  async read(descriptor: Descriptor): Promise<SegmentLines | null> {
    const { name } = descriptor
    const kept = decoded.get(`${this.#collection}:${name}`)
    if (kept) return kept
    if (this.#unreadable.has(name)) return null
    try {
      const lines = await fetchSegment(this.#redis, this.#collection, descriptor)
      if (lines) {
        if (this.#keeps) decoded.keep(`${this.#collection}:${name}`, lines)
        return lines
      }
    } catch (error) {
      if (!(error instanceof UnreadableSegment)) throw error
      return this.#giveUp(descriptor, error.message)
    }
    // Replaced or removed since the index was read; or lost, if an index read after this still names it.
    if (this.#missing.has(name)) return this.#giveUp(descriptor, `segment ${name} is not there`)
    this.#missing.add(name)
    throw new StaleIndex()
  }

  /** @returns sealed lines before that moment. Of a segment that cannot be read and reaches across it, none. */
  async linesBelow(index: SegmentIndex, micros: number): Promise<number> {
    const place = index.firstReaching(micros)
    const descriptor = index.descriptors[place]
    if (!descriptor || descriptor.firstMicros >= micros) return index.linesBefore(place)
    const lines = await this.read(descriptor)
    return index.linesBefore(place) + (lines ? firstAtOrAfter(lines.micros, micros) : 0)
  }

  #giveUp({ name, firstMicros, lastMicros, lines }: Descriptor, reason: string): null {
    this.#unreadable.add(name)
    this.gaps.push({ firstMicros, lastMicros, lines, reason })
    return null
  }
}

/** @returns the place of the first of those ascending moments at or after `micros`; their number where none is. */
export function firstAtOrAfter(moments: Float64Array, micros: number): number {
  let low = 0
  let high = moments.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((moments[middle] ?? 0) >= micros) high = middle
    else low = middle + 1
  }
  return low
}
