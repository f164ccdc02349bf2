import { accessFields } from '../line/access-fields.ts'
import type { DecodedMember } from '../line/member.ts'

/** The columns of a download that has columns: CSV's header and NDJSON's keys. */
export const COLUMNS = [
  'time',
  'source',
  'address',
  'place',
  'method',
  'path',
  'status',
  'bytes',
  'referrer',
  'agent',
  'line',
] as const

export type Cells = Record<(typeof COLUMNS)[number], string>

/** What a web server logs for "there is none". */
const NOTHING_LOGGED = '-'

/** What reading a line's fields takes, beside the line. */
export interface LineReading {
  /** IANA name of the zone that times are written in. */
  readonly zone: string
  /** By source: which of a line's leading fields is the visitor's address, where it is not the first. */
  readonly clientFields: ReadonlyMap<string, number>
}

/** A line and whose log it is from. */
export type SourcedLine = Pick<DecodedMember, 'line' | 'source'>

export interface CellOptions {
  /** From a line to its time, see `lineTimes`. */
  readonly timeOf: (line: Buffer) => string
  readonly clientFields: LineReading['clientFields']
  /** From a field's bytes to text. */
  readonly decode: (bytes: Buffer) => string
}

/**
 * @returns a line's cells by their names. A field that cannot be read is empty, and one that
 * was logged as `-` too. `place` is empty while nothing knows places.
 */
export function lineCells(
  { line, source }: SourcedLine,
  { timeOf, clientFields, decode }: CellOptions,
): Cells {
  const fields = accessFields(line, clientFields.get(source))
  const text = (bytes: Buffer) => orEmpty(decode(bytes))
  return {
    time: timeOf(line),
    source,
    address: text(fields.address),
    place: '',
    method: fields.method,
    path: text(fields.path),
    status: fields.status,
    bytes: orEmpty(fields.bytes),
    referrer: text(fields.referrer),
    agent: text(fields.agent),
    line: decode(line),
  }
}

function orEmpty(text: string): string {
  return text === NOTHING_LOGGED ? '' : text
}
