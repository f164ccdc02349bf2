import { type LogTime, MICROS, readLogTime } from '../line/log-time.ts'
import { findRequest, type RequestPlace } from '../line/scan-line.ts'

/**
 * The time of a line as it was written, on the clock of one zone: `2026-11-23T13:55:07+01:00`, with a fraction of the
 * second only where the line has one. What a score has below that is an order, not a time.
 */

/** Finding a zone's offset costs more than the rest of a line, and lines come in order: it is kept for a minute. */
const OFFSET_KEPT_SECONDS = 60

/**
 * @param zone IANA name
 * @returns a function from a line to its time, '' where none can be read.
 */
export function lineTimes(zone: string): (line: Buffer) => string {
  const request: RequestPlace = { bracket: -1, open: -1, close: -1 }
  const time: LogTime = { second: 0, fraction: 0, unit: 0, offsetMinutes: 0, end: 0 }
  let keptMinute = Number.NaN
  let offsetSeconds = 0
  let offsetText = ''
  let keptSecond = Number.NaN
  let secondText = ''
  return (line) => {
    findRequest(line, 0, line.length, request)
    if (request.bracket < 0 || !readLogTime(line, request.bracket, line.length, time)) return ''
    const minute = Math.floor(time.second / OFFSET_KEPT_SECONDS)
    if (minute !== keptMinute) {
      keptMinute = minute
      const moment = Temporal.Instant.fromEpochMilliseconds(time.second * 1000).toZonedDateTimeISO(zone)
      offsetSeconds = Math.round(moment.offsetNanoseconds / 1e9)
      offsetText = moment.offset
    }
    if (time.second !== keptSecond) {
      keptSecond = time.second
      secondText = new Date((time.second + offsetSeconds) * 1000).toISOString().slice(0, -'.000Z'.length)
    }
    return time.unit === MICROS
      ? `${secondText}${offsetText}`
      : `${secondText}.${fractionText(time)}${offsetText}`
  }
}

/** As many digits as the line has. */
function fractionText({ fraction, unit }: LogTime): string {
  return String(fraction / unit).padStart(Math.round(Math.log10(MICROS / unit)), '0')
}
