import { type Descriptor, firstSecondOf, lastSecondOf } from './segment-descriptor.ts'

/** What retention takes away, as rules without a store: how far one step reaches, and how far a budget makes it go. */

export const DAY_SECONDS = 86_400

/** What stands below a cut, as `removal-plan.lua` found it. */
export interface Removable {
  readonly oldestSecond: number
  /** The cut, or the end of the oldest line's UTC day where that comes first: an archive file holds one day. */
  readonly limitSecond: number
  /** Second of the first hot line that is too many for one step, or null. */
  readonly pastSecond: number | null
  /** Those that begin below the limit, in order; one more than a step takes where there are more. */
  readonly segments: readonly Descriptor[]
}

export interface StepPlan {
  /** First second that is kept. */
  readonly floorSecond: number
  /** Segments all of whose lines go. */
  readonly whole: readonly Descriptor[]
  /** The segment with lines on both sides of the floor, the last of those that begin below it. */
  readonly across: Descriptor | null
}

/**
 * How far one step goes: to the limit, or as many whole seconds as the bounds let through. The oldest second goes
 * whatever it holds, or a second with more lines than a step takes would stay for ever.
 */
export function planStep(
  { oldestSecond, limitSecond, pastSecond, segments }: Removable,
  maxSegments: number,
): StepPlan {
  const tooMany = segments[maxSegments]
  const bounds = [limitSecond, pastSecond ?? limitSecond, tooMany ? firstSecondOf(tooMany) : limitSecond]
  const floorSecond = Math.max(oldestSecond + 1, Math.min(...bounds))
  const taken = segments.filter((one) => firstSecondOf(one) < floorSecond)
  const last = taken.at(-1)
  const across = last && lastSecondOf(last) >= floorSecond ? last : null
  return { floorSecond, whole: across ? taken.slice(0, -1) : taken, across }
}

/**
 * The first second that an age lets stay, or null while less than a grain would go.
 * @param grainSeconds lines may stay this much longer, so that removing is done in pieces worth their file and their
 * rewritten segment
 */
export function ageCut(options: {
  nowSeconds: number
  days: number
  oldestSecond: number
  grainSeconds: number
}): number | null {
  const { nowSeconds, days, oldestSecond, grainSeconds } = options
  const cut = Math.floor(nowSeconds) - days * DAY_SECONDS
  return oldestSecond < cut - grainSeconds ? cut : null
}

/** Bytes of memory that are spread over some seconds, both inclusive. */
export interface MemoryPiece {
  readonly firstSecond: number
  readonly lastSecond: number
  readonly bytes: number
}

/**
 * @returns the lowest second of which it holds that without the seconds before it `excessBytes` less are held, each piece
 * taken as spread evenly over its seconds; null where all of them together hold less.
 */
export function budgetCut(pieces: readonly MemoryPiece[], excessBytes: number): number | null {
  const freedBelow = (second: number) => {
    let bytes = 0
    for (const piece of pieces) {
      const seconds = piece.lastSecond - piece.firstSecond + 1
      bytes += piece.bytes * (Math.min(seconds, Math.max(0, second - piece.firstSecond)) / seconds)
    }
    return bytes
  }
  let low = pieces.reduce((least, { firstSecond }) => Math.min(least, firstSecond), Number.POSITIVE_INFINITY)
  let high = pieces.reduce((most, { lastSecond }) => Math.max(most, lastSecond + 1), 0)
  if (excessBytes <= 0 || freedBelow(high) < excessBytes) return null
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (freedBelow(middle) >= excessBytes) high = middle
    else low = middle + 1
  }
  return low
}
