import type { Redis } from 'ioredis'
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
const keptOf = new WeakMap<Redis, Map<CollectionId, Kept>>()

/** What no store answers as the word of an index. */
const NO_WORD = '-'

/** @returns the word of the index that is kept, to ask for it only when it is another. */
export function keptIndexWord(redis: Redis, collection: CollectionId): string {
  return keptOf.get(redis)?.get(collection)?.word ?? NO_WORD
}

/**
 * @param texts the index's members where the store sent them, else null: it is the one kept, whose word was asked with
 * @returns null where it is kept no longer: ask again
 */
export function currentIndex(
  redis: Redis,
  collection: CollectionId,
  { word, texts }: { word: string; texts: readonly string[] | null },
): SegmentIndex | null {
  const indexes = keptOf.get(redis) ?? new Map<CollectionId, Kept>()
  keptOf.set(redis, indexes)
  const kept = indexes.get(collection)
  if (!texts) return kept?.word === word ? kept.index : null
  const index = new SegmentIndex(texts)
  indexes.delete(collection)
  indexes.set(collection, { word, index })
  let descriptors = 0
  for (const { index: one } of indexes.values()) descriptors += one.descriptors.length + 1
  // The one read longest ago goes first.
  for (const [id, { index: one }] of indexes) {
    if (descriptors <= KEPT_DESCRIPTORS || id === collection) break
    descriptors -= one.descriptors.length + 1
    indexes.delete(id)
  }
  return index
}
