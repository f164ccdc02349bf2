import type { Redis } from 'ioredis'
import type { CollectionId } from '../collection-id.ts'
import { decodeSegment, decodeSummary, decodeTimes, SegmentError } from '../segment/format.ts'
import type { SegmentLines } from '../segment/lines.ts'
import type { SegmentSummary } from '../segment/summary.ts'
import { segmentKey } from './keys.ts'
import { answered } from './redis.ts'
import type { Descriptor } from './segment-descriptor.ts'

/** Fetching sealed segments. */

/** A segment that the index names and whose lines cannot be had. */
export class UnreadableSegment extends Error {
  override readonly name = 'UnreadableSegment'
  readonly descriptor: Descriptor

  constructor(key: string, descriptor: Descriptor, cause: SegmentError) {
    super(`${key}: ${cause.message}`, { cause })
    this.descriptor = descriptor
  }
}

/**
 * @returns the segment's lines, or null where its body is not there: replaced or removed since the index was read, or lost.
 * @throws UnreadableSegment; PortalError `store_unavailable`, `store_refused`
 */
export async function fetchSegment(
  redis: Redis,
  collection: CollectionId,
  descriptor: Descriptor,
): Promise<SegmentLines | null> {
  const key = segmentKey(collection, descriptor.name)
  const body = await answered(redis.getBuffer(key))
  return (
    body &&
    readable(key, descriptor, () => {
      const lines = decodeSegment(body)
      if (lines.count !== descriptor.lines || lines.micros[0] !== descriptor.firstMicros)
        throw new SegmentError('it is not the segment that the index describes')
      return lines
    })
  )
}

/** Holds the summary of most segments, and the times of many. */
const FRONT_BYTES = 4096

/** @returns as {@link fetchSegment}, the segment's lines by minute and status class. */
export function fetchSummary(
  redis: Redis,
  collection: CollectionId,
  descriptor: Descriptor,
): Promise<SegmentSummary | null> {
  return fetchFront(redis, segmentKey(collection, descriptor.name), descriptor, decodeSummary)
}

/** @returns as {@link fetchSegment}, each line's microseconds since the epoch, ascending. */
export function fetchTimes(
  redis: Redis,
  collection: CollectionId,
  descriptor: Descriptor,
): Promise<Float64Array | null> {
  return fetchFront(redis, segmentKey(collection, descriptor.name), descriptor, decodeTimes)
}

async function fetchFront<T extends object>(
  redis: Redis,
  key: string,
  descriptor: Descriptor,
  decode: (front: Buffer) => T | { needsBytes: number },
): Promise<T | null> {
  for (let bytes = FRONT_BYTES; ; ) {
    const front = await answered(redis.getrangeBuffer(key, 0, bytes - 1))
    if (front.length === 0) return null
    const read = readable(key, descriptor, () => {
      const some = decode(front)
      if ('needsBytes' in some && front.length < bytes) throw new SegmentError('it ends within its columns')
      return some
    })
    if (!('needsBytes' in read)) return read
    bytes = read.needsBytes
  }
}

function readable<T>(key: string, descriptor: Descriptor, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof SegmentError) throw new UnreadableSegment(key, descriptor, error)
    throw error
  }
}
