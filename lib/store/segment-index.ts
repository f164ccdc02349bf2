import type { Redis } from 'ioredis'
import { LRUCache } from 'lru-cache'
import type { CollectionId } from '../collection-id.ts'
import { type Descriptor, parseDescriptor } from './segment-descriptor.ts'

/** The segments of a collection as its index names them, in order of time; they are disjoint. */
export class SegmentIndex {
  readonly descriptors: readonly Descriptor[]
  /** At index n, lines in the first n segments. */
  readonly #linesBefore: number[] = [0]

  /** @param texts the index's members, in its order */
  constructor(texts: readonly string[]) {
    this.descriptors = texts.map(parseDescriptor)
    let lines = 0
    for (const descriptor of this.descriptors) {
      lines += descriptor.lines
      this.#linesBefore.push(lines)
    }
  }

  /** @returns lines in the segments before that place. */
  linesBefore(place: number): number {
    return this.#linesBefore[place] ?? 0
  }

  /** @returns the place of the first segment that has a line at or after `micros`; their number where none has. */
  firstReaching(micros: number): number {
    return this.#firstWhere(({ lastMicros }) => lastMicros >= micros)
  }

  /** @returns the place of the first segment that begins at or after `micros`; their number where none does. */
  firstBeginning(micros: number): number {
    return this.#firstWhere(({ firstMicros }) => firstMicros >= micros)
  }

  #firstWhere(holds: (descriptor: Descriptor) => boolean): number {
    let low = 0
    let high = this.descriptors.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const descriptor = this.descriptors[middle]
      if (descriptor && holds(descriptor)) high = middle
      else low = middle + 1
    }
    return low
  }
}

/** Descriptors kept in memory for all collections together, some 200 bytes each. */
const KEPT_DESCRIPTORS = 250_000

interface Kept {
  readonly word: string
  readonly index: SegmentIndex
}

/**
 * The indexes last read, so that one is sent again only after it changed: a store changes the index's word with every
 * change. By connection, since another may lead to another store.
 */
const keptOf = new WeakMap<Redis, LRUCache<CollectionId, Kept>>()

function indexesOf(redis: Redis): LRUCache<CollectionId, Kept> {
  const indexes =
    keptOf.get(redis) ??
    new LRUCache<CollectionId, Kept>({
      maxSize: KEPT_DESCRIPTORS,
      sizeCalculation: ({ index }) => index.descriptors.length + 1,
    })
  keptOf.set(redis, indexes)
  return indexes
}

/** What no store answers as the word of an index. */
const NO_WORD = '-'

/** @returns the word of the index that is kept, to ask for it only when it is another. */
export function keptIndexWord(redis: Redis, collection: CollectionId): string {
  return indexesOf(redis).get(collection)?.word ?? NO_WORD
}

/**
 * @param reply the word of the index, and its members where the store sent them: else it is the one whose word was asked
 * with
 * @returns null where that is kept no longer: ask again
 */
export function currentIndex(
  redis: Redis,
  collection: CollectionId,
  [word, members]: readonly [Buffer, readonly Buffer[] | null],
): SegmentIndex | null {
  const indexes = indexesOf(redis)
  const name = word.toString('latin1')
  if (!members) {
    const kept = indexes.get(collection)
    return kept?.word === name ? kept.index : null
  }
  const index = new SegmentIndex(members.map((member) => member.toString('latin1')))
  indexes.set(collection, { word: name, index })
  return index
}
