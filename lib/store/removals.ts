import type { Redis } from 'ioredis'
import { z } from 'zod'
import {
  type AdminGrant,
  assertAdminGrant,
  assertCollectionGrant,
  type CollectionGrant,
} from '../access/decide.ts'
import { type CollectionId, parseCollectionId } from '../collection-id.ts'
import { evenWhenFull } from './even-when-full.ts'
import { floorKey, REMOVED_FROM_KEY, REMOVING_FROM_KEY, removalsKey } from './keys.ts'
import { answered, isWrongType } from './redis.ts'

/**
 * What retention removed, for those who own the lines and for admins. `remove.lua` writes the events, in the same step
 * as it removes; those of one UTC day that have the same reason are one event that grows.
 *
 * Which collections to look at for the newest events is kept apart, since a script of one collection cannot write what
 * belongs to all. One mark says that a removal is under way, so that none is missed whose run died; it is taken away when
 * the run is over, and only what was removed by then gets the other mark, with the time of its event. A removal that fails
 * in each round therefore stands in nobody's way.
 */

export interface Removal {
  /** First second that was removed. */
  readonly fromSecond: number
  /** First second that was kept. */
  readonly floorSecond: number
  readonly lines: number
  readonly reason: RemovalReason
  /** Days that lines were kept, where that was the reason. */
  readonly days: number | null
  /** When, epoch second. */
  readonly atSecond: number
}

export type RemovalReason = 'age' | 'budget'

export interface CollectionRemoval extends Removal {
  readonly collection: CollectionId
}

/** Events that are kept of a collection; `remove.lua` sees to it. */
export const REMOVALS_KEPT = 1000
/** Collections asked at once for their newest event. */
const COLLECTIONS_AT_ONCE = 50

const whole = z
  .string()
  .regex(/^[0-9]{1,15}$/)
  .transform(Number)

const eventSchema = z
  .object({
    from: whole,
    floor: whole,
    lines: whole,
    reason: z.enum(['age', 'budget']),
    days: z.union([z.literal('').transform(() => null), whole]),
    at: whole,
  })
  .transform(
    ({ from, floor, lines, reason, days, at }): Removal => ({
      fromSecond: from,
      floorSecond: floor,
      lines,
      reason,
      days,
      atSecond: at,
    }),
  )

/**
 * @returns the first second that retention kept, or null where it never removed a line
 * @throws PortalError `store_unavailable`, `store_refused`, `internal`
 */
export async function readFloor(redis: Redis, grant: CollectionGrant): Promise<number | null> {
  assertCollectionGrant(grant)
  const floor = await answered(redis.get(floorKey(grant.collection)))
  return floor === null ? null : Number(floor)
}

/**
 * @returns the newest `limit` events of a collection, the newest first
 * @throws PortalError `store_unavailable`, `store_refused`, `internal`
 */
export async function readRemovals(redis: Redis, grant: CollectionGrant, limit: number): Promise<Removal[]> {
  assertCollectionGrant(grant)
  return newestRemovals(redis, grant.collection, limit)
}

/**
 * @returns the newest event of each of the `limit` collections that lines were removed from last, the newest first
 * @throws PortalError `store_unavailable`, `store_refused`, `internal`
 */
export async function readRecentRemovals(
  redis: Redis,
  grant: AdminGrant,
  limit: number,
): Promise<CollectionRemoval[]> {
  assertAdminGrant(grant)
  const marked = await answered(
    Promise.all([REMOVED_FROM_KEY, REMOVING_FROM_KEY].map((key) => redis.zrevrange(key, 0, limit - 1))),
  )
  const ids = [...new Set(marked.flat().flatMap((text) => parseCollectionId(text) ?? []))]
  const found: CollectionRemoval[] = []
  for (let at = 0; at < ids.length; at += COLLECTIONS_AT_ONCE) {
    const some = ids.slice(at, at + COLLECTIONS_AT_ONCE)
    const newest = await Promise.all(some.map((id) => newestRemovals(redis, id, 1)))
    for (const [index, [removal]] of newest.entries()) {
      const collection = some[index]
      if (collection && removal) found.push({ collection, ...removal })
    }
  }
  return found.sort((a, b) => b.atSecond - a.atSecond).slice(0, limit)
}

/** Marks a collection for {@link readRecentRemovals}; before its lines are removed. */
export async function markRemoving(
  redis: Redis,
  collection: CollectionId,
  nowSeconds: number,
): Promise<void> {
  await answered(evenWhenFull(redis, ['zadd', REMOVING_FROM_KEY, Math.floor(nowSeconds), collection]))
}

/** Marks what was removed, by this run or by one that died, and that no removal is under way. */
export async function markRemoved(redis: Redis, collection: CollectionId): Promise<void> {
  const [newest] = await newestRemovals(redis, collection, 1)
  if (newest)
    await answered(evenWhenFull(redis, ['zadd', REMOVED_FROM_KEY, 'GT', newest.atSecond, collection]))
  await answered(redis.zrem(REMOVING_FROM_KEY, collection))
}

/** A stream that is none, and events of another form, tell nothing: retention itself stops at the former and says so. */
async function newestRemovals(redis: Redis, collection: CollectionId, limit: number): Promise<Removal[]> {
  const entries = await answered(
    redis.xrevrange(removalsKey(collection), '+', '-', 'COUNT', limit).catch((error: unknown) => {
      if (isWrongType(error)) return []
      throw error
    }),
  )
  return entries.flatMap(([, fields]) => {
    const event: Record<string, string> = {}
    for (let i = 0; i < fields.length; i += 2) event[fields[i] ?? ''] = fields[i + 1] ?? ''
    const parsed = eventSchema.safeParse(event)
    return parsed.success ? [parsed.data] : []
  })
}
