import { readSum, type Step, takeSteps } from './date-math.ts'
import {
  dateBefore,
  MICROS_PER_DAY,
  MICROS_PER_MS,
  MICROS_PER_SECOND,
  momentsOfLocal,
  type Side,
  startOfDate,
  zonedAt,
} from './local-time.ts'

/**
 * One moment as people and programs write it. Text becomes a {@link Moment} without a clock, so that a range can look at
 * what its ends say (`14:00 - 14:30` shares a day); a clock then makes it microseconds.
 *
 *     now, now-90m, now-1d/d, 3 hours ago          date-math.ts
 *     1763906100[.5], 1763906100000                epoch seconds; milliseconds from 1e11 on
 *     14:00[:07[.5]]                               today, in the zone
 *     today 14:00, yesterday 9:30
 *     2026-11-23, 2026-11-23T13:55[:07[.5]][Z]     ISO, with T or a blank; Z, UTC, GMT or an offset
 *     23/Nov/2026:13:55:07 -0500                   as it stands in the log, with or without its brackets
 *     23 Nov 2026, 13:55                           as the pages write it
 *
 * Blanks are single and none surround the text. Digits past the microsecond are dropped.
 */

interface LocalMoment {
  readonly kind: 'local'
  /** null where none is written: today's. */
  readonly day: Temporal.PlainDate | 'today' | 'yesterday' | null
  /** Microseconds of the day, up to 24:00; null where none is written: the first moment of the day. */
  readonly timeMicros: number | null
  /** An offset or UTC where one is written; null for the zone of the clock. */
  readonly zone: string | null
}

export type Moment =
  | LocalMoment
  | { readonly kind: 'epoch'; readonly micros: number }
  | { readonly kind: 'sum'; readonly steps: readonly Step[] }

export interface ZoneClock {
  readonly nowMs: number
  /** IANA name, or an offset such as `+02:00`, of the zone that times without one are read in. */
  readonly zone: string
}

const EPOCH = /^(-?)([0-9]{1,20})(?:\.([0-9]{1,12}))?$/
/** From here on a number is milliseconds: in seconds it would be the year 5138. */
const MILLISECONDS_FROM = 1e11

const TIME = /^([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,12}))?)?/
const DAY_WORD = /^(today|yesterday)(?:$|,? (?=[0-9]))/i
const ISO_DATE = /^([0-9]{4})-([0-9]{2})-([0-9]{2})(?:$|(T)(?=[0-9])| (?=[0-9]))/i
/** The day, a blank or `/`, the month's name, and the year, up to the time. */
const NAMED_DATE = /^\[?([0-9]{1,2})([ /])([a-z]{3,9})\2([0-9]{4})(?:\]?$|(?::|,? )(?=[0-9]))/i
const ZONE = /^ ?(?:(Z|UTC|GMT)|([+-])([0-9]{2})(?::?([0-9]{2}))?)$/i
/** In an address `+` stands for a blank: what is left of `T13:55+02:00` and of the log's `:13:55:07 +0200`. */
const LOST_PLUS = /^ {1,2}([0-9]{2}):?([0-9]{2})$/

const MONTHS = 'january february march april may june july august september october november december'.split(
  ' ',
)
/** Hours that clocks lie from UTC at most: past these it is no offset, but the end of a range. */
const MOST_BEHIND_HOURS = 12
const MOST_AHEAD_HOURS = 14

/** @returns null where the text is no moment. */
export function readMoment(text: string): Moment | null {
  const steps = readSum(text)
  return steps ? { kind: 'sum', steps } : (readEpoch(text) ?? readLocal(text))
}

/** Whether it is a bare number so small that in a range it is rather an hour or a year: `9-17`. */
export function isSmallNumber(moment: Moment): boolean {
  return moment.kind === 'epoch' && moment.micros < 1e8 * MICROS_PER_SECOND
}

/** Whether it is `today` or `yesterday` without a time, which by itself is a window. */
export function isDayWord(moment: Moment): boolean {
  return moment.kind === 'local' && typeof moment.day === 'string' && moment.timeMicros === null
}

/**
 * Whether `2026-11-23 10:00-11:00` could be meant: a range, or eleven hours behind UTC. After T or with seconds it is an
 * offset, as programs write it.
 */
export function isRangeOrOffset(text: string): boolean {
  return /^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{1,2}:[0-9]{2} ?-[0-9]{2}:[0-9]{2}$/.test(text)
}

function readEpoch(text: string): Moment | null {
  const match = EPOCH.exec(text)
  if (!match) return null
  const [, sign = '', whole = '', fraction = ''] = match
  const unit = Number(whole) >= MILLISECONDS_FROM ? MICROS_PER_MS : MICROS_PER_SECOND
  // Digit by digit: a product of the whole number would lose microseconds.
  const rest = Number(fraction.padEnd(6, '0').slice(0, unit === MICROS_PER_MS ? 3 : 6))
  const micros = Number(whole) * unit + rest
  return { kind: 'epoch', micros: sign === '' ? micros : -micros }
}

