import type { MicrosWindow } from '../store/reading.ts'
import { MICROS_PER_MS, microsOf, momentsOfLocal, zonedAt } from './local-time.ts'
import { offsetInWords } from './time-zone.ts'

/** Moments and windows as people read them, in one zone throughout. */

const number = new Intl.NumberFormat('en-US')
export const formatNumber = (value: number): string => number.format(value)

/** Three letters each, as in the log; Intl's British September has four. */
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const NARROW = '\u202f'

function zonedAtMs(ms: number, zone: string): Temporal.ZonedDateTime {
  return zonedAt(Math.floor(ms) * MICROS_PER_MS, zone)
}

function dateInWords({ day, month, year }: Temporal.ZonedDateTime): string {
  return `${day} ${MONTHS[month - 1]} ${year}`
}

function timeInWords(at: Temporal.ZonedDateTime, smallestUnit: 'minute' | 'second'): string {
  return at.toPlainTime().toString({ smallestUnit })
}

function zoned({ fromMicros, toMicros }: MicrosWindow, zone: string) {
  return [zonedAt(fromMicros, zone), zonedAt(toMicros, zone)] as const
}

/**
 * @returns such as `24 Nov 2026, 14:55:02`; in an hour that the zone's clock showed twice, with the offset that tells
 * which of the two: `25 Oct 2026, 02:30:00 (UTC+1)`.
 */
export function momentInWords(ms: number, zone: string): string {
  const at = zonedAtMs(ms, zone)
  const words = `${dateInWords(at)}, ${timeInWords(at, 'second')}`
  const { from, to } = momentsOfLocal(at.toPlainDateTime(), zone)
  return from === to ? words : `${words} (${offsetInWords(zone, ms)})`
}

/**
 * @returns such as `24 Nov 2026, 13:55–14:55 (UTC−5)`, with the day twice only where there are two, and so the offset:
 * `25 Oct 2026, 02:30 (UTC+2) – 02:30 (UTC+1)`. Seconds stand where an end has some; fractions are left off.
 */
export function windowInWords(window: MicrosWindow, zone: string): string {
  const [from, to] = zoned(window, zone)
  const [begin, end] = [from, to].map((at) => timeInWords(at, at.second === 0 ? 'minute' : 'second'))
  const [beginOffset, endOffset] = [window.fromMicros, window.toMicros].map(
    (micros) => `(${offsetInWords(zone, micros / MICROS_PER_MS)})`,
  )
  const isOneDay = from.toPlainDate().equals(to.toPlainDate())
  const hasOneOffset = beginOffset === endOffset
  const first = `${dateInWords(from)}, ${begin}${hasOneOffset ? '' : ` ${beginOffset}`}`
  const dash = isOneDay && hasOneOffset ? '–' : `${NARROW}–${NARROW}`
  return `${first}${dash}${isOneDay ? '' : `${dateInWords(to)}, `}${end} ${endOffset}`
}

/** @returns a moment as `<input type="datetime-local">` takes it, on the zone's clock. */
export function inputMoment(micros: number, zone: string): string {
  return zonedAt(micros, zone).toPlainDateTime().toString({ smallestUnit: 'second' })
}

/**
 * Whether {@link inputMoment} of both ends, sent back as `from` and `to`, means the same window to the second. It does
 * not where `from` lies in the second of two equal hours or `to` in the first: an input field cannot say which.
 */
export function inputsTellWindow(window: MicrosWindow, zone: string): boolean {
  const [from, to] = zoned(window, zone).map((at) =>
    at.round({ smallestUnit: 'second', roundingMode: 'floor' }),
  )
  if (!from || !to) return false
  return (
    momentsOfLocal(from.toPlainDateTime(), zone).from === microsOf(from) &&
    momentsOfLocal(to.toPlainDateTime(), zone).to === microsOf(to)
  )
}

/** Whether the window's times of day tell its moments apart: all of it lies on one day of the zone. */
export function isWithinOneDay({ fromMicros, toMicros }: MicrosWindow, zone: string): boolean {
  const [first, last] = zoned({ fromMicros, toMicros: Math.max(fromMicros, toMicros - 1) }, zone)
  return first.toPlainDate().equals(last.toPlainDate())
}
