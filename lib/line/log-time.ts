/**
 * The timestamp of common log format, `[06/May/2013:09:54:52 -0400]`, read from bytes. Apache's `%t`, nginx's
 * `$time_local`; with an optional fraction of the second (`:52.123`), as Apache's `%{msec_frac}t` is often put there.
 */

/** What {@link readLogTime} found; one object is reused for a whole file, since there is one a line. */
export interface LogTime {
  /** Epoch seconds, UTC. */
  second: number
  /** Microseconds within that second as written: 0 where no fraction stands. */
  fraction: number
  /** Length in microseconds of the smallest unit written: 1,000,000 for whole seconds, 1,000 for milliseconds. */
  unit: number
  /** Zone offset in minutes, east positive. */
  offsetMinutes: number
  /** Offset of the byte after the closing bracket. */
  end: number
}

export const MICROS = 1_000_000
const SHORTEST = '[06/May/2013:09:54:52 -0400]'.length

const MONTH_BY_LETTERS = new Map(
  ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'].map((name, index) => [
    (name.charCodeAt(0) << 16) | (name.charCodeAt(1) << 8) | name.charCodeAt(2),
    index + 1,
  ]),
)
const DAYS_IN_MONTH = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

function twoDigits(bytes: Uint8Array, at: number): number {
  const tens = (bytes[at] ?? 0) - 48
  const ones = (bytes[at + 1] ?? 0) - 48
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1
}

/** Days from 1970-01-01 to a date of the proleptic Gregorian calendar. */
function daysFromEpoch(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}

const NO_DAY = Number.NEGATIVE_INFINITY
/** The date asked for last: most lines are of the day of the line before. */
const last = { day: 0, letters: 0, year: 0, start: NO_DAY }

/** @returns the first second of that day in UTC, or {@link NO_DAY} where there is no such day. */
function dayStartOf(day: number, letters: number, year: number): number {
  if (day === last.day && letters === last.letters && year === last.year) return last.start
  const month = MONTH_BY_LETTERS.get(letters) ?? 0
  const leapDay = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 1 : 0
  const exists = month > 0 && day >= 1 && day <= (DAYS_IN_MONTH[month] ?? 0) + leapDay
  last.day = day
  last.letters = letters
  last.year = year
  last.start = exists ? daysFromEpoch(year, month, day) * 86_400 : NO_DAY
  return last.start
}

/**
 * Whether the shape `[dd/Mon/yyyy:HH:MM:SS…` stands at `at`. Cheap, and true also for dates that do not exist: a line
 * with such a date is a reject, not a line without a time.
 */
export function looksLikeLogTime(bytes: Uint8Array, at: number, end: number): boolean {
  return (
    end - at >= SHORTEST &&
    bytes[at] === 0x5b &&
    bytes[at + 3] === 0x2f &&
    bytes[at + 7] === 0x2f &&
    bytes[at + 12] === 0x3a &&
    bytes[at + 15] === 0x3a &&
    bytes[at + 18] === 0x3a
  )
}

/**
 * Reads the timestamp whose `[` stands at `at`.
 * @returns whether it is one that exists: 30 February, hour 24 and offsets past 23:59 do not. Second 60 is a leap
 * second and counts as the first second of the next minute, as POSIX time does.
 */
export function readLogTime(bytes: Uint8Array, at: number, end: number, into: LogTime): boolean {
  if (!looksLikeLogTime(bytes, at, end)) return false
  const day = twoDigits(bytes, at + 1)
  const letters = ((bytes[at + 4] ?? 0) << 16) | ((bytes[at + 5] ?? 0) << 8) | (bytes[at + 6] ?? 0)
  const century = twoDigits(bytes, at + 8)
  const yearOfCentury = twoDigits(bytes, at + 10)
  const hour = twoDigits(bytes, at + 13)
  const minute = twoDigits(bytes, at + 16)
  const second = twoDigits(bytes, at + 19)
  if (century < 0 || yearOfCentury < 0) return false
  const dayStart = dayStartOf(day, letters, century * 100 + yearOfCentury)
  if (dayStart === NO_DAY) return false
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return false

  let next = at + 21
  into.fraction = 0
  into.unit = MICROS
  if (bytes[next] === 0x2e) {
    next++
    let digit = (bytes[next] ?? 0) - 48
    while (digit >= 0 && digit <= 9 && next < end) {
      // Digits past the microsecond are below what a score can hold.
      if (into.unit > 1) {
        into.unit /= 10
        into.fraction += digit * into.unit
      }
      next++
      digit = (bytes[next] ?? 0) - 48
    }
    if (into.unit === MICROS) return false
  }
  if (end - next < 7 || bytes[next] !== 0x20 || bytes[next + 6] !== 0x5d) return false
  const sign = bytes[next + 1]
  const offsetHours = twoDigits(bytes, next + 2)
  const offsetRest = twoDigits(bytes, next + 4)
  if (
    (sign !== 0x2b && sign !== 0x2d) ||
    offsetHours < 0 ||
    offsetHours > 23 ||
    offsetRest < 0 ||
    offsetRest > 59
  )
    return false
  into.offsetMinutes = (offsetHours * 60 + offsetRest) * (sign === 0x2b ? 1 : -1)
  into.second = dayStart + hour * 3600 + minute * 60 + second - into.offsetMinutes * 60
  into.end = next + 7
  return true
}
