import type { Redis } from 'ioredis'
import type { CollectionId } from '../collection-id.ts'
import { decodeSegment, SegmentError } from '../segment/format.ts'
import type { SegmentLines } from '../segment/lines.ts'
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
  if (body === null) return null
  try {
    const lines = decodeSegment(body)
    if (lines.count !== descriptor.lines || lines.micros[0] !== descriptor.firstMicros)
      throw new SegmentError('it is not the segment that the index describes')
    return lines
  } catch (error) {
    if (error instanceof SegmentError) throw new UnreadableSegment(key, descriptor, error)
    throw error
  }
}
