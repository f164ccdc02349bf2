import { firstAtOrAfter, type SegmentLines } from '../segment/lines.ts'
import { STATUS_CLASSES, statusClassOf } from '../segment/summary.ts'
import { utcDay } from './keys.ts'
import { microsOfSecond, secondOfMicros } from './score.ts'

/** What new lines add to the counters of their collection: the numbers that `append.lua` counts by itself. */

export interface DayCounters {
  /** UTC day, `YYYYMMDD`. */
  readonly day: string
  readonly firstSecond: number
  readonly lastSecond: number
  readonly lines: number
  /** `hits`, `s:<status class>`, `h:<source>` -> lines. */
  readonly fields: ReadonlyMap<string, number>
}

export interface LineCounters {
  /** Ascending. */
  readonly days: readonly DayCounters[]
  /** Source ('' for none) -> its highest second. */
  readonly highestOf: ReadonlyMap<string, number>
}

const SECONDS_PER_DAY = 86_400

export function countLines(lines: SegmentLines): LineCounters {
  const { count, micros, tags, tagOf } = lines
  const days: DayCounters[] = []
  const highestByTag = new Float64Array(tags.length).fill(-1)
  const classAt = statusClassOf(lines)
  for (let next = 0; next < count; ) {
    const firstSecond = secondOfMicros(micros[next] ?? 0)
    const day = Math.floor(firstSecond / SECONDS_PER_DAY)
    const end = firstAtOrAfter(micros, microsOfSecond((day + 1) * SECONDS_PER_DAY), next)
    const [byTag, byClass] = [new Uint32Array(tags.length), new Uint32Array(STATUS_CLASSES)]
    const first = next
    for (; next < end; next++) {
      const tag = tagOf[next] ?? 0
      byTag[tag] = (byTag[tag] ?? 0) + 1
      highestByTag[tag] = micros[next] ?? 0
      const statusClass = classAt(next)
      byClass[statusClass] = (byClass[statusClass] ?? 0) + 1
    }
    const fields = fieldsOf({ count: end - first, byTag, byClass, tags })
    const lastSecond = secondOfMicros(micros[end - 1] ?? 0)
    days.push({ day: utcDay(firstSecond), firstSecond, lastSecond, lines: end - first, fields })
  }
  const highestOf = new Map<string, number>()
  for (const [place, moment] of highestByTag.entries()) {
    const source = sourceOfTag(tags[place] ?? '')
    if (moment >= 0) highestOf.set(source, Math.max(secondOfMicros(moment), highestOf.get(source) ?? -1))
  }
  return { days, highestOf }
}

function fieldsOf(counted: {
  count: number
  byTag: Uint32Array
  byClass: Uint32Array
  tags: readonly string[]
}): Map<string, number> {
  const { count, byTag, byClass, tags } = counted
  const fields = new Map([['hits', count]])
  const add = (field: string, number: number) => {
    if (number > 0) fields.set(field, (fields.get(field) ?? 0) + number)
  }
  for (const [place, number] of byTag.entries()) add(`h:${sourceOfTag(tags[place] ?? '')}`, number)
  for (const [statusClass, number] of byClass.entries()) add(`s:${statusClass}`, number)
  return fields
}

/** @returns the source that a tag (see `member.ts`) names, '' for none. */
function sourceOfTag(tag: string): string {
  const hash = tag.indexOf('#')
  return tag.slice(1, hash < 0 ? undefined : hash)
}
