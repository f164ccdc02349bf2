import { createHash } from 'node:crypto'
import type { Redis } from 'ioredis'
import { assertCollectionGrant, type CollectionGrant } from '../access/decide.ts'
import { type DecodedMember, decodeMember, encodeMember } from '../line/member.ts'
import { linesKey, segmentsKey } from './keys.ts'
import { answered, Script } from './redis.ts'
import { LATEST_MICROS, microsOfScore, scoreText } from './score.ts'

/**
 * Reads of a collection's lines. All are in (score, member) order, each line once, and stay so while lines are added and
 * removed under them. A read takes a grant, which only the access decision makes; the collection read is the grant's.
 */

const readPageScript = new Script('read-page')

/** Half-open interval of microseconds since the epoch, `[fromMicros, toMicros)`. */
export interface MicrosWindow {
  readonly fromMicros: number
  readonly toMicros: number
}

/** All that a store can hold. */
export const EVERYTHING: MicrosWindow = { fromMicros: 0, toMicros: LATEST_MICROS }

export interface StoredLine extends DecodedMember {
  /** The line's place in time, microseconds since the epoch. */
  readonly micros: number
}

/**
 * Where a line stands in the order, short enough for an address: its place in time, a hash of its member, and which of
 * the lines of that very microsecond it was, from where the search for it begins.
 */
export interface Cursor {
  readonly micros: number
  /** First 16 hexadecimal digits of SHA-1 of the member. */
  readonly hash: string
  readonly place: number
}

/** Where a page begins: at an edge of the window, next to a line, or with it. */
export type PageStart =
  | { edge: 'oldest' | 'newest' }
  | { after: Cursor }
  | { before: Cursor }
  | { from: Cursor }

export interface Page {
  /** Ascending. */
  readonly lines: readonly StoredLine[]
  /** Lines in the whole window, as of this read. */
  readonly total: number
  /** How many lines of the window stand before the first of the page. */
  readonly skipped: number
  /** Cursors of the first and of the last line; null on an empty page. */
  readonly first: Cursor | null
  readonly last: Cursor | null
}

/** Lines on both sides of one. */
export interface PageAround extends Page {
  /** Where the line stands among {@link Page.lines}; null when it is kept no longer, or not in the window. */
  readonly place: number | null
}

/** A page's bytes are bounded as well as its lines, since a line may have a mebibyte. */
const PAGE_BYTES = 4 * 1024 * 1024

function hashOfMember(member: Buffer): string {
  return createHash('sha1').update(member).digest('hex').slice(0, 16)
}

/**
 * One page.
 * @throws PortalError `store_unavailable`, `store_refused`
 */
export async function readPage(
  redis: Redis,
  grant: CollectionGrant,
  options: { window: MicrosWindow; start: PageStart; limit: number; maxBytes?: number },
): Promise<Page> {
  assertCollectionGrant(grant)
  const { collection } = grant
  const { window, start, limit, maxBytes = PAGE_BYTES } = options
  const { direction, cursor } = beginning(start)
  const reply = (await answered(
    readPageScript.run(
      redis,
      [linesKey(collection), segmentsKey(collection)],
      [
        scoreText(window.fromMicros),
        scoreText(window.toMicros),
        direction,
        cursor ? scoreText(cursor.micros) : '',
        cursor?.place ?? 0,
        cursor?.hash ?? '',
        limit,
        maxBytes,
      ],
    ),
  )) as [number, number, number, number, number, ...Buffer[]]
  const [low, high, firstRank, firstPlace, lastPlace, ...flat] = reply
  const lines: StoredLine[] = []
  for (let i = 0; i < flat.length; i += 2) {
    const member = flat[i] as Buffer
    lines.push({ ...decodeMember(member), micros: microsOfScore((flat[i + 1] as Buffer).toString('latin1')) })
  }
  const cursorAt = (
    place: number,
    line: StoredLine | undefined,
    member: Buffer | undefined,
  ): Cursor | null => (line && member ? { micros: line.micros, hash: hashOfMember(member), place } : null)
  return {
    lines,
    total: high - low,
    skipped: firstRank - low,
    first: cursorAt(firstPlace, lines[0], flat[0]),
    last: cursorAt(lastPlace, lines.at(-1), flat.at(-2)),
  }
}

function beginning(start: PageStart): { direction: 'forward' | 'from' | 'backward'; cursor: Cursor | null } {
  if ('after' in start) return { direction: 'forward', cursor: start.after }
  if ('from' in start) return { direction: 'from', cursor: start.from }
  if ('before' in start) return { direction: 'backward', cursor: start.before }
  return { direction: start.edge === 'oldest' ? 'forward' : 'backward', cursor: null }
}

/**
 * A line with those around it: up to `before` lines ahead of it and `after` behind it, within the window. Where the line
 * is gone, those around the place it had. Lines that arrive between the two reads this takes are given or not, but each
 * once and in order: one read ends where the other begins.
 * @throws PortalError `store_unavailable`, `store_refused`
 */
export async function readAround(
  redis: Redis,
  grant: CollectionGrant,
  options: { window: MicrosWindow; at: Cursor; before: number; after: number },
): Promise<PageAround> {
  const { window, at, before, after } = options
  const maxBytes = PAGE_BYTES / 2
  const [ahead, rest] = await Promise.all([
    readPage(redis, grant, { window, start: { before: at }, limit: before, maxBytes }),
    readPage(redis, grant, { window, start: { from: at }, limit: after + 1, maxBytes }),
  ])
  const isThere = rest.first?.micros === at.micros && rest.first.hash === at.hash
  return {
    lines: [...ahead.lines, ...rest.lines],
    total: rest.total,
    skipped: ahead.lines.length > 0 ? ahead.skipped : rest.skipped,
    first: ahead.first ?? rest.first,
    last: rest.last ?? ahead.last,
    place: isThere ? ahead.lines.length : null,
  }
}

/** @returns the cursors of a page's lines, in their order. */
export function pageCursors({ lines, first }: Page): Cursor[] {
  let place = first?.place ?? 0
  return lines.map(({ line, source, ordinal, micros }, index) => {
    if (index > 0) place = lines[index - 1]?.micros === micros ? place + 1 : 0
    return { micros, place, hash: hashOfMember(encodeMember(line, source, ordinal)) }
  })
}
