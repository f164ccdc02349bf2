import { hash } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { CollectionId } from '../collection-id.ts'
import { decodeMember } from '../line/member.ts'
import { firstAtOrAfter, memberAt, type SegmentLines } from '../segment/lines.ts'
import { countsKey, linesKey, segmentsKey } from './keys.ts'
import { type MergedLine, PageMerge } from './page-merge.ts'
import type { Cursor, Page, PageRequest, PageStart, StoredLine } from './reading.ts'
import { answered, Script } from './redis.ts'
import { microsOfScore, scoreText } from './score.ts'
import { type SealedReader, StaleIndex } from './sealed-reader.ts'
import { currentIndex, keptIndexWord, type SegmentIndex } from './segment-index.ts'

/**
 * One page out of hot and sealed lines. Index and hot lines come from one moment of the store, so a line that is sealed
 * while the page is read stands in exactly one of them; a segment that was replaced before its body was fetched starts
 * the read again.
 */

const readPageScript = new Script('read-page')

/** A page whose segments change faster than they are read gives up after so many tries; maintenance runs far apart. */
const MAX_TRIES = 50
/** By how much more is read where the hot lines asked for do not reach. */
const GROWTH = 4

export function hashOfMember(member: Buffer): string {
  return hash('sha1', member, 'hex').slice(0, 16)
}

type Bounded = PageRequest & { readonly maxBytes: number }

/** What the store held of the stretch at one moment. */
interface Snapshot {
  readonly index: SegmentIndex
  /** Hot ranks of the window's start and of what follows its end. */
  readonly low: number
  readonly high: number
  /** Hot rank of the first of `hot`. */
  readonly firstRank: number
  readonly hot: readonly MergedLine[]
  /** How many hot lines of its moment stand before the first of `hot`. */
  readonly firstPlace: number
  readonly hasMore: boolean
  /** The cursor's member where its line is hot. */
  readonly cursorMember: Buffer | null
}

/** @throws PortalError `store_unavailable`, `store_refused` */
export async function readMergedPage(
  redis: Redis,
  collection: CollectionId,
  request: Bounded,
  sealed: SealedReader,
): Promise<Page> {
  let { limit, maxBytes } = request
  let isGone = false
  for (let tries = 1; ; tries++) {
    const snapshot = await takeSnapshot(redis, collection, { ...request, limit, maxBytes, isGone })
    if (!snapshot) continue
    sealed.indexWasRead()
    try {
      const edge = await edgeOf(snapshot, request, sealed)
      if (edge.isGone && !isGone) {
        // Among the lines of its moment there is no place for it: they need not be read.
        isGone = true
        continue
      }
      const page = await mergedPage(snapshot, edge, { request, sealed })
      if (page) return page
      limit = limit * GROWTH + 1
      maxBytes *= GROWTH
    } catch (error) {
      if (!(error instanceof StaleIndex) || tries >= MAX_TRIES) throw error
    }
  }
}

function beginning(start: PageStart): { direction: 'forward' | 'from' | 'backward'; cursor: Cursor | null } {
  if ('after' in start) return { direction: 'forward', cursor: start.after }
  if ('from' in start) return { direction: 'from', cursor: start.from }
  if ('before' in start) return { direction: 'backward', cursor: start.before }
  return { direction: start.edge === 'oldest' ? 'forward' : 'backward', cursor: null }
}

