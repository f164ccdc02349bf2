import { badValue } from './bad-value.ts'
import { zonedAt } from './local-time.ts'

/** The zone that an explorer page reads and writes times in. */

const NAME = /^[a-z][a-z0-9_+-]*(?:\/[a-z0-9_+-]+){0,2}$/i
/** In an address `+` stands for a blank. */
const OFFSET = /^([ +-])([0-9]{2}):?([0-9]{2})?$/
/** Characters, twice those of the longest name there is; what is longer is refused unread. */
const LONGEST_TEXT = 64
const MINUTES_PER_HOUR = 60
const MINUS = '\u2212'

const TAKES = 'takes server, utc, a zone such as Europe/Berlin, or an offset such as +02:00'

/**
 * @param text the parameter `tz`; absent or `server` means `serverZone`.
 * @returns an IANA name in its usual spelling, `UTC` for each of UTC's names, or an offset such as `+02:00`.
 * @throws PortalError `bad_parameter`
 */
export function parseZone(text: string | undefined, serverZone: string): string {
  if (text === undefined) return serverZone
  if (text.length > LONGEST_TEXT) throw badValue('tz', text, TAKES)
  const name = text.trim()
  if (name.toLowerCase() === 'server') return serverZone
  const zone = offsetZone(text) ?? namedZone(name)
  if (zone === null) throw badValue('tz', text, TAKES)
  return zone
}

function offsetZone(text: string): string | null {
  const match = OFFSET.exec(text)
  if (!match) return null
  const [, sign, hours, minutes = '00'] = match
  return knownZone(`${sign === ' ' ? '+' : sign}${hours}:${minutes}`)
}

function namedZone(text: string): string | null {
  // Temporal also takes whole moments here, whose zone would be used.
  const zone = NAME.test(text) ? knownZone(text) : null
  return zone !== null && isUtc(zone) ? 'UTC' : zone
}

function knownZone(zone: string): string | null {
  try {
    return zonedAt(0, zone).timeZoneId
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}

/** Whether it is UTC under one of its names (Etc/UTC, Zulu, GMT): a clock that never was anything else. */
function isUtc(zone: string): boolean {
  return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone === 'UTC'
}

/** @returns how far the zone's clock is from UTC at a moment: `UTC`, `UTC−5`, `UTC+5:30`. */
export function offsetInWords(zone: string, atMs: number): string {
  const { offsetNanoseconds } = zonedAt(Math.floor(atMs) * 1000, zone)
  const minutes = Math.round(Math.abs(offsetNanoseconds) / 60e9)
  if (minutes === 0) return 'UTC'
  const rest = minutes % MINUTES_PER_HOUR
  const sign = offsetNanoseconds < 0 ? MINUS : '+'
  return `UTC${sign}${Math.floor(minutes / MINUTES_PER_HOUR)}${rest === 0 ? '' : `:${String(rest).padStart(2, '0')}`}`
}

/** @returns the zone by name and by its offset at a moment: `America/New_York, UTC−5`; `UTC`; `UTC+2` for an offset. */
export function zoneInWords(zone: string, atMs: number): string {
  const offset = offsetInWords(zone, atMs)
  return /^[A-Z]/i.test(zone) && !/^(?:Etc\/)?UTC$/.test(zone) ? `${zone}, ${offset}` : offset
}
