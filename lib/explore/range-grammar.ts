import { dayOf, isDayWord, isSmallNumber, type Moment, readMoment, type ZoneClock } from './moment-grammar.ts'

/**
 * Two moments with a dash between them: `14:00 - 14:30`, `2026-11-23 13:55–14:55`, `yesterday 23:00 - 01:00`,
 * `now-2h - now-1h`, `14:00 to 14:30`. A hyphen without blanks serves where only one way to read it is left
 * (`14:00-14:30`), for dates, offsets and sums have hyphens of their own.
 *
 * An end without a day is of the begin's day, or of the next where it is not later in the day than the begin. Where
 * neither has a day, the range ends today, and began yesterday if need be: logs lie in the past.
 */

export interface MomentRange {
  readonly from: Moment
  readonly to: Moment
}

const CLEAR_DASH = / ?[–—] ?| - | to /gi
const HYPHEN = / ?- ?/g
/** Hyphens that two dates with offsets have; with more it is no range, and is not tried at each of them. */
const MOST_HYPHENS = 8

/** @returns null where the text is no range, or can be read as two different ones. */
export function readRange(text: string): MomentRange | null {
  const clear = [...text.matchAll(CLEAR_DASH)]
  const dashes = clear.length > 0 ? clear : [...text.matchAll(HYPHEN)]
  if (dashes.length > MOST_HYPHENS) return null
  const ranges = dashes.flatMap(({ index, 0: dash }) => {
    const from = readMoment(text.slice(0, index))
    const to = from && readMoment(text.slice(index + dash.length))
    return to && isRange(from, to) ? [{ from, to }] : []
  })
  return ranges.length === 1 ? (ranges[0] ?? null) : null
}

function isRange(from: Moment, to: Moment): boolean {
  // `… - today` could end where the day begins or where it ends.
  return !isSmallNumber(from) && !isSmallNumber(to) && !isDayWord(to)
}

/** @returns the range with a day at both ends where either has one. */
export function shareDay({ from, to }: MomentRange, clock: ZoneClock): MomentRange {
  if (from.kind !== 'local' || to.kind !== 'local' || to.day !== null) return { from, to }
  const goesRound = (to.timeMicros ?? 0) <= (from.timeMicros ?? 0)
  if (from.day === null) return { from: goesRound ? { ...from, day: 'yesterday' } : from, to }
  const day = dayOf(from.day, clock)
  return { from, to: { ...to, day: goesRound ? day.add({ days: 1 }) : day, zone: from.zone } }
}
