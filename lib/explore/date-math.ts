import { LATEST_MICROS } from '../store/score.ts'
import {
  MICROS_PER_MS,
  MICROS_PER_SECOND,
  microsOf,
  momentsOfLocal,
  type Side,
  startOfDate,
  zonedAt,
} from './local-time.ts'

/**
 * Spans of time (`15m`, `1h30m`, `3 hours`) and sums on the present (`now-1d/d`).
 *
 * Seconds, minutes and hours are elapsed time; days and longer are counted on the zone's calendar, so that `now-1d` is
 * the same time of day also where the day had 23 hours. Rounding (`/d`) is always down, to the beginning of the unit on
 * the zone's clock; weeks begin on Monday. Windows are half open, so `now-1d/d` to `now/d` is exactly yesterday.
 */

type ElapsedUnit = 'second' | 'minute' | 'hour'
type CalendarUnit = 'day' | 'week' | 'month' | 'year'
type Unit = ElapsedUnit | CalendarUnit

export type Step =
  | { readonly does: 'add'; readonly amount: number; readonly unit: Unit }
  | { readonly does: 'floor'; readonly unit: Unit }

const UNITS = new Map<string, Unit>()
for (const [unit, names] of [
  ['second', 's sec secs second seconds'],
  ['minute', 'm min mins minute minutes'],
  ['hour', 'h hr hrs hour hours'],
  ['day', 'd day days'],
  ['week', 'w week weeks'],
  ['month', 'month months'],
  ['year', 'y year years'],
] as const)
  for (const name of names.split(' ')) UNITS.set(name, unit)

const ELAPSED_MICROS: Partial<Record<Unit, number>> = {
  second: MICROS_PER_SECOND,
  minute: 60 * MICROS_PER_SECOND,
  hour: 3600 * MICROS_PER_SECOND,
}
/** More of any calendar unit than there is time, and still within Temporal's years. */
const FARTHEST_AMOUNT = 200_000

const SPAN = /^(?:[0-9]{1,6} ?[a-z]+ ?){1,4}$/i
const LAST = /^(?:last|past) /i
const LAST_ONE = /^(?:last|past) ([a-z]+)$/i
const AGO = / ago$/i
const SUM = /^now(?: ?(?:[+-] ?(?:[0-9]{1,6} ?[a-z]+ ?){1,4}|\/ ?[a-z]+)){0,8}$/i
const TERM = /([+-])|\/ ?([a-z]+)|([0-9]+) ?([a-z]+)/gi

/** A lone `M` is a month and `m` a minute, as in other tools; no other unit minds its case. */
function unitOf(name: string): Unit | undefined {
  return name === 'M' ? 'month' : UNITS.get(name.toLowerCase())
}

/** @returns the steps a text spells, the first of which has `sign`; null where a unit is none. */
function stepsOf(text: string, sign: 1 | -1): Step[] | null {
  const steps: Step[] = []
  let direction = sign
  for (const [, turn, floor, amount, added] of text.matchAll(TERM)) {
    if (turn !== undefined) {
      direction = turn === '-' ? -1 : 1
      continue
    }
    const unit = unitOf(floor ?? added ?? '')
    if (unit === undefined) return null
    steps.push(
      amount === undefined
        ? { does: 'floor', unit }
        : { does: 'add', amount: direction * Number(amount), unit },
    )
  }
  return steps
}

/** @returns the way back from now that `15m`, `1h 30m`, `last 3 hours` and `last hour` mean; null for anything else. */
export function readLast(text: string): readonly Step[] | null {
  const unit = LAST_ONE.exec(text)?.[1]
  if (unit !== undefined) return stepsOf(`1${unit}`, -1)
  const span = text.replace(LAST, '')
  return SPAN.test(span) ? stepsOf(span, -1) : null
}

/** @returns the steps from now to the moment that `now-1d/d` or `3 hours ago` means; null for anything else. */
export function readSum(text: string): readonly Step[] | null {
  if (SUM.test(text)) return stepsOf(text.slice('now'.length), 1)
  const span = text.replace(AGO, '')
  return span !== text && SPAN.test(span) ? stepsOf(span, -1) : null
}

/**
 * @returns microseconds since the epoch: the first moment where there is not so much time back, and more than
 * {@link LATEST_MICROS} where there is not so much ahead.
 */
export function takeSteps(
  steps: readonly Step[],
  clock: { readonly nowMs: number; readonly zone: string },
  side: Side,
): number {
  let micros = clock.nowMs * MICROS_PER_MS
  for (const step of steps) {
    micros =
      step.does === 'floor' ? floorTo(step.unit, micros, clock.zone) : add(step, micros, clock.zone, side)
    if (micros > LATEST_MICROS) return micros
    micros = Math.max(-LATEST_MICROS, micros)
  }
  return Math.max(0, micros)
}

function add(step: { amount: number; unit: Unit }, micros: number, zone: string, side: Side): number {
  const { amount, unit } = step
  const elapsed = ELAPSED_MICROS[unit]
  if (elapsed !== undefined) return micros + amount * elapsed
  // Nothing added must not move a moment of the hour that stands twice to its other one.
  if (amount === 0) return micros
  const counted = Math.sign(amount) * Math.min(Math.abs(amount), FARTHEST_AMOUNT)
  return momentsOfLocal(
    zonedAt(micros, zone)
      .toPlainDateTime()
      .add({ [`${unit}s`]: counted }),
    zone,
  )[side]
}

function floorTo(unit: Unit, micros: number, zone: string): number {
  const at = zonedAt(micros, zone)
  const date = at.toPlainDate()
  switch (unit) {
    case 'second':
    case 'minute':
    case 'hour':
      return floorOnClock(unit, at)
    case 'day':
      return startOfDate(date, zone)
    case 'week':
      return startOfDate(date.subtract({ days: date.dayOfWeek - 1 }), zone)
    case 'month':
      return startOfDate(date.with({ day: 1 }), zone)
    case 'year':
      return startOfDate(date.with({ month: 1, day: 1 }), zone)
  }
}

function floorOnClock(unit: ElapsedUnit, at: Temporal.ZonedDateTime): number {
  const local = at.toPlainDateTime()
  const floored = local.round({ smallestUnit: unit, roundingMode: 'floor' })
  const near = at.subtract(local.since(floored, { largestUnit: 'hour' }))
  // In the second of two equal hours it is that one's beginning; across a change of the clock, what the clock showed.
  return near.toPlainDateTime().equals(floored) ? microsOf(near) : momentsOfLocal(floored, at.timeZoneId).from
}
