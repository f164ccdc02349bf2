import type { Redis } from 'ioredis'
import type { CollectionId } from '../collection-id.ts'
import { DayMemory } from './day-memory.ts'
import { arrivalsKey, countsKey, linesKey, removalsKey, segmentsKey, sourcesKey } from './keys.ts'
import { answered, isWrongType, Script } from './redis.ts'
import type { MemoryPiece } from './retention-plan.ts'
import { runEach } from './run-each.ts'
import { type Descriptor, firstSecondOf, lastSecondOf, parseDescriptor } from './segment-descriptor.ts'

/**
 * The memory that collections take: the stored bytes of all segments as the index tells them, and what Redis measures of
 * the hot lines, of the index, of the counts of days and of all else that is kept of a collection. Not `used_memory`: bodies
 * that were replaced or removed stand in it for ten minutes more, and what a budget removed would not be seen to be gone.
 */

const memoryScript = new Script('memory')

const DESCRIPTORS_A_READ = 1000
/** Collections in one pipeline. */
const AT_ONCE = 500
/** Values before the descriptors in an answer: ten, and nine seconds of hot lines. */
const HOT_FROM = 10
const FIXED_VALUES = 19
/** What a body costs besides itself: its key, entry and header. */
const KEY_BYTES = 96

export interface CollectionMemory {
  readonly collection: CollectionId
  readonly bytes: number
  /** Of these, what stays when all lines are removed: counts of all time, the streams. */
  readonly fixedBytes: number
  /** The oldest pieces of the others, hot and sealed. */
  readonly pieces: readonly MemoryPiece[]
  /** First second of what is not among the pieces, or null when everything is. */
  readonly restSecond: number | null
}

/** Measures, and remembers sums of segments and days as long as what they depend on is the same. */
export class MemoryMeter {
  readonly #sealed = new Map<CollectionId, { word: string; bytes: number }>()
  readonly #days = new DayMemory()

  /**
   * @param descriptors how many of the oldest segments of each to tell of
   * @returns without collections whose keys hold something else; their lines are rejects anyway
   * @throws PortalError `store_unavailable`, `store_refused`
   */
  async measure(
    redis: Redis,
    collections: readonly CollectionId[],
    descriptors: number,
  ): Promise<CollectionMemory[]> {
    const memory: CollectionMemory[] = []
    for (let at = 0; at < collections.length; at += AT_ONCE) {
      const some = collections.slice(at, at + AT_ONCE)
      // One more tells where the rest begins.
      const args = [descriptors > 0 ? descriptors + 1 : 0]
      const answers = await answered(
        runEach(
          redis,
          memoryScript,
          some.map((collection) => ({ keys: keysOf(collection), args })),
        ),
      )
      const measured = await Promise.all(
        some.map((collection, index) => {
          const [error, reply] = answers[index] ?? [null, []]
          if (error && !isWrongType(error)) return answered(Promise.reject(error))
          const values = error ? [] : (reply as (string | number)[]).map(String)
          return values[0] === 'held' ? this.#memoryOf(redis, collection, { values, descriptors }) : null
        }),
      )
      memory.push(...measured.filter((one) => one !== null))
    }
    return memory
  }

  async #memoryOf(
    redis: Redis,
    collection: CollectionId,
    { values, descriptors }: { values: readonly string[]; descriptors: number },
  ): Promise<CollectionMemory> {
    const [, hotBytes, indexBytes, fixed, word = '', segments, hits, removed, last, first] = values
    const oldest = values.slice(FIXED_VALUES).map(parseDescriptor)
    const hot = values.slice(HOT_FROM, FIXED_VALUES).filter((text) => text !== '')
    const count = Number(segments)
    const [bodyBytes, days] = await Promise.all([
      this.#bodyBytes(redis, collection, { word, count }),
      this.#days.measure(redis, collection, {
        hits: Number(hits),
        removed: Number(removed),
        firstSecond: first === '' ? null : Number(first),
        lastSecond: last === '' ? null : Number(last),
      }),
    ])
    const entryBytes = count > 0 ? Number(indexBytes) / count : 0
    const sealed = oldest.slice(0, descriptors).map((one) => pieceOf(one, entryBytes))
    const rest = descriptors > 0 ? oldest[descriptors] : undefined
    const ofLines = [...sealed, ...hotPieces(hot.map(Number), Number(hotBytes))]
    const oldestLine = Math.min(...ofLines.map(({ firstSecond }) => firstSecond))
    const dayBytes = days.reduce((sum, { bytes }) => sum + bytes, 0)
    return {
      collection,
      bytes: Number(hotBytes) + Number(indexBytes) + bodyBytes + dayBytes + Number(fixed),
      fixedBytes: Number(fixed),
      pieces: ofLines.length > 0 ? [...ofLines, ...days.map((day) => notBefore(day, oldestLine))] : [],
      restSecond: rest ? firstSecondOf(rest) : null,
    }
  }

  async #bodyBytes(
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
      for (const text of texts) bytes += bytesOfBody(parseDescriptor(text))
    }
    this.#sealed.set(collection, { word, bytes })
    return bytes
  }
}

const keysOf = (id: CollectionId) => [
  linesKey(id),
  segmentsKey(id),
  countsKey(id),
  sourcesKey(id),
  arrivalsKey(id),
  removalsKey(id),
]

const bytesOfBody = ({ storedBytes }: Descriptor) => storedBytes + KEY_BYTES

const pieceOf = (one: Descriptor, entryBytes: number): MemoryPiece => ({
  firstSecond: firstSecondOf(one),
  lastSecond: lastSecondOf(one),
  bytes: bytesOfBody(one) + entryBytes,
})

/** A day that is gone but for its counts is folded when the next line goes. */
const notBefore = ({ firstSecond, lastSecond, bytes }: MemoryPiece, second: number): MemoryPiece => ({
  firstSecond: Math.max(firstSecond, second),
  lastSecond: Math.max(lastSecond, second),
  bytes,
})

/** Between each two marks lie as many lines. */
function hotPieces(marks: readonly number[], bytes: number): MemoryPiece[] {
  return marks.slice(1).map((lastSecond, index) => ({
    firstSecond: marks[index] ?? lastSecond,
    lastSecond,
    bytes: bytes / (marks.length - 1),
  }))
}
