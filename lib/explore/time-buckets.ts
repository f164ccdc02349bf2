import type { MicrosWindow } from '../store/reading.ts'
import { microsOf, zonedAt } from './local-time.ts'

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
    if (bound > fromMicros) bounds.push(bound)
  }
  return { bounds: [...bounds, toMicros], stepMinutes }
}

/** Steps of a day and more are counted in days of the calendar, which clocks set forth and back make longer or shorter. */
function* roundTimes(fromMicros: number, stepMinutes: number, zone: string): Generator<number> {
  const midnight = zonedAt(fromMicros, zone).startOfDay()
  // From the last step before the window on: through all minutes of a day it took as long as reading the lines.
  const passed = Math.floor((fromMicros - microsOf(midnight)) / MICROS_PER_MINUTE / stepMinutes)
  for (let n = stepMinutes >= DAY ? 0 : passed; ; n++) {
    const time =
      stepMinutes >= DAY
        ? midnight.add({ days: (n * stepMinutes) / DAY })
        : midnight.add({ minutes: n * stepMinutes })
    yield Math.floor(microsOf(time) / MICROS_PER_MINUTE) * MICROS_PER_MINUTE
  }
}
