import { createHash } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { CollectionId } from '../collection-id.ts'
import { memberAt, SegmentBuilder, type SegmentLines } from '../segment/lines.ts'
import { linesKey } from './keys.ts'
import { answered } from './redis.ts'
import { microsOfScore } from './score.ts'

/** The lines of one step of retention, as they are archived and as they stay. */

const LF = Buffer.from('\n')

export interface HotLines {
  readonly lines: SegmentLines
  /** SHA-1 of the members, LF-separated, as `remove.lua` makes it. */
  readonly digest: string
}

/** @returns the hot lines below the floor, from one moment; as many as a step takes. */
export async function readHotBelow(
  redis: Redis,
  collection: CollectionId,
  floorSecond: number,
): Promise<HotLines> {
  const flat = await answered(
    redis.zrangebyscoreBuffer(linesKey(collection), '-inf', `(${floorSecond}`, 'WITHSCORES'),
  )
  const builder = new SegmentBuilder()
  const hash = createHash('sha1')
  for (let i = 0; i < flat.length; i += 2) {
    const member = flat[i] ?? Buffer.alloc(0)
    builder.addMember(microsOfScore(String(flat[i + 1])), member)
    if (i > 0) hash.update(LF)
    hash.update(member)
  }
  return { lines: builder.lines(), digest: hash.digest('hex') }
}

/** @returns the lines from a place on, as lines of their own. */
export function linesFrom(lines: SegmentLines, place: number): SegmentLines {
  const builder = new SegmentBuilder()
  for (let at = place; at < lines.count; at++) builder.addFrom(lines, at)
  return builder.lines()
}

/**
 * The text of lines from two places, in (score, member) order.
 * @param sealed stretches that follow each other, each to be read up to `count`
 * @yields lines with their LF
 */
export async function* textInOrder(
  hot: SegmentLines,
  sealed: AsyncIterable<{ lines: SegmentLines; count: number }>,
): AsyncGenerator<Buffer> {
  let next = 0
  for await (const { lines, count } of sealed) {
    let written = 0
    for (; next < hot.count; next++) {
      let before = written
      while (before < count && comesBefore(lines, before, hot, next)) before++
      // Once no line of this stretch is left, the next may still come before the hot one.
      if (before > written) yield textOf(lines, written, before)
      written = before
      if (written === count) break
      yield textOf(hot, next, next + 1)
    }
    if (written < count) yield textOf(lines, written, count)
  }
  if (next < hot.count) yield textOf(hot, next, hot.count)
}

const textOf = ({ text, starts }: SegmentLines, from: number, to: number) =>
  text.subarray(starts[from] ?? 0, starts[to] ?? 0)

function comesBefore(a: SegmentLines, placeA: number, b: SegmentLines, placeB: number): boolean {
  const apart = (a.micros[placeA] ?? 0) - (b.micros[placeB] ?? 0)
  return apart < 0 || (apart === 0 && Buffer.compare(memberAt(a, placeA), memberAt(b, placeB)) < 0)
}