function readLocal(text: string): LocalMoment | null {
  const day = readDay(text)
  if (day?.rest === '') return { kind: 'local', day: day.day, timeMicros: null, zone: null }
  const time = readTime(day ? day.rest : text)
  if (time === null) return null
  const zone = time.rest === '' ? null : day && readZone(time.rest, day)
  if (zone === undefined || (zone === null && time.rest !== '')) return null
  return { kind: 'local', day: day ? day.day : null, timeMicros: time.micros, zone }
}

interface WrittenDay {
  day: NonNullable<LocalMoment['day']>
  form: 'word' | 'spaced' | 'joined'
  rest: string
}

/** @returns undefined where the text begins with no day, or one that the calendar does not have. */
function readDay(text: string): WrittenDay | undefined {
  const word = DAY_WORD.exec(text)
  if (word) {
    const day = word[1]?.toLowerCase() === 'today' ? 'today' : 'yesterday'
    return { day, form: 'word', rest: text.slice(word[0].length) }
  }
  const iso = ISO_DATE.exec(text)
  if (iso) {
    const day = dateOf(Number(iso[1]), Number(iso[2]), Number(iso[3]))
    return day && { day, form: iso[4] ? 'joined' : 'spaced', rest: text.slice(iso[0].length) }
  }
  const named = NAMED_DATE.exec(text)
  if (!named) return undefined
  const name = named[3]?.toLowerCase() ?? ''
  const day = dateOf(
    Number(named[4]),
    MONTHS.findIndex((month) => month.startsWith(name)) + 1,
    Number(named[1]),
  )
  const form = named[2] === '/' ? 'joined' : 'spaced'
  return day && { day, form, rest: text.slice(named[0].length).replace(/\]$/, '') }
}

function dateOf(year: number, month: number, day: number): Temporal.PlainDate | undefined {
  try {
    return Temporal.PlainDate.from({ year, month, day }, { overflow: 'reject' })
  } catch (error) {
    // The 30th of February: of the right shape, but no day.
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function readTime(text: string): { micros: number; rest: string } | null {
  const match = TIME.exec(text)
  if (!match) return null
  const [hour, minute, second] = [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)]
  // Second 60 is a leap second, which a log writes and which is the next minute's first here as there.
  if (hour > 24 || minute > 59 || second > 60) return null
  const fraction = Number((match[4] ?? '').padEnd(6, '0').slice(0, 6))
  const micros = (hour * 3600 + minute * 60 + second) * MICROS_PER_SECOND + fraction
  return micros > MICROS_PER_DAY ? null : { micros, rest: text.slice(match[0].length) }
}

/** @returns the zone that ends a dated time; undefined where it is none. */
function readZone(text: string, { form }: WrittenDay): string | undefined {
  if (form === 'word') return undefined
  const lost = form === 'joined' ? LOST_PLUS.exec(text) : null
  if (lost) return offsetOf('+', lost[1], lost[2])
  const match = ZONE.exec(text)
  if (!match) return undefined
  return match[1] ? 'UTC' : offsetOf(match[2], match[3], match[4])
}

function offsetOf(sign = '+', hours = '', minutes = '00'): string | undefined {
  const size = Number(hours) + Number(minutes) / 60
  if (Number(minutes) > 59 || size > (sign === '-' ? MOST_BEHIND_HOURS : MOST_AHEAD_HOURS)) return undefined
  return `${sign}${hours}:${minutes}`
}

/** @returns the day that a moment's words name, on the clock's calendar. */
export function dayOf(day: LocalMoment['day'], clock: ZoneClock): Temporal.PlainDate {
  if (day === 'yesterday') return dateBefore(clock.nowMs * MICROS_PER_MS, clock.zone)
  if (day === 'today' || day === null) return zonedAt(clock.nowMs * MICROS_PER_MS, clock.zone).toPlainDate()
  return day
}

/** @returns microseconds since the epoch, which may lie outside the time that the portal knows. */
export function microsOfMoment(moment: Moment, clock: ZoneClock, side: Side): number {
  if (moment.kind === 'epoch') return moment.micros
  if (moment.kind === 'sum') return takeSteps(moment.steps, clock, side)
  const zone = moment.zone ?? clock.zone
  const date = dayOf(moment.day, clock)
  if (moment.timeMicros === null) return startOfDate(date, zone)
  const local = date.toPlainDateTime().add({ microseconds: moment.timeMicros })
  return momentsOfLocal(local, zone)[side]
}