/** @returns null where the index kept went meanwhile: ask again */
async function takeSnapshot(
  redis: Redis,
  collection: CollectionId,
  { window, start, limit, maxBytes, isGone }: Bounded & { isGone: boolean },
): Promise<Snapshot | null> {
  const { direction, cursor } = beginning(start)
  const reply = (await answered(
    readPageScript.run(
      redis,
      [linesKey(collection), segmentsKey(collection), countsKey(collection)],
      [
        scoreText(window.fromMicros),
        scoreText(window.toMicros),
        direction,
        cursor ? scoreText(cursor.micros) : '',
        cursor?.place ?? 0,
        isGone ? '' : (cursor?.hash ?? ''),
        limit,
        maxBytes,
        keptIndexWord(redis, collection),
      ],
    ),
  )) as [Buffer, Buffer[] | null, number, number, number, number, number, number, Buffer, ...Buffer[]]
  const [word, descriptors, low, high, firstRank, more, firstPlace, isHot, member, ...flat] = reply
  const index = currentIndex(redis, collection, [word, descriptors])
  if (!index) return null
  const hot: MergedLine[] = []
  for (let i = 0; i < flat.length; i += 2)
    hot.push({
      member: flat[i] as Buffer,
      micros: microsOfScore((flat[i + 1] as Buffer).toString('latin1')),
    })
  return {
    index,
    low,
    high,
    firstRank,
    hot,
    firstPlace,
    hasMore: more === 1,
    cursorMember: isHot === 1 ? member : null,
  }
}

/** A place in the order: before the line `member` of that moment, or behind it; without a member before all of it. */
interface Edge {
  readonly micros: number
  readonly member: Buffer | null
  readonly isBehind: boolean
  /** Whether the cursor's line is gone, so that there is no member. */
  readonly isGone: boolean
}

function isBeforeEdge(micros: number, member: () => Buffer, edge: Edge): boolean {
  if (micros !== edge.micros || !edge.member) return micros < edge.micros
  const difference = member().compare(edge.member)
  return edge.isBehind ? difference <= 0 : difference < 0
}

/** @returns null where the snapshot's hot lines do not reach far enough */
async function mergedPage(
  snapshot: Snapshot,
  edge: Edge,
  { request, sealed }: { request: Bounded; sealed: SealedReader },
): Promise<Page | null> {
  const { index, low, high } = snapshot
  const { window, start } = request
  const isForward = beginning(start).direction !== 'backward'
  const isWanted = (line: MergedLine) => isBeforeEdge(line.micros, () => line.member, edge) !== isForward
  const lines = snapshot.hot.filter(isWanted)
  const dropped = snapshot.hot.length - lines.length
  const merge = new PageMerge(
    { lines, hasMore: snapshot.hasMore },
    isForward ? 'forward' : 'backward',
    request,
  )
  const sealedRank = await takeSealed(merge, { index, sealed, window, edge, isForward })
  merge.takeRest()
  if (merge.isShort) return null

  const ascending = isForward ? merge.taken : merge.taken.reverse()
  const hotBefore = isForward ? dropped : lines.length - merge.hotTaken
  const hotRank = snapshot.firstRank + hotBefore
  const [below, until] = [
    await sealed.linesBelow(index, window.fromMicros),
    await sealed.linesBelow(index, window.toMicros),
  ]
  const firstPlace = ascending[0] ? placeAfter(snapshot, hotBefore, ascending[0].micros) : 0
  return {
    lines: ascending.map(({ micros, member }): StoredLine => ({ ...decodeMember(member), micros })),
    total: high - low + Math.max(0, until - below),
    skipped: hotRank - low + sealedRank - below,
    ...endCursors(ascending, firstPlace),
    gaps: sealed.gaps,
  }
}

/** Where the page begins in the direction read: at the window's edge, or at the cursor's line. */
async function edgeOf(
  { index, cursorMember }: Snapshot,
  { window, start }: Bounded,
  sealed: SealedReader,
): Promise<Edge> {
  const { direction, cursor } = beginning(start)
  const atWindow = {
    micros: direction === 'backward' ? window.toMicros : window.fromMicros,
    member: null,
    isBehind: false,
    isGone: false,
  }
  if (!cursor) return atWindow
  const isOutside =
    direction === 'backward' ? cursor.micros >= window.toMicros : cursor.micros < window.fromMicros
  if (isOutside) return atWindow
  const member = cursorMember ?? (await sealedMember(index, sealed, cursor))
  return { micros: cursor.micros, member, isBehind: direction === 'forward', isGone: member === null }
}

