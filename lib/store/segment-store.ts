import type { Redis } from 'ioredis'
import type { CollectionId } from '../collection-id.ts'
import { decodeSegment, decodeSummary, SegmentError } from '../segment/format.ts'
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

/** Holds the summary of most segments. */
const FRONT_BYTES = 2048

/** @returns as {@link fetchSegment}, the segment's lines by minute and status class. */
export async function fetchSummary(
  redis: Redis,
  collection: CollectionId,
  descriptor: Descriptor,
): Promise<SegmentSummary | null> {
  const key = segmentKey(collection, descriptor.name)
  for (let bytes = FRONT_BYTES; ; ) {
    const front = await answered(redis.getrangeBuffer(key, 0, bytes - 1))
    if (front.length === 0) return null
    const summary = readable(key, descriptor, () => {
      const read = decodeSummary(front)
      if ('needsBytes' in read && front.length < bytes) throw new SegmentError('it ends within its summary')
      return read
    })
    if (!('needsBytes' in summary)) return summary
    bytes = summary.needsBytes
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
