import type { Redis } from 'ioredis'
import {
  type AdminGrant,
  assertAdminGrant,
  assertCollectionGrant,
  type CollectionGrant,
} from '../access/decide.ts'
import { type AuditEntry, auditFields, parseAuditFields } from '../audit/entry.ts'
import { atOnce } from './at-once.ts'
import { AUDIT_KEY, collectionAuditKey } from './keys.ts'
import { answered, Script } from './redis.ts'

/**
 * The audit in Redis: one stream of all entries for admins, and one for each collection with what was read of it, so that
 * an owner's page never touches what is somebody else's. No verb changes an entry; they go when they are too old, or when
 * there are more than {@link MOST_ENTRIES} of them.
 *
 * A refusal stands in the stream of all alone: no key may be named after a collection that the person may not read.
 */

/** Some hundred bytes each. */
export const MOST_ENTRIES = 1_000_000
export const MOST_ENTRIES_EACH = 100_000

const DAY_MS = 86_400_000
/** Entries asked for at once while looking for those that match. */
const LOOKED_AT_ONCE = 1_000
/** Entries that one page looks through; it says so, and goes on from there. */
export const MOST_LOOKED = 20_000

const auditScript = new Script('audit')

/**
 * Takes one entry, also while Redis is full.
 * @param keepDays days that entries are kept
 * @throws PortalError when a stream did not take it; the other may have
 */
export async function appendAudit(redis: Redis, entry: AuditEntry, keepDays: number): Promise<void> {
  const fields = auditFields(entry)
  const add = (key: string, most: number) =>
    auditScript.run(redis, [key], [keepDays * DAY_MS, most, ...fields])
  const own = entry.action === 'denied' ? null : entry.collection
  await answered(
    atOnce(redis, () =>
      Promise.all([
        add(AUDIT_KEY, MOST_ENTRIES),
        ...(own ? [add(collectionAuditKey(own), MOST_ENTRIES_EACH)] : []),
      ]),
    ),
  )
}

export interface AuditAsked {
  /** The id of the entry that the page goes on behind; null for the newest. */
  readonly before: string | null
  /** Entries a page. */
  readonly limit: number
  readonly keepDays: number
  readonly nowMs: number
  /** Which entries are wanted; all where it is left out. */
  readonly matches?: (entry: AuditEntry) => boolean
}

export interface AuditPage {
  /** The newest first. */
  readonly entries: readonly { readonly id: string; readonly entry: AuditEntry }[]
  /** Where older entries begin, or null where there are none. */
  readonly older: string | null
  /** Entries that were looked through for those. */
  readonly looked: number
  /** Of these, what is no entry. */
  readonly unreadable: number
  /** The number past which the oldest entries go before their time, once it is reached; else null. */
  readonly boundedTo: number | null
}

/**
 * Entries of everybody and everything.
 * @throws PortalError `store_unavailable`, `store_refused`, `internal`
 */
export async function readAudit(redis: Redis, grant: AdminGrant, asked: AuditAsked): Promise<AuditPage> {
  assertAdminGrant(grant)
  return readStream(redis, { key: AUDIT_KEY, most: MOST_ENTRIES }, asked)
}

/**
 * Who read or downloaded the lines of one collection.
 * @throws PortalError as {@link readAudit}
 */
export async function readCollectionAudit(
  redis: Redis,
  grant: CollectionGrant,
  asked: AuditAsked,
): Promise<AuditPage> {
  assertCollectionGrant(grant)
  return readStream(redis, { key: collectionAuditKey(grant.collection), most: MOST_ENTRIES_EACH }, asked)
}

async function readStream(
  redis: Redis,
  { key, most }: { readonly key: string; readonly most: number },
  { before, limit, keepDays, nowMs, matches = () => true }: AuditAsked,
): Promise<AuditPage> {
  const oldest = String(Math.max(0, nowMs - keepDays * DAY_MS))
  const inAll = answered(redis.xlen(key))
  // Looked at last; a fault of the reading before is what is told.
  inAll.catch(() => undefined)
  const entries: { id: string; entry: AuditEntry }[] = []
  let [looked, unreadable] = [0, 0]
  let older = before
  // Where every entry is wanted, one more than the page holds tells whether there are others.
  let count = limit + 1
  do {
    const newest = older === null ? '+' : `(${older}`
    const some = await answered(redis.xrevrange(key, newest, oldest, 'COUNT', count))
    for (const [id, fields] of some) {
      if (entries.length === limit) break
      const entry = parseAuditFields(fields)
      if (!entry) unreadable++
      else if (matches(entry)) entries.push({ id, entry })
      older = id
      looked++
    }
    if (some.length < count && older === (some.at(-1)?.[0] ?? older)) older = null
    count = Math.min(LOOKED_AT_ONCE, MOST_LOOKED - looked)
  } while (older !== null && entries.length < limit && looked < MOST_LOOKED)
  return { entries, older, looked, unreadable, boundedTo: (await inAll) >= most ? most : null }
}
