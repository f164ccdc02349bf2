import { firstAtOrAfter, memberAt, type SegmentLines } from '../segment/lines.ts'
import { microsOfSecond, secondOfMicros } from './score.ts'

/**
 * The pure part of merging: lines into segments, all in (score, member) order.
 *
 * A line whose identity (whole second, member) a segment holds already is a duplicate, whatever its microseconds; the
 * segment's line stands. The others go where their score belongs: into the segment whose range holds it, else between two
 * segments. Only segments that get a line are written anew, each together with the lines right before and after it; so
 * one late line costs one segment. Lines are copied in stretches, as far as nothing interleaves.
 */

/** What a segment holds at most; only a run of one score, which is never divided, may be longer. */
export interface SegmentLimits {
  readonly lines: number
  /** Bytes of text, each line with its LF. */
  readonly textBytes: number
}

export interface Merged {
  /** Places of the segments that {@link written} stands for. */
  readonly replaced: readonly number[]
  /** The new segments, in order. */
  readonly written: readonly SegmentLines[]
  /** Places of lines that a segment holds already, ascending. */
  readonly duplicates: Uint32Array
  /** Places of the others. */
  readonly fresh: Uint32Array
}

/** Consecutive lines of one origin, from `start` to before `end`. */
export interface Stretch {
  readonly from: SegmentLines
  readonly start: number
  readonly end: number
}

/**
 * @param segments disjoint, in order; all that cover any second of the lines
 * @param lines in (score, member) order, no identity twice
 */
export function mergeSegments(
  segments: readonly SegmentLines[],
  lines: SegmentLines,
  limits: SegmentLimits,
): Merged {
  const places = placesUpTo(lines.count)
  // As mostly when old logs come in.
  if (segments.length === 0)
    return { replaced: [], written: cutLines(lines, limits), duplicates: new Uint32Array(0), fresh: places }
  const isDuplicate = findDuplicates(segments, lines)
  const fresh = places.filter((place) => isDuplicate[place] === 0)
  const runs = runsOf(segments, lines, fresh)
  return {
    replaced: runs.flatMap((run) => run.segments),
    written: runs.flatMap((run) => cutLines(joinStretches(stretchesOf(run, segments, lines)), limits)),
    duplicates: places.filter((place) => isDuplicate[place] === 1),
    fresh,
  }
}

/** @returns the places of so many lines. */
export function placesUpTo(count: number): Uint32Array {
  const places = new Uint32Array(count)
  for (let place = 0; place < count; place++) places[place] = place
  return places
}

/** @returns 1 for each line whose second and member stand in a segment. */
function findDuplicates(segments: readonly SegmentLines[], lines: SegmentLines): Uint8Array {
  const isDuplicate = new Uint8Array(lines.count)
  let nearest = 0
  for (let place = 0; place < lines.count; ) {
    const second = secondOfMicros(lines.micros[place] ?? 0)
    const end = firstAtOrAfter(lines.micros, microsOfSecond(second + 1), place)
    while (nearest < segments.length && lastMicros(segments[nearest]) < microsOfSecond(second)) nearest++
    const members = membersOfSecond(segments, nearest, second)
    if (members.size > 0)
      for (let at = place; at < end; at++)
        if (members.has(memberAt(lines, at).toString('latin1'))) isDuplicate[at] = 1
    place = end
  }
  return isDuplicate
}

/** @param nearest the first segment that does not end before that second; a second may go on in those behind it */
function membersOfSecond(segments: readonly SegmentLines[], nearest: number, second: number): Set<string> {
  const members = new Set<string>()
  for (let i = nearest; i < segments.length; i++) {
    const segment = segments[i]
    if (!segment || firstMicros(segment) >= microsOfSecond(second + 1)) break
    const from = firstAtOrAfter(segment.micros, microsOfSecond(second))
    const to = firstAtOrAfter(segment.micros, microsOfSecond(second + 1), from)
    for (let at = from; at < to; at++) members.add(memberAt(segment, at).toString('latin1'))
  }
  return members
}

/** Segments that get lines, and lines between segments, as far as they follow one another directly. */
interface Run {
  /** Places of the segments. */
  readonly segments: number[]
  /** Places of the lines. */
  readonly fresh: number[]
  /** Where the run ends: 2n + 1 within segment n, 2n before it. */
  slot: number
}

function runsOf(segments: readonly SegmentLines[], lines: SegmentLines, fresh: Uint32Array): Run[] {
  const runs: Run[] = []
  let run: Run | undefined
  let next = 0
  for (const place of fresh) {
    const micros = lines.micros[place] ?? 0
    while (next < segments.length && lastMicros(segments[next]) < micros) next++
    const isWithin = next < segments.length && firstMicros(segments[next]) <= micros
    const slot = isWithin ? 2 * next + 1 : 2 * next
    if (run === undefined || slot > run.slot + 1) {
      run = { segments: [], fresh: [], slot }
      runs.push(run)
    }
    if (isWithin && run.segments.at(-1) !== next) run.segments.push(next)
    run.fresh.push(place)
    run.slot = slot
  }
  return runs
}

