import { isUtf8 } from 'node:buffer'
import { type LineReading, lineCells } from './download-cells.ts'
import { lineTimes } from './download-time.ts'

/**
 * @returns a function from members (see `lib/line/member.ts`) to one JSON object a line. Bytes that are not UTF-8 become
 * U+FFFD; a line that has some is there a second time, exactly, as `line_base64`.
 */
export function ndjsonLines({ zone, clientFields }: LineReading): (members: readonly Buffer[]) => Buffer {
  const options = { timeOf: lineTimes(zone), clientFields, decode: (bytes: Buffer) => bytes.toString('utf8') }
  return (members) => {
    let text = ''
    for (const member of members) {
      const { cells, line } = lineCells(member, options)
      const exact = isUtf8(line) ? cells : { ...cells, line_base64: line.toString('base64') }
      text += `${JSON.stringify(exact)}\n`
    }
    return Buffer.from(text)
  }
}
