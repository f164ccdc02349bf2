import type { MicrosWindow } from '../store/reading.ts'
import { LATEST_MICROS } from '../store/score.ts'
import { badValue } from './bad-value.ts'
import { readLast, type Step, takeSteps } from './date-math.ts'
import {
  dateBefore,
  MICROS_PER_MS,
  MICROS_PER_SECOND,
  type Side,
  startOfDate,
  zonedAt,
} from './local-time.ts'
import {
  isDayWord,
  isRangeOrOffset,
  type Moment,
  microsOfMoment,
  readMoment,
  type ZoneClock,
} from './moment-grammar.ts'
import { type MomentRange, readRange, shareDay } from './range-grammar.ts'

/**
 * The time window of an explorer page, a download or `print`: what `from` and `to` may say, and the half-open interval
 * they mean. Pure: the clock's reading and the zone come in.
 *
 *     from=15m | 1h30m | last 3 hours    from so much before now, up to now or up to `to`
 *     from=today | yesterday             that day of the zone
 *     from=14:00 - 14:30                 a range, as range-grammar.ts describes
 *     a moment, at either end            as moment-grammar.ts describes
 *
 * A day and a range set both ends, so `to` beside them is refused. Case does not matter but for `M`, a month, and `m`, a
 * minute; nor do blanks around the words, or more than one between them.
 */

export type Clock = ZoneClock

const DEFAULT_FROM = '1h'
/** Characters of two moments, with blanks to spare; what is longer is refused unread. */
const LONGEST_TEXT = 200

const TAKES =
  'takes a moment such as 2026-11-23T13:55, 2026-11-23T13:55:00Z, yesterday 14:00, now-90m, now-1d/d or epoch seconds; ' +
  'from also takes 15m, last 3 hours, today, yesterday, 14:00 - 14:30'
const TAKES_ERA = 'takes times from 1970 to 2255'
const TWO_READINGS =
  'could be a range or an offset: a range has blanks around its dash, an offset stands after T or seconds'
const NO_ZONE_NAMES = 'takes an offset such as Z or +01:00, not a zone in brackets'

/** What a text says before a clock has been looked at. */
type Said =
  | { readonly kind: 'last'; readonly steps: readonly Step[] }
  | { readonly kind: 'day'; readonly words: string }
  | { readonly kind: 'range'; readonly words: string; readonly range: MomentRange }
  | { readonly kind: 'moment'; readonly moment: Moment }

/** @throws PortalError `bad_parameter` */
function read(name: Side, text: string): Said {
  if (text.length > LONGEST_TEXT) throw badValue(name, text, TAKES)
  const words = text.trim().replace(/\s+/g, ' ')
  const steps = readLast(words)
  if (steps) return { kind: 'last', steps }
  if (isRangeOrOffset(words)) throw badValue(name, text, TWO_READINGS)
  const moment = readMoment(words)
  if (moment)
    return isDayWord(moment) ? { kind: 'day', words: words.toLowerCase() } : { kind: 'moment', moment }
  const range = readRange(words)
  if (range) return { kind: 'range', words, range }
  throw badValue(name, text, /[0-9Z]\[[^\]]*\]$/i.test(words) ? NO_ZONE_NAMES : TAKES)
}

/** @returns microseconds. @throws PortalError `bad_parameter` for times that the portal does not know. */
function place(moment: Moment, clock: Clock, side: Side, written: { name: Side; text: string }): number {
  const micros = microsOfMoment(moment, clock, side)
  if (micros < 0 || micros > LATEST_MICROS) throw badValue(written.name, written.text, TAKES_ERA)
  return micros
}

/**
 * @param from defaults to an hour before now, @param to to now.
 * @returns whole microseconds from 0 to {@link LATEST_MICROS}, `fromMicros` never after `toMicros`.
 * @throws PortalError `bad_parameter`, its detail naming the parameter and what it takes.
 */
export function parseWindow(from: string | undefined, to: string | undefined, clock: Clock): MicrosWindow {
  const text = from ?? DEFAULT_FROM
  const said = read('from', text)
  if (said.kind === 'day' || said.kind === 'range') {
    if (to !== undefined)
      throw badValue('to', to, `cannot stand beside from=${said.words}, which sets both ends`)
    return said.kind === 'day' ? dayWindow(said.words, clock) : rangeWindow(said.range, text, clock)
  }
  const toMicros = to === undefined ? clock.nowMs * MICROS_PER_MS : parseTo(to, clock)
  const fromMicros =
    said.kind === 'last'
      ? takeSteps(said.steps, clock, 'from')
      : place(said.moment, clock, 'from', { name: 'from', text })
  if (fromMicros <= toMicros) return { fromMicros, toMicros }
  if (to === undefined) throw badValue('from', text, 'lies after now, where the window ends')
  if (from !== undefined) throw badValue('from', text, 'lies after to')
  throw badValue('to', to, 'lies before from, which is an hour before now when it is left out')
}

function parseTo(text: string, clock: Clock): number {
  const said = read('to', text)
  if (said.kind === 'range') throw badValue('to', text, 'is a range, which sets both ends: write it as from')
  if (said.kind !== 'moment') throw badValue('to', text, TAKES)
  return place(said.moment, clock, 'to', { name: 'to', text })
}

function dayWindow(word: string, { nowMs, zone }: Clock): MicrosWindow {
  const nowMicros = nowMs * MICROS_PER_MS
  const today = zonedAt(nowMicros, zone).toPlainDate()
  const [date, next] =
    word === 'today' ? [today, today.add({ days: 1 })] : [dateBefore(nowMicros, zone), today]
  return { fromMicros: Math.max(0, startOfDate(date, zone)), toMicros: startOfDate(next, zone) }
}

function rangeWindow(range: MomentRange, text: string, clock: Clock): MicrosWindow {
  const { from, to } = shareDay(range, clock)
  const written = { name: 'from', text } as const
  const fromMicros = place(from, clock, 'from', written)
  const toMicros = place(to, clock, 'to', written)
  if (fromMicros > toMicros) throw badValue('from', text, 'ends before it begins')
  return { fromMicros, toMicros }
}

/** The server's own clock and zone. */
export function currentClock(): Clock {
  const zone = Temporal.Now.timeZoneId()
  // An empty TZ means UTC to the system, and a name to ICU that Temporal itself refuses.
  return { nowMs: Date.now(), zone: zone === 'Etc/Unknown' ? 'UTC' : zone }
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
    fromMicros: Math.max(0, second + 1 - 3600) * MICROS_PER_SECOND,
    toMicros: (second + 1) * MICROS_PER_SECOND,
  }
}

/** @returns epoch seconds, with a fraction where there is one, as `from` and `to` take them back exactly. */
export function momentText(micros: number): string {
  const second = Math.floor(micros / MICROS_PER_SECOND)
  const rest = micros - second * MICROS_PER_SECOND
  return rest === 0 ? String(second) : `${second}.${String(rest).padStart(6, '0').replace(/0+$/, '')}`
}
