import { newScannedLine, scanLine } from '../line/scan-line.ts'
import type { SegmentLines } from '../segment/lines.ts'
import { utcDay } from './keys.ts'
import { secondOfMicros } from './score.ts'

/** What new lines add to the counters of their collection: the numbers that `append.lua` counts by itself. */

export interface DayCounters {
  /** UTC day, `YYYYMMDD`. */
  readonly day: string
  firstSecond: number
  lastSecond: number
  lines: number
  /** `hits`, `s:<status class>`, `h:<source>` -> lines. */
  readonly fields: Map<string, number>
}

export interface LineCounters {
  /** Ascending. */
  readonly days: readonly DayCounters[]
  /** Source ('' for none) -> its highest second. */
  readonly highestOf: ReadonlyMap<string, number>
}

const SECONDS_PER_DAY = 86_400

/** @param places of the lines to count, ascending */
export function countLines(lines: SegmentLines, places: readonly number[]): LineCounters {
  const { micros, text, starts, tags, tagOf } = lines
  const sources = tags.map(sourceOfTag)
  const days: DayCounters[] = []
  const highestOf = new Map<string, number>()
  const scanned = newScannedLine()
  let dayNumber = Number.NaN
  let day: DayCounters | undefined
  for (const place of places) {
    const second = secondOfMicros(micros[place] ?? 0)
    if (day === undefined || Math.floor(second / SECONDS_PER_DAY) !== dayNumber) {
      dayNumber = Math.floor(second / SECONDS_PER_DAY)
      day = { day: utcDay(second), firstSecond: second, lastSecond: second, lines: 0, fields: new Map() }
      days.push(day)
    }
    scanLine(text, starts[place] ?? 0, (starts[place + 1] ?? 1) - 1, scanned)
    const source = sources[tagOf[place] ?? 0] ?? ''
    day.lines++
    day.lastSecond = second
    for (const field of ['hits', `h:${source}`, `s:${scanned.statusClass}`])
      day.fields.set(field, (day.fields.get(field) ?? 0) + 1)
    highestOf.set(source, second)
  }
  return { days, highestOf }
}

/** @returns the source that a tag (see `member.ts`) names, '' for none. */
function sourceOfTag(tag: string): string {
  const hash = tag.indexOf('#')
  return tag.slice(1, hash < 0 ? undefined : hash)
}
