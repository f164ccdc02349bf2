import { newScannedLine, scanLine } from '../line/scan-line.ts'
import type { SegmentLines } from './lines.ts'
import { VarintReader, VarintWriter } from './varint.ts'

/**
 * What a histogram asks of a segment, without its lines: how many of each status class there are in each minute.
 *
 * As bytes: a minute that has lines, varint of minutes since the one before (the first: since 1970), then six varints, lines
 * without a readable status and lines of 1xx to 5xx.
 */

export const STATUS_CLASSES = 6
const MICROS_PER_MINUTE = 60_000_000

export interface SummaryMinute {
  /** Epoch seconds of the minute's start. */
  readonly second: number
  /** At index 0 lines without a readable status, at n those of the class nxx. */
  readonly byClass: readonly number[]
}

/** Minutes that have lines, ascending. */
export type SegmentSummary = readonly SummaryMinute[]

export function summarise(lines: SegmentLines): SegmentSummary {
  const { count, micros } = lines
  const minutes: { second: number; byClass: number[] }[] = []
  const classAt = statusClassOf(lines)
  let current = -1
  for (let place = 0; place < count; place++) {
    const minute = Math.floor((micros[place] ?? 0) / MICROS_PER_MINUTE)
    if (minute !== current)
      minutes.push({ second: minute * 60, byClass: new Array<number>(STATUS_CLASSES).fill(0) })
    current = minute
    const byClass = minutes.at(-1)?.byClass
    const statusClass = classAt(place)
    if (byClass) byClass[statusClass] = (byClass[statusClass] ?? 0) + 1
  }
  return minutes
}

/** @returns what gives the status class of the line at a place: 1 to 5, or 0 where none is readable. */
export function statusClassOf({ text, starts, classes }: SegmentLines): (place: number) => number {
  if (classes) return (place) => classes[place] ?? 0
  const scanned = newScannedLine()
  return (place) => {
    scanLine(text, starts[place] ?? 0, (starts[place + 1] ?? 1) - 1, scanned)
    return scanned.statusClass
  }
}

export function writeSummary(summary: SegmentSummary): Buffer {
  const writer = new VarintWriter()
  let before = 0
  for (const { second, byClass } of summary) {
    const minute = second / 60
    writer.number(minute - before)
    before = minute
    for (let i = 0; i < STATUS_CLASSES; i++) writer.number(byClass[i] ?? 0)
  }
  return writer.bytes()
}

/** @throws RangeError for bytes that {@link writeSummary} did not write. */
export function readSummary(bytes: Buffer): SegmentSummary {
  const reader = new VarintReader(bytes)
  const minutes: SummaryMinute[] = []
  let minute = 0
  while (!reader.isAtEnd) {
    minute += reader.number()
    minutes.push({
      second: minute * 60,
      byClass: Array.from({ length: STATUS_CLASSES }, () => reader.number()),
    })
  }
  return minutes
}
