import type { Redis } from 'ioredis'
import { PortalError } from '../errors.ts'
import {
  arrivalsKey,
  countsKey,
  DIRTY_KEY,
  dayCountsKey,
  floorKey,
  KNOWN_KEY,
  knownField,
  linesKey,
  segmentsKey,
  sourcesKey,
} from './keys.ts'
import type { PackedLines } from './packed-lines.ts'
import { isNoScript, Script } from './redis.ts'

/**
 * The guarded append. Each group of lines is written by one script call that checks everything before it writes: what
 * retention removed, which segments cover the lines' seconds, whether a member stands already. A refusal says why; the
 * group is cut down to what is still to be stored and sent again. Sending a group twice therefore changes nothing, which
 * is what makes a lost answer harmless.
 *
 * The lines' ids are marked dirty before and after the writes: before, so that a writer that dies leaves the mark; after,
 * so that a projector that took the first mark too early looks again.
 */

const append = new Script('append')

/** Lines that the store does not take, and why. */
export interface Refusal {
  readonly lines: PackedLines
  readonly reason: string
}

export interface AppendOutcome {
  stored: number
  duplicates: number
  readonly refused: Refusal[]
}

/** Loads what {@link appendLines} runs; once a connection saves a refusal at each new server. */
export function loadAppendScript(redis: Redis): Promise<unknown> {
  return append.load(redis)
}

function callOf(group: PackedLines): [string, ...(string | Buffer | number)[]] {
  const { collection, source, day, firstSecond, lastSecond } = group
  const keys = [
    linesKey(collection),
    segmentsKey(collection),
    countsKey(collection),
    dayCountsKey(collection, day),
    sourcesKey(collection),
    floorKey(collection),
    arrivalsKey(collection),
  ]
  return append.call(keys, [source, firstSecond, lastSecond, '', group.bytes])
}

/**
 * Stores groups of lines, each exactly once.
 * @param outcome what happened is added to it as it happens, so that after an error it still tells what was done.
 * @returns the groups not yet stored, when an error of the connection or the server cut the work short, with that error;
 * they can be given again. An empty list when all is done.
 */
export async function appendLines(
  redis: Redis,
  groups: readonly PackedLines[],
  outcome: AppendOutcome,
): Promise<{ rest: PackedLines[]; error: unknown }> {
  let pending = [...groups]
  while (pending.length > 0) {
    const ids = [...new Set(pending.map((group) => group.collection))]
    const pipeline = redis.pipeline()
    pipeline.sadd(DIRTY_KEY, ids)
    for (const id of ids) pipeline.hsetnx(KNOWN_KEY, knownField(id), 0)
    for (const group of pending) pipeline.callBuffer(...callOf(group))
    pipeline.sadd(DIRTY_KEY, ids)
    let replies: [Error | null, unknown][] | null
    try {
      replies = await pipeline.exec()
    } catch (error) {
      return { rest: pending, error }
    }
    const answers = replies?.slice(1 + ids.length, 1 + ids.length + pending.length) ?? []
    const next: PackedLines[] = []
    let failed: unknown = replies?.[0]?.[0] ?? null
    let scriptMissing = false
    for (const [index, group] of pending.entries()) {
      const [error, reply] = answers[index] ?? [new Error('Connection is closed.'), null]
      if (error) {
        next.push(group)
        if (isNoScript(error)) scriptMissing = true
        else failed = error
      } else {
        const rest = settle(group, reply as (Buffer | number)[], outcome)
        if (rest) next.push(rest)
      }
    }
    // A mark that did not take leaves the projections behind, so it counts as unanswered although the lines are in.
    failed ??= replies?.at(-1)?.[0] ?? null
    if (failed !== null) return { rest: next, error: failed }
    if (scriptMissing) {
      try {
        await append.load(redis)
      } catch (error) {
        return { rest: next, error }
      }
    }
    pending = next
  }
  return { rest: [], error: null }
}

/** Books one script answer. @returns what is left to send of the group, or null when it is settled. */
function settle(group: PackedLines, reply: (Buffer | number)[], outcome: AppendOutcome): PackedLines | null {
  const [verdict, ...details] = reply
  switch (String(verdict)) {
    case 'stored':
      outcome.stored += group.count
      return null
    case 'members': {
      const standing = new Set(details.map(Number))
      outcome.duplicates += standing.size
      return standing.size < group.count ? group.select((place) => !standing.has(place)) : null
    }
    case 'floor': {
      const floor = Number(String(details[0]))
      outcome.refused.push({
        lines: group.select((_, second) => second < floor),
        reason: 'below retention',
      })
      return group.lastSecond >= floor ? group.select((_, second) => second >= floor) : null
    }
    case 'type':
      outcome.refused.push({
        lines: group,
        reason: `the key ${String(details[0])} holds a ${String(details[1])}`,
      })
      return null
    case 'segments':
      throw new PortalError('internal', {
        detail: `Collection ${group.collection} holds sealed segments, which a newer version wrote.`,
      })
    default:
      throw new PortalError('internal', { detail: `append.lua answered ${String(verdict)}` })
  }
}
