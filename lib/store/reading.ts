import type { Redis } from 'ioredis'
import { assertCollectionGrant, type CollectionGrant } from '../access/decide.ts'
import { type DecodedMember, encodeMember } from '../line/member.ts'
import { hashOfMember, readMergedPage } from './merged-page.ts'
import { LATEST_MICROS } from './score.ts'
import { type Gap, SealedReader } from './sealed-reader.ts'

/**
 * Reads of a collection's lines. All are in (score, member) order, each line once, and stay so while lines are added and
 * removed under them. A read takes a grant, which only the access decision makes; the collection read is the grant's.
 */

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
  /** What the store could not give of the stretch read. */
  readonly gaps: readonly Gap[]
}

/** Lines on both sides of one. */
export interface PageAround extends Page {
  /** Where the line stands among {@link Page.lines}; null when it is kept no longer, or not in the window. */
  readonly place: number | null
}

/** A page's bytes are bounded as well as its lines, since a line may have a mebibyte. */
const PAGE_BYTES = 4 * 1024 * 1024

export interface PageRequest {
  readonly window: MicrosWindow
  readonly start: PageStart
  /** Lines at most. */
  readonly limit: number
  readonly maxBytes?: number
}

/**
 * One page.
 * @throws PortalError `store_unavailable`, `store_refused`
 */
export async function readPage(redis: Redis, grant: CollectionGrant, request: PageRequest): Promise<Page> {
  assertCollectionGrant(grant)
  const sealed = new SealedReader(redis, grant.collection, { keeps: true })
  return readMergedPage(redis, grant.collection, { maxBytes: PAGE_BYTES, ...request }, sealed)
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
    gaps: [...ahead.gaps, ...rest.gaps],
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
