import type { Redis } from 'ioredis'
import { assertCollectionGrant, type CollectionGrant } from '../access/decide.ts'
import { maskAddresses } from '../line/mask-addresses.ts'
import { type DecodedMember, encodeMember } from '../line/member.ts'
import { type CursorSeal, isSealed, readCursorSeal } from './cursor-seal.ts'
import { hashOfMember, readMergedPage } from './merged-page.ts'
import { LATEST_MICROS } from './score.ts'
import { type Gap, SealedReader } from './sealed-reader.ts'

/**
 * Reads of a collection's lines. All are in (score, member) order, each line once, and stay so while lines are added and
 * removed under them. A read takes a grant, which only the access decision makes; the collection read is the grant's, and
 * under a masked grant no line leaves here but with its addresses as networks.
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
  /** Of its cursor; only given where the line is not as it is stored. */
  readonly hash?: string
}

/**
 * Where a line stands in the order, short enough for an address: its place in time, a hash of its member, and which of
 * the lines of that very microsecond it was, from where the search for it begins.
 */
export interface Cursor {
  readonly micros: number
  /** First 16 hexadecimal digits of SHA-1 of the member; under a masked grant encrypted, see `cursor-seal.ts`. */
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
  const { start } = request
  const cursor = 'edge' in start ? null : Object.values<Cursor>(start)[0]
  if (!grant.masked && !(cursor && isSealed(cursor.hash))) return readStoredPage(redis, grant, request)
  const seal = await readCursorSeal(redis)
  const page = await readStoredPage(redis, grant, { ...request, start: openedStart(start, seal) })
  return grant.masked ? maskedPage(page, seal) : page
}

function openedStart(start: PageStart, seal: CursorSeal): PageStart {
  if ('after' in start) return { after: seal.open(start.after) }
  if ('before' in start) return { before: seal.open(start.before) }
  if ('from' in start) return { from: seal.open(start.from) }
  return start
}

/** The lines as they are stored: nothing but {@link readPage} may hand them out. */
function readStoredPage(redis: Redis, grant: CollectionGrant, request: PageRequest): Promise<Page> {
  const sealed = new SealedReader(redis, grant.collection, { keeps: true })
  return readMergedPage(redis, grant.collection, { maxBytes: PAGE_BYTES, ...request }, sealed)
}

function maskedPage(page: Page, seal: CursorSeal): Page {
  const cursors = pageCursors(page)
  return {
    ...page,
    lines: page.lines.map((stored, index) => {
      const cursor = cursors[index]
      return {
        ...stored,
        line: maskAddresses(stored.line),
        ...(cursor ? { hash: seal.seal(cursor).hash } : {}),
      }
    }),
    first: page.first && seal.seal(page.first),
    last: page.last && seal.seal(page.last),
  }
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
  const { window, before, after } = options
  const at = await cursorUnder(redis, grant, options.at)
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

/** A link from somebody who sees less leads to the same line. @returns the cursor in the form that this grant's pages have */
async function cursorUnder(redis: Redis, grant: CollectionGrant, at: Cursor): Promise<Cursor> {
  return !grant.masked && isSealed(at.hash) ? (await readCursorSeal(redis)).open(at) : at
}

/** @returns the cursors of a page's lines, in their order. */
export function pageCursors({ lines, first }: Page): Cursor[] {
  let place = first?.place ?? 0
  return lines.map(({ line, source, ordinal, micros, hash }, index) => {
    if (index > 0) place = lines[index - 1]?.micros === micros ? place + 1 : 0
    return { micros, place, hash: hash ?? hashOfMember(encodeMember(line, source, ordinal)) }
  })
}
