import { stringify } from 'csv-stringify/sync'

import { COLUMNS, type LineReading, lineCells, type SourcedLine } from './download-cells.ts'
import { lineTimes } from './download-time.ts'

/**
 * Lines as CSV (RFC 4180), in their own bytes: text is worked on as latin1, a character a byte, so that what is not
 * UTF-8 comes out as it went in.
 *
 * A spreadsheet runs a cell that begins like a formula (OWASP, "CSV Injection"), and what is in a line a visitor wrote:
 * such cells get a `'` in front. Beyond OWASP's list, spreadsheets skip blanks and control characters before the first
 * character, and take the full-width forms of `= + - @` for them.
 */

const CONTROLS_AND_BLANKS =
  '[\\x00-\\x20\\x7f-\\xa0]|\\xc2[\\x80-\\xa0\\xad]|\\xe1\\x9a\\x80|\\xe2\\x80[\\x80-\\x8f\\xa8-\\xaf]|\\xe2\\x81[\\x9f-\\xaf]|\\xe3\\x80\\x80|\\xef\\xbb\\xbf'
const FORMULA_SIGN =
  '[=+\\-@]|\\xef\\xbc[\\x9d\\x8b\\x8d\\xa0]|\\xef\\xb9[\\xa2\\xa3\\xa6\\xab]|\\xe2\\x88\\x92'
/** In bytes as latin1: a TAB, CR or NUL in front, whatever follows, or a formula's sign after what is skipped. */
const RUNS = new RegExp(`^(?:[\\t\\r\\0]|(?:${CONTROLS_AND_BLANKS})*(?:${FORMULA_SIGN}))`)
/** Quoted besides what RFC 4180 demands: what spreadsheets may take for separators as well, and NUL. */
const QUOTED = [';', '\t', '\0']

const OPTIONS = {
  record_delimiter: '\r\n',
  // Naming the delimiter above would otherwise leave a lone CR unquoted.
  quote_record_delimiter: true,
  quoted_match: QUOTED,
  cast: { string: inert },
}

function inert(cell: string): string {
  return RUNS.test(cell) ? `'${cell}` : cell
}

export const CSV_HEADER = Buffer.from(`${COLUMNS.join(',')}\r\n`)

/** @returns a function from lines to their rows, without the header. */
export function csvRows({ zone, clientFields }: LineReading): (lines: Iterable<SourcedLine>) => Buffer {
  const options = {
    timeOf: lineTimes(zone),
    clientFields,
    decode: (bytes: Buffer) => bytes.toString('latin1'),
  }
  return (lines) => {
    const rows = Array.from(lines, (line) => Object.values(lineCells(line, options)))
    return Buffer.from(stringify(rows, OPTIONS), 'latin1')
  }
}
