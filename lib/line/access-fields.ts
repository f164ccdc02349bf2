import { closingQuote, fieldEnd, timeBracket } from './scan-line.ts'

/**
 * What a page shows of a line, in columns. Each field is taken where it can be read and left out where it cannot: a line
 * with fewer fields than common format is shown all the same. Text is decoded as UTF-8 for display only; the bytes stay.
 */
export interface AccessFields {
  /** The visitor's address, the first field. */
  readonly address: string
  readonly method: string
  readonly path: string
  readonly status: string
  /** Size of the answer as logged: digits, or '-' . */
  readonly bytes: string
}

const SPACE = 0x20
const QUOTE = 0x22
const METHOD = /^[A-Z][A-Z_-]{0,19}$/

/** @returns the fields of a line of `clf` or `combined`; missing ones are ''. */
export function accessFields(line: Buffer): AccessFields {
  const end = line.length
  const firstSpace = line.indexOf(SPACE)
  const address = firstSpace > 0 ? line.toString('utf8', 0, firstSpace) : ''
  const bracket = timeBracket(line, 0, end)
  const quote = bracket < 0 ? line.indexOf(QUOTE) : line.indexOf(QUOTE, bracket)
  const close = quote < 0 ? -1 : closingQuote(line, quote + 1, end)
  if (close < 0) return { address, method: '', path: '', status: '', bytes: '' }

  const request = line.toString('utf8', quote + 1, close)
  const [first = '', ...rest] = request.split(' ')
  const isRequest = METHOD.test(first) && rest.length > 0
  const last = rest.at(-1) ?? ''
  const path = isRequest
    ? (last.startsWith('HTTP/') && rest.length > 1 ? rest.slice(0, -1) : rest).join(' ')
    : request

  const statusStart = close + 2
  const statusEnd = fieldEnd(line, statusStart, end)
  const status = line.toString('latin1', statusStart, statusEnd)
  const bytesEnd = statusEnd < end ? fieldEnd(line, statusEnd + 1, end) : statusEnd
  const bytes = line.toString('latin1', Math.min(statusEnd + 1, bytesEnd), bytesEnd)
  return {
    address,
    method: isRequest ? first : '',
    path,
    status: /^[1-5][0-9][0-9]$/.test(status) ? status : '',
    bytes: /^([0-9]+|-)$/.test(bytes) ? bytes : '',
  }
}
