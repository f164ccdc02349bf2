import type { CollectionId } from '../collection-id.ts'

/**
 * Every key the log store uses. The names of the original layout (`logs:collid:<id>`, `known:`) stay as they are; what
 * must change together with a collection's lines carries the hash tag `{logs:collid:<id>}`, which a cluster hashes like
 * the plain key, so one script may touch all of it.
 */

/** Sorted set of the hot lines: member (see `lib/line/member.ts`) by score (epoch seconds with six decimals). */
export const linesKey = (id: CollectionId) => `logs:collid:${id}`
/** Sorted set, index of sealed segments: descriptor (see `segment-descriptor.ts`) by the first line's score. */
export const segmentsKey = (id: CollectionId) => `{logs:collid:${id}}:segments`
/** String, one sealed segment (see `lib/segment/format.ts`). */
export const segmentKey = (id: CollectionId, name: string) => `{logs:collid:${id}}:segment:${name}`
/**
 * Hash, all-time and authoritative: `hits`, `removed`, `last` (highest second stored), `index` (a new random word, written by
 * the script that changes the segment index, be it by a merge, a join or a removal, and by which readers keep the index;
 * absent where nothing was ever sealed), `folded` (first second of the first UTC day whose hash retention has not folded in)
 * and the countries and places (`c:…`, `l:…`) of the days before it.
 */
export const countsKey = (id: CollectionId) => `{logs:collid:${id}}:counts`
/** Hash, one UTC day of event time, authoritative: `hits`, `s:<status class>`, `h:<source>`, countries and places `c:…`, `l:…`. */
export const dayCountsKey = (id: CollectionId, day: string) => `{logs:collid:${id}}:counts:${day}`
/** Hash: source -> highest second stored from it. */
export const sourcesKey = (id: CollectionId) => `{logs:collid:${id}}:sources`
/** String: first second that retention has kept. */
export const floorKey = (id: CollectionId) => `{logs:collid:${id}}:floor`
/** Capped stream, what retention removed: `from`, `floor`, `lines`, `reason`, `at`, `days` (see `removals.ts`). */
export const removalsKey = (id: CollectionId) => `{logs:collid:${id}}:removals`
/** Hash: name of an archive file -> its state, path and folder, while the removal of its lines is under way (see `archive.ts`). */
export const archivingKey = (id: CollectionId) => `{logs:collid:${id}}:archiving`
/** Capped stream, one entry an append: `first` and `last` second, `lines`. */
export const arrivalsKey = (id: CollectionId) => `{logs:collid:${id}}:arrivals`

/** Hash, a projection of the counts: `hits:<id>` -> all-time hits. */
export const KNOWN_KEY = 'known:'
export const knownField = (id: CollectionId) => `hits:${id}`
/** Capped stream of rejected lines: `source`, `reason`, `bytes`, `line` (its first 64 KiB). */
export const REJECTS_KEY = 'ingest:rejects'
/** Hash: source -> which field before the time is the visitor's address; see `client-fields.ts`. */
export const CLIENT_FIELDS_KEY = 'ingest:client-fields'
/** Sorted set: collections that lines were removed from, by when that was last, epoch seconds. */
export const REMOVED_FROM_KEY = 'ingest:removed-from'
/** Sorted set: collections that a removal from is under way, or died, by when it began, epoch seconds. */
export const REMOVING_FROM_KEY = 'ingest:removing-from'
/** Set of collections whose projections are behind. */
export const DIRTY_KEY = 'ingest:dirty'
/** Set of collections a projector has taken from {@link DIRTY_KEY} and not finished; same slot. */
export const PROJECTING_KEY = '{ingest:dirty}:taken'
/** String, the projector's lease. */
export const PROJECTOR_LEASE_KEY = '{ingest:dirty}:lease'

/** String: the key of cursors of people who see no whole address, in hexadecimal (see `cursor-seal.ts`). */
export const CURSOR_KEY = 'portal:cursor-key'

/** String, the lease of whoever maintains the store. */
export const MAINTAIN_LEASE_KEY = 'ingest:maintain-lease'

/** Stream: the audit's entries, all of them (see `audit.ts`). */
export const AUDIT_KEY = 'audit'
/** Stream: those about the lines of one collection, but for refusals. */
export const collectionAuditKey = (id: CollectionId) => `audit:collid:${id}`

/** @returns the UTC day `YYYYMMDD` of an epoch second. */
export function utcDay(epochSecond: number): string {
  return new Date(epochSecond * 1000).toISOString().slice(0, 10).replaceAll('-', '')
}
