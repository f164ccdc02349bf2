import { isUtf8 } from 'node:buffer'

import { type LineReading, lineCells, type SourcedLine } from './download-cells.ts'
import { lineTimes } from './download-time.ts'

/**
 * @returns a function from lines to one JSON object each. Bytes that are not UTF-8 become
 * U+FFFD; a line that has some is there a second time, exactly, as `line_base64`.
 */
export function ndjsonLines({ zone, clientFields }: LineReading): (lines: Iterable<SourcedLine>) => Buffer {
  const options = { timeOf: lineTimes(zone), clientFields, decode: (bytes: Buffer) => bytes.toString('utf8') }
  return (lines) => {
    let text = ''
    for (const sourced of lines) {
      const cells = lineCells(sourced, options)
      const { line } = sourced
      const exact = isUtf8(line) ? cells : { ...cells, line_base64: line.toString('base64') }
      text += `${JSON.stringify(exact)}\n`
    }
    return Buffer.from(text)
  }
}
