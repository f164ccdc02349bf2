import type { Redis } from 'ioredis'
import type { CollectionId } from '../collection-id.ts'
import { PortalError } from '../errors.ts'
import { countsKey, dayCountsKey, floorKey, utcDay } from './keys.ts'
import { answered, Script } from './redis.ts'
import { DAY_SECONDS } from './retention-plan.ts'

/**
 * Day hashes of days that retention has removed whole: their countries and places are added to the counts of all time,
 * and they are deleted. What a day says of hits, servers and status classes goes with the day; `hits` of all time has
 * counted it from the beginning.
 *
 * The counts keep from which day on this is still to be done, so that a run that dies between removing and folding leaves
 * it to the next, and two at once add no day twice.
 */

const foldScript = new Script('fold-days')

/** Days in one call; their fields, one a place, are all held at once. */
const DAYS_A_CALL = 7

/**
 * @returns what keeps days from being folded, in words, or null
 * @throws PortalError `store_unavailable`, `store_refused`
 */
export async function foldDays(redis: Redis, collection: CollectionId): Promise<string | null> {
  const counts = countsKey(collection)
  const [folded, floor] = await answered(
    Promise.all([redis.hget(counts, 'folded'), redis.get(floorKey(collection))]),
  )
  if (folded === null || floor === null) return null
  let first = Number(folded)
  for (;;) {
    const days = Math.min(DAYS_A_CALL, Math.floor((Number(floor) - first) / DAY_SECONDS))
    if (days < 1) return null
    const keys = Array.from({ length: days }, (_, day) =>
      dayCountsKey(collection, utcDay(first + day * DAY_SECONDS)),
    )
    const reply = await answered(foldScript.run(redis, [counts, floorKey(collection), ...keys], [first]))
    const [verdict, key, detail] = (reply as (Buffer | number)[]).map(String)
    switch (verdict) {
      case 'folded':
        first += days * DAY_SECONDS
        break
      case 'moved':
        return null
      case 'type':
        return `the key ${key} holds a ${detail}`
      case 'number':
        return `${detail} of the key ${key} is no whole number`
      default:
        throw new PortalError('internal', { detail: `fold-days.lua answered ${verdict}` })
    }
  }
}