/** @returns the cursor's member, or null where no segment holds it */
async function sealedMember(
  index: SegmentIndex,
  sealed: SealedReader,
  { micros, hash }: Cursor,
): Promise<Buffer | null> {
  const descriptor = index.descriptors[index.firstReaching(micros)]
  const lines = descriptor && descriptor.firstMicros <= micros ? await sealed.read(descriptor) : null
  if (!lines) return null
  for (let place = firstAtOrAfter(lines.micros, micros); lines.micros[place] === micros; place++) {
    const member = memberAt(lines, place)
    if (hashOfMember(member) === hash) return member
  }
  return null
}

interface SealedStretch {
  readonly index: SegmentIndex
  readonly sealed: SealedReader
  readonly window: { readonly fromMicros: number; readonly toMicros: number }
  readonly edge: Edge
  readonly isForward: boolean
}

/** @returns how many sealed lines of the collection stand before the page */
async function takeSealed(merge: PageMerge, stretch: SealedStretch): Promise<number> {
  const { index, sealed, window, edge, isForward } = stretch
  const { descriptors } = index
  const fromMicros = isForward ? Math.max(edge.micros, window.fromMicros) : window.fromMicros
  const first = index.firstReaching(fromMicros)
  // Of the edge's own moment there may be lines on both sides of it.
  const toMicros = isForward ? window.toMicros : edge.micros + (edge.member ? 1 : 0)
  const end = index.firstBeginning(toMicros)
  let rank: number | null = null
  for (let i = 0; i < end - first && !merge.isDone; i++) {
    const place = isForward ? first + i : end - 1 - i
    const descriptor = descriptors[place]
    const lines = descriptor && (await sealed.read(descriptor))
    if (!lines) continue
    const from = isForward ? placeOfEdge(lines, edge) : firstAtOrAfter(lines.micros, window.fromMicros)
    const to = isForward ? firstAtOrAfter(lines.micros, window.toMicros) : placeOfEdge(lines, edge)
    const takenBefore = merge.sealedTaken
    merge.takeBlock({ lines, from, to: Math.max(from, to) })
    if (isForward) rank ??= index.linesBefore(place) + from
    else rank = index.linesBefore(place) + Math.max(from, to) - (merge.sealedTaken - takenBefore)
  }
  return rank ?? sealed.linesBelow(index, isForward ? fromMicros : edge.micros)
}

/** @returns the place of the first line that is not before the edge */
function placeOfEdge(lines: SegmentLines, edge: Edge): number {
  let place = firstAtOrAfter(lines.micros, edge.micros)
  while (place < lines.count && isBeforeEdge(lines.micros[place] ?? 0, () => memberAt(lines, place), edge))
    place++
  return place
}

/**
 * @param count of the hot lines that were read, those before a line
 * @param micros the line's moment
 * @returns how many hot lines of that moment stand before it: from there the store begins its search for a cursor, which
 * it gives up after some thousands.
 */
function placeAfter({ hot, firstPlace }: Snapshot, count: number, micros: number): number {
  let start = count
  while (start > 0 && hot[start - 1]?.micros === micros) start--
  const isCut = start === 0 && hot[0]?.micros === micros
  return count - start + (isCut ? firstPlace : 0)
}

function endCursors(lines: readonly MergedLine[], firstPlace: number): Pick<Page, 'first' | 'last'> {
  const first = lines[0]
  const last = lines.at(-1)
  if (!first || !last) return { first: null, last: null }
  let place = 0
  for (let i = lines.length - 2; i >= 0 && lines[i]?.micros === last.micros; i--) place++
  if (first.micros === last.micros) place += firstPlace
  return {
    first: { micros: first.micros, hash: hashOfMember(first.member), place: firstPlace },
    last: { micros: last.micros, hash: hashOfMember(last.member), place },
  }
}
