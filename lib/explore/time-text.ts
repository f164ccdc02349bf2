/** Moments and windows as people read them, in one zone throughout. */

const number = new Intl.NumberFormat('en-US')
export const formatNumber = (value: number): string => number.format(value)

const NARROW = '\u202f'

function parts(ms: number, zone: string) {
  const moment = Temporal.Instant.fromEpochMilliseconds(Math.floor(ms)).toZonedDateTimeISO(zone)
  const day = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    day: 'numeric',
    month: 'short',
    year: 'numeric',
  })
  const seconds = moment.second === 0 ? 'minute' : 'second'
  return { date: day.format(ms), time: moment.toPlainTime().toString({ smallestUnit: seconds }) }
}

/** @returns such as `24 Nov 2026, 14:55:02`. */
export function momentInWords(ms: number, zone: string): string {
  const { date } = parts(ms, zone)
  const time = Temporal.Instant.fromEpochMilliseconds(Math.floor(ms)).toZonedDateTimeISO(zone).toPlainTime()
  return `${date}, ${time.toString({ smallestUnit: 'second' })}`
}

/** @returns such as `24 Nov 2026, 13:55 – 14:55 (UTC)`, with the day twice only where there are two. */
export function windowInWords(window: { fromMicros: number; toMicros: number }, zone: string): string {
  const from = parts(window.fromMicros / 1000, zone)
  const to = parts(window.toMicros / 1000, zone)
  const end = from.date === to.date ? to.time : `${to.date}, ${to.time}`
  return `${from.date}, ${from.time}${NARROW}–${NARROW}${end} (${zone})`
}

/** @returns a moment as `<input type="datetime-local">` takes it, on the zone's clock. */
export function inputMoment(micros: number, zone: string): string {
  const moment = Temporal.Instant.fromEpochMilliseconds(Math.floor(micros / 1000)).toZonedDateTimeISO(zone)
  return moment.toPlainDateTime().toString({ smallestUnit: 'second' })
}

/** Whether the window's times of day tell its moments apart: all of it lies on one day of the zone. */
export function isWithinOneDay(window: { fromMicros: number; toMicros: number }, zone: string): boolean {
  const last = Math.max(window.fromMicros, window.toMicros - 1)
  return parts(window.fromMicros / 1000, zone).date === parts(last / 1000, zone).date
}
