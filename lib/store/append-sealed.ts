import type { Redis } from 'ioredis'
import { memberAt, type SegmentLines } from '../segment/lines.ts'
import type { PackedLines } from './packed-lines.ts'
import { secondOfMicros } from './score.ts'
import { covers, type Descriptor, descriptorText } from './segment-descriptor.ts'
import { UnreadableSegment } from './segment-store.ts'
import { coveringAny, fetchStanding } from './standing-segments.ts'

/**
 * What an append does about sealed segments that cover its lines' seconds: lines that stand there are duplicates, the
 * others can be sent with the names of the segments they were checked against. One segment is held at a time.
 *
 * The script names all segments between the first and the last second of the lines. Of one late line and many new ones
 * that is most of a day; read are only those that the second of a line lies in, since no line can stand in the others.
 */

export interface Checked {
  /** Lines that stand in none of the segments; null where none is left. */
  readonly group: PackedLines | null
  /** The segments that {@link group} was checked against; none where they changed meanwhile, and it is to be asked again. */
  readonly known: readonly Descriptor[]
  readonly duplicates: number
  /** Lines that may stand in a segment that cannot be read. */
  readonly refused: readonly { readonly lines: PackedLines; readonly reason: string }[]
}

/**
 * @param covering the segments that cover any second from the lines' first to their last, in order
 * @param known those of them that the lines were checked against before; segments never change
 * @throws PortalError `store_unavailable`, `store_refused`
 */
export async function withoutSealed(
  redis: Redis,
  given: PackedLines,
  { covering, known }: { covering: readonly Descriptor[]; known: readonly Descriptor[] },
): Promise<Checked> {
  const checkedTexts = new Set(known.map(descriptorText))
  const refused: { lines: PackedLines; reason: string }[] = []
  let duplicates = 0
  let group: PackedLines | null = given
  for (const descriptor of coveringAny(covering, given.seconds())) {
    if (group === null || checkedTexts.has(descriptorText(descriptor))) continue
    const isCovered = (_: number, second: number) =>
      covers(descriptor, { firstSecond: second, lastSecond: second })
    let segment: SegmentLines | null
    try {
      segment = await fetchStanding(redis, given.collection, descriptor)
    } catch (error) {
      if (!(error instanceof UnreadableSegment)) throw error
      const lines = group.select(isCovered)
      if (lines.count > 0)
        refused.push({ lines, reason: `a sealed segment cannot be read: ${error.message}` })
      group = rest(group, (place, second) => !isCovered(place, second))
      continue
    }
    if (!segment) return { group, known: [], duplicates, refused }
    const standing = placesWithin(group, segment)
    duplicates += standing.size
    group = rest(group, (place) => !standing.has(place))
  }
  return { group, known: covering, duplicates, refused }
}

function rest(group: PackedLines, keep: (place: number, second: number) => boolean): PackedLines | null {
  const kept = group.select(keep)
  if (kept.count === group.count) return group
  return kept.count > 0 ? kept : null
}

/** @returns places of the lines whose second and member the segment holds. */
function placesWithin(group: PackedLines, segment: SegmentLines): Set<number> {
  const members = new Map<string, number[]>()
  let place = 0
  for (const { second, member } of group.identities()) {
    const identity = `${second} ${member.toString('latin1')}`
    const places = members.get(identity)
    if (places) places.push(place)
    else members.set(identity, [place])
    place++
  }
  const standing = new Set<number>()
  for (let at = 0; at < segment.count; at++) {
    const second = secondOfMicros(segment.micros[at] ?? 0)
    if (second < group.firstSecond || second > group.lastSecond) continue
    for (const found of members.get(`${second} ${memberAt(segment, at).toString('latin1')}`) ?? [])
      standing.add(found)
  }
  return standing
}
