import { rowFields } from '../line/access-fields.ts'
import type { StoredLine } from '../store/reading.ts'
import { escapeHtml, visibleBytes } from './visible-html.ts'

/**
 * The rows of the table of lines, as one string of HTML. A component a row costs five times the time and the bytes
 * (measured: 42 ms against 9 for 500 rows), since everything would go out twice more as flight data.
 */

/** A longer line is cut on the page, which says so; the download has it whole. */
const SHOWN_BYTES = 4096
/** Lines on each side that a row's link leads to. */
const CONTEXT_LINES = 50
/** The row that a link to one line leads to. */
export const TARGET_ID = 'line'

const size = new Intl.NumberFormat('en-US')

export interface RowsOptions {
  /** IANA name of the zone of the times shown. */
  readonly zone: string
  /** Whether the day stands beside the time of day. */
  readonly withDate: boolean
  /** What the addresses of all lines of the page begin with, parameters and all: `?from=…&to=…`. */
  readonly base: string
  /** By place: what names the line in an address. */
  readonly cursors: readonly string[]
  /** Lines on each side that a link to a line alone shows as well, as on the page itself; null for none. */
  readonly context: number | null
  /** The place of the one line that the page is about. */
  readonly target: number | null
  /** By source: which of a line's leading fields is the visitor's address, where it is not the first. */
  readonly clientFields: ReadonlyMap<string, number>
}

export const LINE_COLUMNS = ['Time', 'Server', 'Address', 'Method', 'Status', 'Bytes', 'Line'] as const

/** @returns `<tr>` after `<tr>`, in the order given; the columns are those of `LINE_COLUMNS`. */
export function lineRows(lines: readonly StoredLine[], options: RowsOptions): string {
  const page: RowParts = {
    ...options,
    time: timeCells(options),
    to: `<a href="${escapeHtml(options.base)}&amp;at=`,
    alone: `${options.context === null ? '' : `&amp;context=${options.context}`}#${TARGET_ID}">`,
  }
  // Joined and not added up: what is added up stays a chain of pieces, and to write it out took a third of the whole.
  return lines.map((line, place) => row(line, place, page)).join('')
}

/** What all rows of a page have in common, made once: to escape two addresses a row took as long as all the rest. */
interface RowParts extends RowsOptions {
  readonly time: (micros: number) => string
  /** A link's beginning up to where the line is named. */
  readonly to: string
  /** What of the link to a line alone follows its name. */
  readonly alone: string
}

const AROUND = `&amp;context=${CONTEXT_LINES}#${TARGET_ID}" class="around">${CONTEXT_LINES} lines around this</a>`
const COPY = '<button type="button" class="copy">Copy</button></details></td></tr>'
const COPY_PART = '<button type="button" class="copy">Copy this part</button></details></td></tr>'

function row({ line, source, micros }: StoredLine, place: number, page: RowParts): string {
  const { address, method, path, status, bytes } = rowFields(line, page.clientFields.get(source))
  const part = shown(line)
  const hidden = line.length - part.length
  const isTarget = place === page.target
  const link = page.to + escapeHtml(page.cursors[place] ?? '')
  return [
    beginning(status, isTarget),
    '<td class="t">',
    link,
    page.alone,
    page.time(micros),
    '</a></td><td class="h">',
    escapeHtml(source),
    '</td><td class="a">',
    visibleBytes(address.subarray(0, 64)),
    '</td><td class="m">',
    escapeHtml(method),
    '</td><td class="c">',
    status,
    '</td><td class="b">',
    sizeText(bytes),
    isTarget ? '</td><td class="p"><details open><summary>' : '</td><td class="p"><details><summary>',
    visibleBytes(shown(path.length > 0 ? path : line)),
    '</summary><code>',
    visibleBytes(part),
    '</code>',
    hidden > 0 ? `<em>and ${size.format(hidden)} bytes more, whole in the download</em>` : '',
    link,
    AROUND,
    hidden > 0 ? COPY_PART : COPY,
  ].join('')
}

function beginning(status: string, isTarget: boolean): string {
  if (!isTarget) return status ? `<tr class="s${status[0]}">` : '<tr>'
  return `<tr class="${status ? `s${status[0]} ` : ''}target" id="${TARGET_ID}" aria-current="true">`
}

let lastFormat: {
  readonly zone: string
  readonly withDate: boolean
  readonly time: Intl.DateTimeFormat
} | null = null

/** The one used last is kept: to make one takes as long as to write fifty times with it, and most people keep to a zone. */
function timeFormat({ zone, withDate }: RowsOptions): Intl.DateTimeFormat {
  if (lastFormat?.zone === zone && lastFormat.withDate === withDate) return lastFormat.time
  const time = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    hourCycle: 'h23',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    ...(withDate ? { day: 'numeric', month: 'short', year: 'numeric' } : {}),
  })
  lastFormat = { zone, withDate, time }
  return time
}

/** @returns what makes `<time>` of microseconds since the epoch; lines that follow each other are often of one second. */
function timeCells(options: RowsOptions): (micros: number) => string {
  const time = timeFormat(options)
  let lastMs = Number.NaN
  let last = ''
  return (micros) => {
    const ms = Math.floor(micros / 1000)
    if (ms !== lastMs) {
      const date = new Date(ms)
      last = `<time datetime="${date.toISOString()}">${escapeHtml(time.format(date))}</time>`
      lastMs = ms
    }
    return last
  }
}

/** @returns digits in groups of three; what is no number as it stands. */
function sizeText(bytes: string): string {
  if (!/^[0-9]+$/.test(bytes)) return bytes
  return size.format(BigInt(bytes))
}

/** @returns the first bytes, not ending within a character. */
function shown(bytes: Buffer): Buffer {
  if (bytes.length <= SHOWN_BYTES) return bytes
  let end = SHOWN_BYTES
  while (end > SHOWN_BYTES - 3 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--
  return bytes.subarray(0, end)
}
