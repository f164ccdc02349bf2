import type { Redis } from 'ioredis'
import type { CollectionId } from '../collection-id.ts'
import { SegmentError } from '../segment/format.ts'
import type { SegmentLines } from '../segment/lines.ts'
import { UnreadableIndex } from './collection-fault.ts'
import { segmentKey, segmentsKey } from './keys.ts'
import { answered } from './redis.ts'
import {
  covers,
  type Descriptor,
  descriptorText,
  firstSecondOf,
  parseDescriptor,
  type Seconds,
} from './segment-descriptor.ts'
import { fetchSegment, UnreadableSegment } from './segment-store.ts'

/** The index of a collection's segments as writers read it: what covers some seconds, and the lines behind it. */

const DESCRIPTORS_A_READ = 1000

/** @throws UnreadableIndex */
export function parseEntries(collection: CollectionId, texts: readonly string[]): Descriptor[] {
  try {
    return texts.map(parseDescriptor)
  } catch (error) {
    if (error instanceof RangeError) throw new UnreadableIndex(segmentsKey(collection), error)
    throw error
  }
}

/** @returns those of the segments that cover any of the seconds. */
export function coveringOf(descriptors: readonly Descriptor[], seconds: Seconds): Descriptor[] {
  return descriptors.filter((one) => covers(one, seconds))
}

/**
 * @param seconds of lines, ascending
 * @returns those of the segments that cover one of them; both are gone through once, in order.
 */
export function coveringAny(descriptors: readonly Descriptor[], seconds: ArrayLike<number>): Descriptor[] {
  let at = 0
  return descriptors.filter((one) => {
    while (at < seconds.length && (seconds[at] ?? 0) < firstSecondOf(one)) at++
    const second = seconds[at]
    return second !== undefined && covers(one, { firstSecond: second, lastSecond: second })
  })
}

/** @returns the whole index, in order; where it changes meanwhile, some of it as it was. */
export async function readWholeIndex(redis: Redis, collection: CollectionId): Promise<Descriptor[]> {
  const key = segmentsKey(collection)
  const descriptors: Descriptor[] = []
  for (let from = 0; ; from += DESCRIPTORS_A_READ) {
    const texts = await answered(redis.zrange(key, String(from), String(from + DESCRIPTORS_A_READ - 1)))
    descriptors.push(...parseEntries(collection, texts))
    if (texts.length < DESCRIPTORS_A_READ) return descriptors
  }
}

/**
 * @returns a segment's lines, or null when the index does not name it any more: it is to be read again.
 * @throws UnreadableSegment when the index names it and its lines cannot be had
 */
export async function fetchStanding(
  redis: Redis,
  collection: CollectionId,
  descriptor: Descriptor,
): Promise<SegmentLines | null> {
  try {
    const lines = await fetchSegment(redis, collection, descriptor)
    if (lines) return lines
    throw new UnreadableSegment(
      segmentKey(collection, descriptor.name),
      descriptor,
      new SegmentError('the index names it, and it is not there'),
    )
  } catch (error) {
    if (!(error instanceof UnreadableSegment)) throw error
    // Looked at after the body: one that was replaced meanwhile is nobody's fault.
    const stands = await answered(redis.zscore(segmentsKey(collection), descriptorText(descriptor)))
    if (stands === null) return null
    throw error
  }
}
