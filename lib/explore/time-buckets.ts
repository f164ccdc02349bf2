import type { MicrosWindow } from '../store/reading.ts'
import { microsOf, startOfDate, zonedAt } from './local-time.ts'

/** Cutting a window into pieces of a round length, beginning at round times of a zone's clock. */

const MICROS_PER_MINUTE = 60_000_000
const HOUR = 60
const DAY = 24 * HOUR
/** Minutes. A day's steps divide it, so that each day is cut alike. */
const STEPS = [
  1,
  2,
  5,
  10,
  15,
  30,
  HOUR,
  2 * HOUR,
  3 * HOUR,
  6 * HOUR,
  12 * HOUR,
  DAY,
  2 * DAY,
  7 * DAY,
  28 * DAY,
]
/** Longer windows are cut into as many days as it takes. */
const DAYS_OF_LONGEST = 28

export interface Buckets {
  /** The window's own ends first and last; those between are whole minutes. */
  readonly bounds: readonly number[]
  readonly stepMinutes: number
}

/** @param most pieces; there may be two more, which the window's ends cut off. */
export function timeBuckets({ fromMicros, toMicros }: MicrosWindow, zone: string, most: number): Buckets {
  const minutes = (toMicros - fromMicros) / MICROS_PER_MINUTE
  const stepMinutes =
    STEPS.find((step) => minutes / step <= most) ??
    Math.ceil(minutes / most / DAY / DAYS_OF_LONGEST) * DAY * DAYS_OF_LONGEST
  const bounds = [fromMicros]
  for (const bound of roundTimes(fromMicros, stepMinutes, zone)) {
    if (bound >= toMicros) break
    if (bound > (bounds.at(-1) ?? fromMicros)) bounds.push(bound)
  }
  return { bounds: [...bounds, toMicros], stepMinutes }
}

/**
 * @yields moments from `fromMicros` on or a little before, ascending, at which the zone's clock shows a multiple of the
 * step. Where it is set back over one that is twice; where it is set forth over one, never.
 */
function* roundTimes(fromMicros: number, stepMinutes: number, zone: string): Generator<number> {
  const times =
    stepMinutes >= DAY
      ? roundDays(fromMicros, stepMinutes / DAY, zone)
      : roundMinutes(fromMicros, stepMinutes, zone)
  // Clocks of old differ from UTC by seconds, and what is counted are its minutes.
  for (const micros of times) yield Math.floor(micros / MICROS_PER_MINUTE) * MICROS_PER_MINUTE
}

/** Days of the calendar, which clocks set forth and back make longer or shorter, and which need not begin at midnight. */
function* roundDays(fromMicros: number, stepDays: number, zone: string): Generator<number> {
  const first = zonedAt(fromMicros, zone).toPlainDate()
  for (let n = 0; ; n++) yield startOfDate(first.add({ days: n * stepDays }), zone)
}

/** From one change of the clock to the next it is as far from UTC; a step divides the day, and so the clock's count of it. */
function* roundMinutes(fromMicros: number, stepMinutes: number, zone: string): Generator<number> {
  const stepMicros = stepMinutes * MICROS_PER_MINUTE
  for (let at = fromMicros; ; ) {
    const here = zonedAt(at, zone)
    const aheadMicros = here.offsetNanoseconds / 1000
    const change = here.getTimeZoneTransition('next')
    const end = change ? microsOf(change) : Number.POSITIVE_INFINITY
    const first = Math.ceil((at + aheadMicros) / stepMicros) * stepMicros - aheadMicros
    for (let micros = first; micros < end; micros += stepMicros) yield micros
    at = end
  }
}
