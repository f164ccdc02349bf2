import type { Redis } from 'ioredis'
import type { CollectionId } from '../collection-id.ts'
import { countsKey, linesKey, segmentsKey } from './keys.ts'
import { answered, Script } from './redis.ts'
import type { MemoryPiece } from './retention-plan.ts'
import { firstSecondOf, lastSecondOf, parseDescriptor } from './segment-descriptor.ts'

/**
 * The memory that lines take: the stored bytes of all segments as the index tells them, and for the hot lines what Redis
 * measures on some of them, times their number. Not `used_memory`: bodies that were replaced or removed stand in it for ten
 * minutes more, and what a budget removed would not be seen to be gone.
 */

const memoryScript = new Script('memory')

const DESCRIPTORS_A_READ = 1000
/** Values before the descriptors in an answer: the verdict, four numbers, nine seconds. */
const FIXED_VALUES = 14

export interface CollectionMemory {
  readonly collection: CollectionId
  readonly bytes: number
  /** The oldest pieces of it, hot and sealed. */
  readonly pieces: readonly MemoryPiece[]
  /** First second of what is not among the pieces, or null when everything is. */
  readonly restSecond: number | null
}

/** Measures, and remembers sums of segments as long as their index is the same. */
export class MemoryMeter {
  readonly #sealed = new Map<CollectionId, { word: string; bytes: number }>()

  /**
   * @param descriptors how many of the oldest segments to tell of
   * @returns null for a collection whose keys hold something else; its lines are rejects anyway
   * @throws PortalError `store_unavailable`, `store_refused`
   */
  async measure(
    redis: Redis,
    collection: CollectionId,
    descriptors: number,
  ): Promise<CollectionMemory | null> {
    const keys = [linesKey(collection), segmentsKey(collection), countsKey(collection)]
    // One more tells where the rest begins.
    const reply = await answered(memoryScript.run(redis, keys, [descriptors > 0 ? descriptors + 1 : 0]))
    const values = (reply as (Buffer | number)[]).map(String)
    const [verdict, , hotBytes, word, segments] = values
    if (verdict !== 'held') return null
    const oldest = values.slice(FIXED_VALUES).map(parseDescriptor)
    const hot = values.slice(5, FIXED_VALUES).filter((text) => text !== '')
    const sealedBytes = await this.#sealedBytes(redis, collection, {
      word: word ?? '',
      count: Number(segments),
    })
    const sealed = oldest.slice(0, descriptors).map((one) => ({
      firstSecond: firstSecondOf(one),
      lastSecond: lastSecondOf(one),
      bytes: one.storedBytes,
    }))
    const rest = descriptors > 0 ? oldest[descriptors] : undefined
    return {
      collection,
      bytes: Number(hotBytes) + sealedBytes,
      pieces: [...sealed, ...hotPieces(hot.map(Number), Number(hotBytes))],
      restSecond: rest ? firstSecondOf(rest) : null,
    }
  }

  async #sealedBytes(
    redis: Redis,
    collection: CollectionId,
    { word, count }: { word: string; count: number },
  ): Promise<number> {
    if (count === 0) return 0
    const known = this.#sealed.get(collection)
    if (known && known.word === word && word !== '') return known.bytes
    const key = segmentsKey(collection)
    let bytes = 0
    for (let from = 0; from < count; from += DESCRIPTORS_A_READ) {
      const texts = await answered(redis.zrange(key, String(from), String(from + DESCRIPTORS_A_READ - 1)))
      for (const text of texts) bytes += parseDescriptor(text).storedBytes
    }
    this.#sealed.set(collection, { word, bytes })
    return bytes
  }
}

/** Between each two marks lie as many lines. */
function hotPieces(marks: readonly number[], bytes: number): MemoryPiece[] {
  return marks.slice(1).map((lastSecond, index) => ({
    firstSecond: marks[index] ?? lastSecond,
    lastSecond,
    bytes: bytes / (marks.length - 1),
  }))
}
