import { PortalError } from '../errors.ts'
import type { MicrosWindow } from '../store/reading.ts'
import { LATEST_MICROS } from '../store/score.ts'

/**
 * The time window of an explorer page, a download or `print`: what `from` and `to` may say, and the half-open interval
 * they mean. Pure: the clock's reading and the zone come in.
 *
 *     from=15m | 6h | 1d            the last so much, up to now
 *     from=today | yesterday        that day of the zone; sets both ends, so `to` beside it is refused
 *     now, now-90m                  a moment
 *     2026-11-23                    the first moment of that day in the zone
 *     2026-11-23T13:55[:07[.5]]     a moment of the zone's clock; with Z or +hh:mm, of that offset
 *     1763906100, 1763906100000     epoch seconds; milliseconds from 1e11 on
 */

export interface Clock {
  readonly nowMs: number
  /** IANA name of the zone that times without one are read in. */
  readonly zone: string
}

const DEFAULT_FROM = '1h'
const MICROS_PER_MS = 1000
const DURATION = /^([0-9]{1,6})(s|m|h|d|w)$/
const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const
const LOCAL = /^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?)?$/
const WITH_OFFSET =
  /^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?(Z|[+-][0-9]{2}:?[0-9]{2})$/i
const EPOCH = /^[0-9]{1,14}(\.[0-9]{1,6})?$/

const TAKES =
  'takes a moment such as 2026-11-23T13:55, 2026-11-23T13:55:00Z, now-90m or epoch seconds; from also takes 15m, 6h, today, yesterday'

function refuse(name: string, text: string, why = TAKES): never {
  throw new PortalError('bad_parameter', { detail: `${name}=${shorten(text)}: ${why}.` })
}

/** What is repeated of a bad value: enough to recognise it. */
function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}

function durationMs(text: string): number | null {
  const match = DURATION.exec(text)
  return match ? Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS] : null
}

/** @returns microseconds since the epoch. */
function parseMoment(name: string, text: string, clock: Clock): number {
  const micros = momentMicros(text, clock)
  if (micros === null) return refuse(name, text)
  if (micros < 0 || micros > LATEST_MICROS) return refuse(name, text, 'takes times from 1970 to 2255')
  return micros
}

function momentMicros(text: string, clock: Clock): number | null {
  if (text === 'now') return clock.nowMs * MICROS_PER_MS
  if (text.startsWith('now-')) {
    const before = durationMs(text.slice('now-'.length))
    return before === null ? null : Math.max(0, clock.nowMs - before) * MICROS_PER_MS
  }
  if (EPOCH.test(text)) {
    const value = Number(text)
    return Math.round(value >= 1e11 ? value * MICROS_PER_MS : value * 1e6)
  }
  try {
    if (WITH_OFFSET.test(text)) return instantMicros(Temporal.Instant.from(text))
    if (LOCAL.test(text))
      return instantMicros(
        Temporal.PlainDateTime.from(text, { overflow: 'reject' }).toZonedDateTime(clock.zone).toInstant(),
      )
  } catch (error) {
    // The 30th of February, hour 25: of the right shape, but no moment.
    if (!(error instanceof RangeError)) throw error
  }
  return null
}

function instantMicros(instant: Temporal.Instant): number {
  return Number(instant.epochNanoseconds / 1000n)
}

function dayWindow(daysAgo: number, clock: Clock): MicrosWindow {
  const today = Temporal.Instant.fromEpochMilliseconds(clock.nowMs)
    .toZonedDateTimeISO(clock.zone)
    .startOfDay()
  // Where clocks are set at midnight, today may begin at one o'clock and yesterday does not.
  const day = today.subtract({ days: daysAgo }).startOfDay()
  return {
    fromMicros: instantMicros(day.toInstant()),
    toMicros: instantMicros(day.add({ days: 1 }).startOfDay().toInstant()),
  }
}

/**
 * @param from defaults to the last hour, @param to to now.
 * @throws PortalError `bad_parameter`, its detail naming the parameter and what it takes.
 */
export function parseWindow(from: string | undefined, to: string | undefined, clock: Clock): MicrosWindow {
  const begin = from ?? DEFAULT_FROM
  if (begin === 'today' || begin === 'yesterday') {
    if (to !== undefined) refuse('to', to, `cannot stand beside from=${begin}, which sets both ends`)
    return dayWindow(begin === 'today' ? 0 : 1, clock)
  }
  const last = durationMs(begin)
  const toMicros = to === undefined ? clock.nowMs * MICROS_PER_MS : parseMoment('to', to, clock)
  const fromMicros =
    last === null ? parseMoment('from', begin, clock) : Math.max(0, clock.nowMs - last) * MICROS_PER_MS
  if (fromMicros > toMicros)
    refuse('from', begin, to === undefined ? 'lies after now, where the window ends' : 'lies after to')
  return { fromMicros, toMicros }
}

/** The server's own clock and zone. */
export function currentClock(): Clock {
  return { nowMs: Date.now(), zone: Temporal.Now.timeZoneId() }
}

/**
 * @param by -1 for the window of the same length right before, 1 for the one right after.
 * @returns null where there is no time left to shift to: before 1970, or after now.
 */
export function shiftWindow(
  { fromMicros, toMicros }: MicrosWindow,
  by: -1 | 1,
  clock: Clock,
): MicrosWindow | null {
  const length = toMicros - fromMicros
  const shifted = { fromMicros: fromMicros + by * length, toMicros: toMicros + by * length }
  if (length === 0 || shifted.fromMicros < 0 || shifted.fromMicros >= clock.nowMs * MICROS_PER_MS) return null
  return shifted
}

/** @returns the hour that ends with the given epoch second. */
export function hourUpTo(second: number): MicrosWindow {
  return {
    fromMicros: Math.max(0, second + 1 - 3600) * 1e6,
    toMicros: (second + 1) * 1e6,
  }
}

/** @returns epoch seconds, with a fraction where there is one, as `from` and `to` take them back exactly. */
export function momentText(micros: number): string {
  const second = Math.floor(micros / 1e6)
  const rest = micros - second * 1e6
  return rest === 0 ? String(second) : `${second}.${String(rest).padStart(6, '0').replace(/0+$/, '')}`
}
