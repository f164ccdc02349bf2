import type { Redis } from 'ioredis'
import type { CollectionId } from '../collection-id.ts'
import { dayCountsKey, utcDay } from './keys.ts'
import { answered, Script } from './redis.ts'
import { DAY_SECONDS, type MemoryPiece } from './retention-plan.ts'

/**
 * The memory that the counts of a collection's days take. Where lines come from many places that is more than a tenth of
 * what the sealed lines do. Asking for each day in each round would cost a busy installation more than its appends: days
 * before the last two are asked for again only once a day, after a removal, and when a good part more lines have come.
 */

const dayScript = new Script('day-memory')

const DAYS_A_CALL = 366
/** Days that lines mostly come for. */
const RECENT_DAYS = 2
/** Of the lines there were, so many more may have come for older days since these were measured. */
const GROWTH = 1 / 8
/** Older days are remembered in as many pieces, neighbours together. */
const MOST_PIECES = 16

/** What the counts of days depend on. */
export interface Days {
  readonly hits: number
  readonly removed: number
  /** From the day of the one to that of the other there may be counts; null where no line was ever stored. */
  readonly firstSecond: number | null
  readonly lastSecond: number | null
}

interface Remembered {
  readonly days: Days
  /** As of when the older days were measured. */
  readonly olderHits: number
  readonly older: readonly MemoryPiece[]
  readonly recent: readonly MemoryPiece[]
}

export class DayMemory {
  readonly #remembered = new Map<CollectionId, Remembered>()

  /**
   * @returns what the days take, the oldest first, in pieces from the last second of the first of their days to that of
   * the last: it is free once the whole day is gone
   * @throws PortalError `store_unavailable`, `store_refused`
   */
  async measure(redis: Redis, collection: CollectionId, days: Days): Promise<MemoryPiece[]> {
    const { hits, removed, firstSecond, lastSecond } = days
    if (firstSecond === null || lastSecond === null) return []
    const known = this.#remembered.get(collection)
    const before = known?.days
    if (known && before?.hits === hits && before.removed === removed) return [...known.older, ...known.recent]
    const firstDay = dayOf(firstSecond)
    const recentDay = Math.max(firstDay, dayOf(lastSecond) - RECENT_DAYS + 1)
    const isOlderKnown =
      known !== undefined &&
      before?.removed === removed &&
      dayOf(before.lastSecond ?? 0) === dayOf(lastSecond) &&
      dayOf(before.firstSecond ?? 0) === firstDay &&
      hits <= known.olderHits * (1 + GROWTH)
    const older = isOlderKnown
      ? known.older
      : fewerPieces(await measureDays(redis, collection, firstDay, recentDay))
    const recent = await measureDays(redis, collection, recentDay, dayOf(lastSecond) + 1)
    this.#remembered.set(collection, {
      days,
      olderHits: isOlderKnown ? known.olderHits : hits,
      older,
      recent,
    })
    return [...older, ...recent]
  }
}

const dayOf = (second: number) => Math.floor(second / DAY_SECONDS)

/** @returns a piece for each day from one to before another that has counts. */
async function measureDays(
  redis: Redis,
  collection: CollectionId,
  firstDay: number,
  endDay: number,
): Promise<MemoryPiece[]> {
  const pieces: MemoryPiece[] = []
  for (let from = firstDay; from < endDay; from += DAYS_A_CALL) {
    const days = Array.from({ length: Math.min(DAYS_A_CALL, endDay - from) }, (_, n) => from + n)
    const keys = days.map((day) => dayCountsKey(collection, utcDay(day * DAY_SECONDS)))
    const reply = (await answered(dayScript.run(redis, keys, []))) as number[]
    for (const [index, day] of days.entries()) {
      const [lastSecond, bytes] = [(day + 1) * DAY_SECONDS - 1, Number(reply[index])]
      if (bytes > 0) pieces.push({ firstSecond: lastSecond, lastSecond, bytes })
    }
  }
  return pieces
}

/** @returns the same in {@link MOST_PIECES} at most. */
function fewerPieces(pieces: readonly MemoryPiece[]): MemoryPiece[] {
  const size = Math.ceil(pieces.length / MOST_PIECES)
  const fewer: MemoryPiece[] = []
  for (let from = 0; from < pieces.length; from += size) {
    const some = pieces.slice(from, from + size)
    fewer.push({
      firstSecond: some[0]?.firstSecond ?? 0,
      lastSecond: some.at(-1)?.lastSecond ?? 0,
      bytes: some.reduce((sum, { bytes }) => sum + bytes, 0),
    })
  }
  return fewer
}
