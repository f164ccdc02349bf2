import { type LogTime, looksLikeLogTime, readLogTime } from './log-time.ts'

/**
 * Finds in one access-log line what deciding about it takes: its time, its status and the collection it belongs to.
 *
 * Formats `clf`, `combined` and `vhost` (Apache, nginx): `host ident user [time] "request" status bytes "referrer" "agent" …
 * id`, the last with a virtual host before it; other fields may lead, quoted or not. They share one rule and are told apart
 * by nothing here: the id is the last of the space-separated, quote-aware fields
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
  request: RequestPlace
}

export function newScannedLine(): ScannedLine {
  return {
    kind: 'unassigned',
    idStart: 0,
    idEnd: 0,
    statusClass: 0,
    time: { second: 0, fraction: 0, unit: 0, offsetMinutes: 0, end: 0 },
    request: { bracket: -1, open: -1, close: -1 },
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
 * @returns the offset of the quote that closes the field beginning with the quote at `at`, or -1 where the next quote does
 * not end the field. A user name may begin with a quote: the next one is then the request's, to which its method sticks.
 */
export function quotedFieldClose(bytes: Uint8Array, at: number, end: number): number {
  const close = closingQuote(bytes, at + 1, end)
  return close >= 0 && (close + 1 === end || bytes[close + 1] === SPACE) ? close : -1
}

// Quotes at the start of a field keep all scans below linear: none is escaped, so a search for a closing quote that
// begins at one of them ends at the next one at the latest.
function isFieldStart(bytes: Uint8Array, at: number, start: number): boolean {
  return at === start || bytes[at - 1] === SPACE
}

/**
 * @returns the offset of the first `[` from `start` on that opens what looks like a time and is followed by a quote, or
 * -1. A user name may contain `[`, and a time even. What stands in a quoted field is passed over: a header that a visitor
 * sends may be logged before the time.
 */
function timeBracket(bytes: Uint8Array, start: number, end: number): number {
  for (let i = start; i < end; i++) {
    const byte = bytes[i]
    if (byte === QUOTE && isFieldStart(bytes, i, start)) {
      const fieldClose = quotedFieldClose(bytes, i, end)
      if (fieldClose >= 0) i = fieldClose
    }
    if (byte !== OPEN_BRACKET || !looksLikeLogTime(bytes, i, end)) continue
    let close = i + 21
    while (close < end && bytes[close] !== 0x5d && close - i < 40) close++
    if (bytes[close + 1] === SPACE && bytes[close + 2] === QUOTE && close + 2 < end) return i
  }
  return -1
}

/** @returns whether a status stands after the blanks at `at`, and a further field after it. */
function statusFollows(bytes: Uint8Array, at: number, end: number): boolean {
  let i = at
  while (i < end && bytes[i] === SPACE) i++
  if (i === at || i + 3 >= end || bytes[i + 3] !== SPACE || statusClass(bytes, i, i + 3) === 0) return false
  i += 4
  while (i < end && bytes[i] === SPACE) i++
  return i < end
}

/**
 * @returns the request's opening quote in a line without a time in its place, or -1 in a line without quotes: of the
 * quoted fields the first that a status follows, since others may stand before the request; else the first quote.
 */
function quoteBeforeStatus(bytes: Uint8Array, start: number, end: number): number {
  let first = -1
  // Not by indexOf, which would look through all the lines that follow in a chunk without quotes, for each of them.
  for (let i = start; i < end; i++) {
    if (bytes[i] !== QUOTE) continue
    if (first < 0) first = i
    const close = isFieldStart(bytes, i, start) ? quotedFieldClose(bytes, i, end) : -1
    if (close < 0) continue
    if (statusFollows(bytes, close + 1, end)) return i
    i = close
  }
  return first
}

/** Where the request stands in a line. */
export interface RequestPlace {
  /** The `[` of the time before it; -1 where none is in its place. */
  bracket: number
  /** The request's opening quote, or -1. */
  open: number
  /** Its closing quote, or -1. */
  close: number
}

/**
 * Finds the request: the quoted field after the time. Where more than one could be it, as after a visitor's name that is
 * written like a time, it is the first that a status follows; where none is, the first.
 */
export function findRequest(bytes: Uint8Array, start: number, end: number, into: RequestPlace): void {
  const first = timeBracket(bytes, start, end)
  into.bracket = first
  into.open = first >= 0 ? bytes.indexOf(QUOTE, first + 1) : quoteBeforeStatus(bytes, start, end)
  into.close = into.open >= 0 ? closingQuote(bytes, into.open + 1, end) : -1
  if (first < 0 || into.close < 0 || statusFollows(bytes, into.close + 1, end)) return
  let close = into.close
  while (close >= 0) {
    const bracket = timeBracket(bytes, close + 1, end)
    if (bracket < 0) return
    const open = bytes.indexOf(QUOTE, bracket + 1)
    close = closingQuote(bytes, open + 1, end)
    if (close < 0 || !statusFollows(bytes, close + 1, end)) continue
    into.bracket = bracket
    into.open = open
    into.close = close
    return
  }
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
  const { request } = into
  findRequest(bytes, start, end, request)
  if (request.close < 0) return

  let fields = 0
  let lastStart = 0
  let lastEnd = 0
  let i = request.close + 1
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
  into.kind =
    request.bracket >= 0 && readLogTime(bytes, request.bracket, end, into.time) ? 'line' : 'bad-time'
}
