import type { Redis } from 'ioredis'
import type { CollectionId } from '../collection-id.ts'
import { QUICK_LEVEL, THOROUGH_LEVEL } from '../segment/format.ts'
import type { SegmentLines } from '../segment/lines.ts'
import { commitSegments } from './commit.ts'
import type { MaintainOptions, MaintainReport } from './maintain-report.ts'
import { FULL_SEGMENT } from './merge.ts'
import { type Descriptor, firstSecondOf, lastSecondOf } from './segment-descriptor.ts'
import { joinStretches } from './segment-merge.ts'
import { UnreadableSegment } from './segment-store.ts'
import { coveringOf, fetchStanding, readWholeIndex } from './standing-segments.ts'

/**
 * Joining: neighbours that are small and cold become one segment, written thoroughly. Only where that makes it at least
 * twice as large as the largest of them, so that a line is written anew some dozen times at most, however small the
 * segments it came in. What was written quickly is written thoroughly also alone. No counter changes.
 */

/** Late lines come less and less after this long, by event time. */
const COLD_SECONDS = 3600
/** Segments read for one join. */
const MAX_JOINED = 64

/**
 * A segment that cannot be read stays as it is, and the fault is reported.
 * @returns the second from which there may be more to do although the index does not change, or null where there is none
 * @throws UnreadableIndex, WrongKeyType; PortalError `store_unavailable`, `store_refused`
 */
export async function joinCollection(
  redis: Redis,
  collection: CollectionId,
  { options, report }: { options: MaintainOptions; report: MaintainReport },
): Promise<number | null> {
  const { nowSeconds, stop } = options
  const coldBeforeSecond = nowSeconds - COLD_SECONDS
  const unreadable = new Map<string, string>()
  const canJoin = (one: Descriptor) => lastSecondOf(one) < coldBeforeSecond && !unreadable.has(one.name)
  let index = await readWholeIndex(redis, collection)
  let isUnfinished = false
  for (let group = nextJoin(index, canJoin); group && !isUnfinished; group = nextJoin(index, canJoin)) {
    try {
      const written = stop.aborted ? null : await joinGroup(redis, collection, group, index)
      if (written) {
        if (group.length > 1) report.joined += group.length
        else report.recompressed++
        index = index.toSpliced(index.indexOf(group[0] as Descriptor), group.length, ...written)
      }
      // Somebody else changed the index: the next round sees it as it is then.
      else isUnfinished = true
    } catch (error) {
      if (!(error instanceof UnreadableSegment)) throw error
      unreadable.set(error.descriptor.name, error.message)
    }
  }
  for (const reason of unreadable.values()) report.faults.push({ collection, reason })
  if (isUnfinished || unreadable.size > 0) return nowSeconds
  const warm = index.map(lastSecondOf).filter((second) => second >= coldBeforeSecond)
  return warm.length > 0 ? Math.min(...warm) + COLD_SECONDS + 1 : null
}

/**
 * @param index in order
 * @returns neighbours to join, a single segment to write anew, or null where nothing is to be done
 */
export function nextJoin(
  index: readonly Descriptor[],
  canJoin: (one: Descriptor) => boolean,
): Descriptor[] | null {
  for (let start = 0; start < index.length; start++) {
    const length = lengthToJoin(index, start, canJoin)
    if (length > 1) return index.slice(start, start + length)
  }
  const quick = index.find((one) => canJoin(one) && one.level === QUICK_LEVEL)
  return quick ? [quick] : null
}

/** @returns how many segments from that one on make the largest worthwhile join; 1 where none does. */
function lengthToJoin(
  index: readonly Descriptor[],
  start: number,
  canJoin: (one: Descriptor) => boolean,
): number {
  let lines = 0
  let textBytes = 0
  let largest = 0
  let best = 1
  for (let length = 1; length <= MAX_JOINED; length++) {
    const one = index[start + length - 1]
    if (!one || !canJoin(one)) break
    lines += one.lines
    textBytes += one.textBytes
    largest = Math.max(largest, one.lines)
    if (lines > FULL_SEGMENT.lines || textBytes > FULL_SEGMENT.textBytes) break
    if (length > 1 && lines >= 2 * largest) best = length
  }
  return best
}

/** @returns what stands in the group's place, or null when the index is not what it was. */
async function joinGroup(
  redis: Redis,
  collection: CollectionId,
  group: readonly Descriptor[],
  index: readonly Descriptor[],
): Promise<readonly Descriptor[] | null> {
  const [first, last] = [group[0], group.at(-1)]
  if (!first || !last) return null
  const segments: SegmentLines[] = []
  for (const descriptor of group) {
    const segment = await fetchStanding(redis, collection, descriptor)
    if (!segment) return null
    segments.push(segment)
  }
  const seconds = { firstSecond: firstSecondOf(first), lastSecond: lastSecondOf(last) }
  const verdict = await commitSegments(redis, {
    collection,
    ...seconds,
    covering: coveringOf(index, seconds),
    replaced: group,
    written: [joinStretches(segments.map((from) => ({ from, start: 0, end: from.count })))],
    level: THOROUGH_LEVEL,
    taken: { origin: 'none' },
  })
  return verdict.verdict === 'committed' ? verdict.written : null
}
