import type { Redis } from 'ioredis'
import type { CollectionId } from '../collection-id.ts'
import { THOROUGH_LEVEL } from '../segment/format.ts'
import { firstAtOrAfter, SegmentBuilder, type SegmentLines } from '../segment/lines.ts'
import type { CollectionLook } from './collection-look.ts'
import { linesKey } from './keys.ts'
import type { MaintainOptions, MaintainReport } from './maintain-report.ts'
import { FULL_SEGMENT, mergeLines } from './merge.ts'
import { answered, Script } from './redis.ts'
import { microsOfScore, microsOfSecond, scoreText } from './score.ts'
import { joinStretches } from './segment-merge.ts'
import { UnreadableSegment } from './segment-store.ts'

/**
 * Sealing: hot lines that have settled go into segments. By event time, so that a log of last year settles at once; in
 * whole segments, so that a quiet collection does not become many small ones; and after a day however few they are.
 *
 * After a day all that has settled goes, or else each line would become a segment as it turns a day old. But one that lies
 * among sealed lines already comes late, and goes into the segments of its time with others that do; the lines after
 * those segments wait for their own day, however many late ones come meanwhile.
 */

const takeHotScript = new Script('take-hot')

/** So old a line does not wait for a segment's worth of others. */
const OLDEST_HOT_SECONDS = 86_400

/** @returns the moment before which lines have settled, or null for never. */
export function settledBefore(options: MaintainOptions): number | null {
  const { nowSeconds, sealAfterSeconds } = options
  return sealAfterSeconds === null ? null : microsOfSecond(Math.max(0, nowSeconds - sealAfterSeconds))
}

/**
 * Lines that would go into a segment that cannot be read stay hot, and the fault is reported; the others are sealed.
 * @param look made with {@link settledBefore}
 * @returns how many lines were sealed; they are in the report too
 * @throws as `mergeLines`, but for that
 */
export async function sealCollection(
  redis: Redis,
  collection: CollectionId,
  { look, options, report }: { look: CollectionLook; options: MaintainOptions; report: MaintainReport },
): Promise<number> {
  const beforeMicros = settledBefore(options)
  const { oldestHotMicros, settledLines } = look
  if (beforeMicros === null || oldestHotMicros === null) return 0
  const oldMicros = microsOfSecond(options.nowSeconds - OLDEST_HOT_SECONDS)
  const mayBeOld = oldestHotMicros <= oldMicros
  const rule = { oldMicros, sealedUntilMicros: look.lastSealedMicros ?? -1 }
  const unreadable = new Set<string>()
  let afterMicros: number | null = null
  let allUntilMicros = -1
  let sealed = 0
  for (let left = settledLines; left >= FULL_SEGMENT.lines || (mayBeOld && left > 0); ) {
    if (options.stop.aborted) break
    const hot = await takeHot(redis, collection, { afterMicros, beforeMicros })
    if (left < FULL_SEGMENT.lines) allUntilMicros = Math.max(allUntilMicros, dueUntil(hot, rule))
    const lines = left < FULL_SEGMENT.lines ? linesUntil(hot, allUntilMicros) : hot
    if (lines.count === 0) break
    try {
      const { stored } = await mergeLines(redis, { collection, lines, origin: 'hot', level: THOROUGH_LEVEL })
      sealed += stored
      report.sealed += stored
    } catch (error) {
      if (!(error instanceof UnreadableSegment)) throw error
      unreadable.add(error.message)
    }
    left -= lines.count
    // Lines that stayed, whyever, are not taken again in this round.
    afterMicros = lines.micros[lines.count - 1] ?? null
  }
  for (const reason of unreadable) report.faults.push({ collection, reason })
  return sealed
}

/**
 * @returns up to where lines go because the first of them is a day old: as far as others are sealed where it lies among
 * those, else all; -1 where it is not as old
 */
function dueUntil(
  { micros }: SegmentLines,
  { oldMicros, sealedUntilMicros }: { oldMicros: number; sealedUntilMicros: number },
): number {
  const first = micros[0]
  if (first === undefined || first > oldMicros) return -1
  return first <= sealedUntilMicros ? sealedUntilMicros : Number.POSITIVE_INFINITY
}

function linesUntil(lines: SegmentLines, micros: number): SegmentLines {
  const end = firstAtOrAfter(lines.micros, micros + 1)
  return end === lines.count ? lines : joinStretches([{ from: lines, start: 0, end }])
}

/** @returns the next hot lines, a full segment's worth at most, but always all of one score. */
async function takeHot(
  redis: Redis,
  collection: CollectionId,
  { afterMicros, beforeMicros }: { afterMicros: number | null; beforeMicros: number },
): Promise<SegmentLines> {
  const reply = (await answered(
    takeHotScript.run(
      redis,
      [linesKey(collection)],
      [
        afterMicros === null ? '-inf' : scoreText(afterMicros),
        scoreText(beforeMicros),
        FULL_SEGMENT.lines,
        FULL_SEGMENT.textBytes,
      ],
    ),
  )) as Buffer[]
  const builder = new SegmentBuilder(FULL_SEGMENT.textBytes)
  for (let i = 0; i + 1 < reply.length; i += 2)
    builder.addMember(microsOfScore(String(reply[i + 1])), reply[i] as Buffer)
  return builder.lines()
}
