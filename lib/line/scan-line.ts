import { type LogTime, looksLikeLogTime, readLogTime } from './log-time.ts'

/**
 * Finds in one access-log line what deciding about it takes: its time, its status and the collection it belongs to.
 *
 * Formats `clf` and `combined` (Apache, nginx): `host ident user [time] "request" status bytes "referrer" "agent" … id`.
 * They share one rule and are told apart by nothing here: the id is the last of the space-separated, quote-aware fields
 * after the request's closing quote, when there are at least three and the last is `[1-9][0-9]{0,19}`. A plain
 * common-format line ends in its byte count, which therefore is nobody's id.
 *
 * Works on bytes and offsets: nothing is decoded, copied or required to be there that the decision does not need.
 */

const SPACE = 0x20
const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_BRACKET = 0x5b
const MAX_ID_DIGITS = 20

/** What the scan found. One object is reused for a whole file. */
export interface ScannedLine {
  /** `line`: it has an id and a time. `unassigned`: no id. `bad-time`: an id, but no time that exists. */
  kind: 'line' | 'unassigned' | 'bad-time'
  /** Where the id's digits stand. */
  idStart: number
  idEnd: number
  /** First digit of the status, 1 to 5, or 0 where none is readable. */
  statusClass: number
  time: LogTime
}

export function newScannedLine(): ScannedLine {
  return {
    kind: 'unassigned',
    idStart: 0,
    idEnd: 0,
    statusClass: 0,
    time: { second: 0, fraction: 0, unit: 0, offsetMinutes: 0, end: 0 },
  }
}

/** @returns the offset of the quote that closes the one before `at`, or -1. A backslash escapes what follows it. */
export function closingQuote(bytes: Uint8Array, at: number, end: number): number {
  for (let i = at; i < end; i++) {
    const byte = bytes[i]
    if (byte === QUOTE) return i
    if (byte === BACKSLASH) i++
  }
  return -1
}

/**
 * @returns the offset of the `[` of the line's time, or -1. A user name may contain `[`, and a time even: the one that
 * counts is the first that is followed by the request's opening quote.
 */
export function timeBracket(bytes: Uint8Array, start: number, end: number): number {
  for (let i = start; i < end; i++) {
    if (bytes[i] !== OPEN_BRACKET || !looksLikeLogTime(bytes, i, end)) continue
    let close = i + 21
    while (close < end && bytes[close] !== 0x5d && close - i < 40) close++
    if (bytes[close + 1] === SPACE && bytes[close + 2] === QUOTE && close + 2 < end) return i
  }
  return -1
}

/** @returns the offset after the field that begins at `at`: a quoted one runs to its closing quote and what sticks to it. */
export function fieldEnd(bytes: Uint8Array, at: number, end: number): number {
  let i = at
  if (bytes[at] === QUOTE) {
    const close = closingQuote(bytes, at + 1, end)
    if (close < 0) return end
    i = close + 1
  }
  while (i < end && bytes[i] !== SPACE) i++
  return i
}

function isId(bytes: Uint8Array, start: number, end: number): boolean {
  const length = end - start
  if (length < 1 || length > MAX_ID_DIGITS || bytes[start] === 0x30) return false
  for (let i = start; i < end; i++) {
    const digit = bytes[i] ?? 0
    if (digit < 0x30 || digit > 0x39) return false
  }
  return true
}

/** @returns the first digit of a status from 100 to 599, else 0. */
function statusClass(bytes: Uint8Array, start: number, end: number): number {
  if (end - start !== 3) return 0
  const first = (bytes[start] ?? 0) - 48
  const second = (bytes[start + 1] ?? 0) - 48
  const third = (bytes[start + 2] ?? 0) - 48
  const isStatus = first >= 1 && first <= 5 && second >= 0 && second <= 9 && third >= 0 && third <= 9
  return isStatus ? first : 0
}

/** Scans `bytes[start, end)`, one line without its terminator. */
export function scanLine(bytes: Uint8Array, start: number, end: number, into: ScannedLine): void {
  into.kind = 'unassigned'
  into.statusClass = 0
  const bracket = timeBracket(bytes, start, end)
  // Without a time in its place the request still shows where it stands: by its opening quote.
  let requestQuote = -1
  if (bracket >= 0) {
    requestQuote = bytes.indexOf(QUOTE, bracket + 1)
  } else {
    requestQuote = start
    // Not by indexOf, which would look through all the lines that follow in a chunk without quotes, for each of them.
    while (requestQuote < end && bytes[requestQuote] !== QUOTE) requestQuote++
    if (requestQuote === end) return
  }
  const requestEnd = closingQuote(bytes, requestQuote + 1, end)
  if (requestEnd < 0) return

  let fields = 0
  let lastStart = 0
  let lastEnd = 0
  let i = requestEnd + 1
  while (i < end) {
    if (bytes[i] === SPACE) {
      i++
      continue
    }
    lastStart = i
    lastEnd = i = fieldEnd(bytes, i, end)
    fields++
    if (fields === 1) into.statusClass = statusClass(bytes, lastStart, lastEnd)
  }
  if (fields < 3 || !isId(bytes, lastStart, lastEnd)) return
  into.idStart = lastStart
  into.idEnd = lastEnd
  into.kind = bracket >= 0 && readLogTime(bytes, bracket, end, into.time) ? 'line' : 'bad-time'
}
