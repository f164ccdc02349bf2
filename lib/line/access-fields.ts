import { closingQuote, fieldEnd, timeBracket } from './scan-line.ts'

/**
 * What a page shows of a line, in columns. Each field is taken where it can be read and left out where it cannot: a line
 * with fewer fields than common format is shown all the same. Fields are views of the line's own bytes.
 */
export interface AccessFields {
  /** The visitor's address, the first field. */
  readonly address: Buffer
  readonly method: string
  /** The request's target; the whole request where it has no method. */
  readonly path: Buffer
  /** Three digits, or ''. */
  readonly status: string
  /** Size of the answer as logged: digits or '-', or ''. */
  readonly bytes: string
  /** What stands between the quotes of the first quoted field after the status; its own bytes, backslashes included. */
  readonly referrer: Buffer
  /** The same of the second. */
  readonly agent: Buffer
}

const SPACE = 0x20
const QUOTE = 0x22
const METHOD = /^[A-Z][A-Z_-]{0,19}$/
const STATUS = /^[1-5][0-9][0-9]$/
const SIZE = /^([0-9]{1,20}|-)$/

/** @returns the fields of a line of `clf` or `combined`; missing ones are empty. */
export function accessFields(line: Buffer): AccessFields {
  const end = line.length
  const address = line.subarray(0, Math.max(0, line.indexOf(SPACE)))
  const bracket = timeBracket(line, 0, end)
  const quote = line.indexOf(QUOTE, Math.max(0, bracket))
  const close = quote < 0 ? -1 : closingQuote(line, quote + 1, end)
  const none = line.subarray(0, 0)
  if (close < 0)
    return { address, method: '', path: none, status: '', bytes: '', referrer: none, agent: none }

  const statusEnd = fieldEnd(line, close + 2, end)
  const status = line.toString('latin1', close + 2, statusEnd)
  const sizeEnd = statusEnd < end ? fieldEnd(line, statusEnd + 1, end) : end
  const bytes = line.toString('latin1', Math.min(statusEnd + 1, end), sizeEnd)
  return {
    address,
    ...requestFields(line.subarray(quote + 1, close)),
    status: STATUS.test(status) ? status : '',
    bytes: SIZE.test(bytes) ? bytes : '',
    ...quotedFields(line, statusEnd),
  }
}

function quotedFields(line: Buffer, from: number): { referrer: Buffer; agent: Buffer } {
  const quoted: Buffer[] = []
  let at = from
  while (at < line.length && quoted.length < 2) {
    const end = fieldEnd(line, at + 1, line.length)
    const close = line[at + 1] === QUOTE ? closingQuote(line, at + 2, line.length) : -1
    if (close >= 0) quoted.push(line.subarray(at + 2, close))
    at = end
  }
  const none = line.subarray(0, 0)
  return { referrer: quoted[0] ?? none, agent: quoted[1] ?? none }
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
