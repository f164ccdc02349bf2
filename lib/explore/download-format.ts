import { PortalError } from '../errors.ts'
import type { Stretch } from '../store/stretch.ts'
import type { LineReading, SourcedLine } from './download-cells.ts'
import { CSV_HEADER, csvRows } from './download-csv.ts'
import { ndjsonLines } from './download-ndjson.ts'

/** The forms in which a window can be downloaded. */

interface Encoding {
  readonly contentType: string
  /** What stands before the first line. */
  readonly header: Buffer
  /**
   * How many lines are read and encoded in one go. Between two of them the process does what else there is to do; fewer
   * where a line leaves more garbage behind, or the collector comes round while its lines are still in use.
   */
  readonly linesAtOnce: number
  /** @returns a function from lines to their text; it may keep something between calls, so it is one download's own. */
  readonly encoder: (reading: LineReading) => (lines: Stretch) => Buffer
}

function perLine(
  encoder: (reading: LineReading) => (lines: Iterable<SourcedLine>) => Buffer,
): Encoding['encoder'] {
  return (reading) => {
    const encode = encoder(reading)
    return (stretch) => encode(stretch.lines())
  }
}

const ENCODINGS = {
  log: {
    contentType: 'text/plain; charset=utf-8',
    header: Buffer.alloc(0),
    linesAtOnce: 1000,
    encoder: () => (lines) => lines.text(),
  },
  csv: {
    contentType: 'text/csv; charset=utf-8; header=present',
    header: CSV_HEADER,
    linesAtOnce: 250,
    encoder: perLine(csvRows),
  },
  ndjson: {
    contentType: 'application/x-ndjson; charset=utf-8',
    header: Buffer.alloc(0),
    linesAtOnce: 250,
    encoder: perLine(ndjsonLines),
  },
} as const satisfies Record<string, Encoding>

export interface DownloadFormat {
  readonly name: keyof typeof ENCODINGS
  /** Whether the file is a gzip file; not a matter of how it is sent. */
  readonly gzip: boolean
}

const isName = (name: string): name is DownloadFormat['name'] => Object.hasOwn(ENCODINGS, name)

/**
 * @param format defaults to `log`
 * @throws PortalError `bad_parameter`, its detail naming the parameter and what it takes.
 */
export function parseDownloadFormat(format = 'log', gzip: string | undefined): DownloadFormat {
  if (!isName(format))
    throw new PortalError('bad_parameter', {
      detail: `format: takes one of ${Object.keys(ENCODINGS).join(', ')}.`,
      parameters: ['format'],
    })
  if (gzip !== undefined && gzip !== '1')
    throw new PortalError('bad_parameter', {
      detail: 'gzip: takes 1, or is left out.',
      parameters: ['gzip'],
    })
  return { name: format, gzip: gzip === '1' }
}

export const encodingOf = ({ name }: DownloadFormat): Encoding => ENCODINGS[name]

/** A gzip file is one by its type, and nothing may unpack it on the way. */
export function contentType(format: DownloadFormat): string {
  return format.gzip ? 'application/gzip' : encodingOf(format).contentType
}

/** @returns without a leading point. */
export function fileExtension({ name, gzip }: DownloadFormat): string {
  return gzip ? `${name}.gz` : name
}