/** @returns a run's lines in order. */
function stretchesOf(run: Run, segments: readonly SegmentLines[], lines: SegmentLines): Stretch[] {
  const stretches: Stretch[] = []
  let taken = 0
  const takeFresh = (isBefore: (place: number) => boolean) => {
    while (taken < run.fresh.length && isBefore(run.fresh[taken] ?? 0)) {
      const start = run.fresh[taken] ?? 0
      let end = start + 1
      taken++
      while (run.fresh[taken] === end && isBefore(end)) {
        end++
        taken++
      }
      stretches.push({ from: lines, start, end })
    }
  }
  for (const index of run.segments) {
    const segment = segments[index]
    if (!segment) continue
    let at = 0
    while (taken < run.fresh.length) {
      const insertAt = placeFor(segment, lines, run.fresh[taken] ?? 0, at)
      if (insertAt === segment.count) break
      if (insertAt > at) stretches.push({ from: segment, start: at, end: insertAt })
      at = insertAt
      takeFresh((place) => compareLines(lines, place, segment, at) < 0)
    }
    stretches.push({ from: segment, start: at, end: segment.count })
  }
  takeFresh(() => true)
  return stretches
}

/** @returns the first place of the segment, not before `from`, whose line comes after that one. */
function placeFor(segment: SegmentLines, lines: SegmentLines, place: number, from: number): number {
  let low = from
  let high = segment.count
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareLines(segment, middle, lines, place) < 0) low = middle + 1
    else high = middle
  }
  return low
}

/** By score, then by the member's bytes. */
export function compareLines(a: SegmentLines, placeA: number, b: SegmentLines, placeB: number): number {
  const difference = (a.micros[placeA] ?? 0) - (b.micros[placeB] ?? 0)
  return difference !== 0 ? difference : Buffer.compare(memberAt(a, placeA), memberAt(b, placeB))
}

/** @returns the stretches' lines, one behind the other. */
export function joinStretches(stretches: readonly Stretch[]): SegmentLines {
  let count = 0
  let textBytes = 0
  for (const { from, start, end } of stretches) {
    count += end - start
    textBytes += textBytesOf(from, start, end)
  }
  const micros = new Float64Array(count)
  const starts = new Uint32Array(count + 1)
  const tagOf = new Uint32Array(count)
  const text = Buffer.allocUnsafeSlow(textBytes)
  const tags = new TagTable()
  let at = 0
  let textAt = 0
  for (const { from, start, end } of stretches) {
    micros.set(from.micros.subarray(start, end), at)
    const firstByte = from.starts[start] ?? 0
    from.text.copy(text, textAt, firstByte, from.starts[end])
    const moved = textAt - firstByte
    for (let place = start; place < end; place++, at++) {
      starts[at] = (from.starts[place] ?? 0) + moved
      tagOf[at] = tags.placeOf(from, from.tagOf[place] ?? 0)
    }
    textAt += textBytesOf(from, start, end)
  }
  starts[count] = textBytes
  return { count, micros, text, starts, tags: tags.tags, tagOf }
}

/** The tags of lines from several origins, each once. */
class TagTable {
  readonly tags: string[] = []
  readonly #places = new Map<string, number>()
  readonly #placesOf = new Map<SegmentLines, number[]>()
  #last: SegmentLines | undefined
  #placesOfLast: number[] = []

  placeOf(from: SegmentLines, tagPlace: number): number {
    if (from !== this.#last) {
      this.#last = from
      this.#placesOfLast = this.#placesOf.get(from) ?? []
      this.#placesOf.set(from, this.#placesOfLast)
    }
    const known = this.#placesOfLast[tagPlace]
    if (known !== undefined) return known
    const tag = from.tags[tagPlace] ?? ''
    let place = this.#places.get(tag)
    if (place === undefined) {
      place = this.tags.push(tag) - 1
      this.#places.set(tag, place)
    }
    this.#placesOfLast[tagPlace] = place
    return place
  }
}

/** @returns pieces within the limits and of like size, never divided within a score. */
export function cutLines(lines: SegmentLines, limits: SegmentLimits): SegmentLines[] {
  const pieces: SegmentLines[] = []
  for (let start = 0; start < lines.count; ) {
    const end = cutAfter(lines, start, limits)
    pieces.push(start === 0 && end === lines.count ? lines : joinStretches([{ from: lines, start, end }]))
    start = end
  }
  return pieces
}

function cutAfter(lines: SegmentLines, start: number, limits: SegmentLimits): number {
  const restLines = lines.count - start
  const restBytes = textBytesOf(lines, start, lines.count)
  const pieces = Math.max(Math.ceil(restLines / limits.lines), Math.ceil(restBytes / limits.textBytes))
  let end = Math.min(lines.count, start + Math.ceil(restLines / pieces))
  while (end > start + 1 && textBytesOf(lines, start, end) > limits.textBytes) end--
  if (end === lines.count) return end
  const runStart = firstAtOrAfter(lines.micros, lines.micros[end] ?? 0)
  if (runStart > start) return runStart
  // One score's lines from the start on, more than a segment holds: they stay together.
  let runEnd = end
  while (runEnd < lines.count && lines.micros[runEnd] === lines.micros[start]) runEnd++
  return runEnd
}

function textBytesOf({ starts }: SegmentLines, start: number, end: number): number {
  return (starts[end] ?? 0) - (starts[start] ?? 0)
}

const firstMicros = (segment: SegmentLines | undefined) => segment?.micros[0] ?? 0
const lastMicros = (segment: SegmentLines | undefined) => segment?.micros[segment.count - 1] ?? 0
