import { looksLikeLogTime } from './log-time.ts'
import { closingQuote, fieldEnd, findRequest, quotedFieldClose, type RequestPlace } from './scan-line.ts'

/**
 * What a page shows of a line, in columns. Each field is taken where it can be read and left out where it cannot: a line
 * with fewer fields than common format is shown all the same. Fields are views of the line's own bytes.
 */
export interface AccessFields {
  /** The visitor's address as logged; a name where the server looks names up. */
  readonly address: Buffer
  readonly method: string
  /** The request's target; the whole request where it has no method. */
  readonly path: Buffer
  /** Three digits, or ''. */
  readonly status: string
  /** Size of the answer as logged: digits or '-', or ''. */
  readonly bytes: string
  /** What stands between the quotes, with the server's backslashes: the first quoted field after the status. */
  readonly referrer: Buffer
  /** The same: the second quoted field after the status. */
  readonly agent: Buffer
}

/** What stands in the columns of a row. */
export type RowFields = Omit<AccessFields, 'referrer' | 'agent'>

const SPACE = 0x20
const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const METHOD = /^[A-Z][A-Z_-]{0,19}$/
const STATUS = /^[1-5][0-9][0-9]$/
const SIZE = /^([0-9]{1,20}|-)$/
/** `name:port`, which no IPv6 address is, and `[IPv6]:port`, masked or not. */
const VIRTUAL_HOST = /^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.x]+\]):[0-9]{1,5}$/
const NOTHING = Buffer.alloc(0)

/**
 * @param clientField which of the fields before the time is the visitor's address, from 1; where a line has no such field
 * its address is empty. Without it, it is decided line by line: the first, or the second after a virtual host.
 * @returns the fields of a line of `clf`, `combined` or `vhost`; missing ones are empty.
 */
export function accessFields(line: Buffer, clientField?: number): AccessFields {
  const { row, answerAt } = readRow(line, clientField)
  const [referrer = NOTHING, agent = NOTHING] = quotedFields(line, answerAt)
  return { ...row, referrer, agent }
}

/** The same without the two fields that take as long to find as all others. */
export const rowFields = (line: Buffer, clientField?: number): RowFields => readRow(line, clientField).row

/** @returns also where the status is to be looked for */
function readRow(line: Buffer, clientField: number | undefined): { row: RowFields; answerAt: number } {
  const request: RequestPlace = { bracket: -1, open: -1, close: -1 }
  findRequest(line, 0, line.length, request)
  const { bracket, open, close } = request
  // In a line without time and request the last word is whatever it broke off in.
  const end = bracket >= 0 ? bracket : open >= 0 ? open : line.lastIndexOf(SPACE)
  const address = clientField === undefined ? likelyAddress(line, end) : leadingField(line, end, clientField)
  const { method, path } =
    close < 0 ? { method: '', path: NOTHING } : requestFields(line.subarray(open + 1, close))
  const answerAt = close < 0 ? line.length : close + 1
  const { status, bytes } = statusAndSize(line, answerAt)
  return { row: { address: firstOfList(address), method, path, status, bytes }, answerAt }
}

/** Apache's `%v:%p` first is followed by the visitor; a visitor's own `address:port` by the `-` of `ident`. */
function likelyAddress(line: Buffer, end: number): Buffer {
  const first = leadingField(line, end, 1)
  if (!first.includes(COLON) || !VIRTUAL_HOST.test(first.toString('latin1'))) return first
  const second = leadingField(line, end, 2)
  return second.length === 0 || second.toString('latin1') === '-' ? first : second
}

/**
 * @returns the `number`th of the space-separated, quote-aware fields of `line[0, end)`, without its quotes; empty where
 * there are fewer, or a time comes first.
 */
function leadingField(line: Buffer, end: number, number: number): Buffer {
  let at = 0
  for (let count = 1; ; count++) {
    while (at < end && line[at] === SPACE) at++
    if (at >= end || looksLikeLogTime(line, at, line.length)) return NOTHING
    const close = line[at] === QUOTE ? quotedFieldClose(line, at, end) : -1
    const blank = line.indexOf(SPACE, Math.max(at, close))
    const fieldStop = blank < 0 ? end : Math.min(blank, end)
    if (count === number) return close < 0 ? line.subarray(at, fieldStop) : line.subarray(at + 1, close)
    at = fieldStop
  }
}

/** X-Forwarded-For may name the proxies after the visitor: `203.0.113.7, 10.0.0.1`. */
function firstOfList(field: Buffer): Buffer {
  let start = 0
  while (field[start] === COMMA || field[start] === SPACE) start++
  const comma = field.indexOf(COMMA, start)
  let end = comma < 0 ? field.length : comma
  while (end > start && field[end - 1] === SPACE) end--
  return field.subarray(start, end)
}

/** `GET /path?query HTTP/1.1`, of which the protocol may be missing and the target may hold blanks. */
function requestFields(request: Buffer): { method: string; path: Buffer } {
  const space = request.indexOf(SPACE)
  const method = request.toString('latin1', 0, Math.max(0, space))
  if (!METHOD.test(method)) return { method: '', path: request }
  const last = request.lastIndexOf(SPACE)
  const hasProtocol = last > space && request.toString('latin1', last + 1, last + 6) === 'HTTP/'
  return { method, path: request.subarray(space + 1, hasProtocol ? last : request.length) }
}

/** `200 2326 "referrer" "agent"`, from the byte after the request on. */
function statusAndSize(line: Buffer, from: number): Pick<AccessFields, 'status' | 'bytes'> {
  const statusAt = wordStart(line, from)
  const statusEnd = fieldEnd(line, statusAt, line.length)
  const bytesAt = wordStart(line, statusEnd)
  const status = line.toString('latin1', statusAt, statusEnd)
  const bytes = line.toString('latin1', bytesAt, fieldEnd(line, bytesAt, line.length))
  return { status: STATUS.test(status) ? status : '', bytes: SIZE.test(bytes) ? bytes : '' }
}

/** The first two quoted fields after the status. */
function quotedFields(line: Buffer, from: number): Buffer[] {
  const end = line.length
  const quoted: Buffer[] = []
  let at = wordStart(line, from)
  for (let count = 0; at < end && quoted.length < 2; count++) {
    const close = count > 0 && line[at] === QUOTE ? closingQuote(line, at + 1, end) : -1
    if (close >= 0) quoted.push(line.subarray(at + 1, close))
    at = wordStart(line, fieldEnd(line, at, end))
  }
  return quoted
}

function wordStart(line: Buffer, from: number): number {
  let at = from
  while (at < line.length && line[at] === SPACE) at++
  return at
}
