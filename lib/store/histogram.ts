import type { Redis } from 'ioredis'
import { assertCollectionGrant, type CollectionGrant } from '../access/decide.ts'
import type { CollectionId } from '../collection-id.ts'
import type { SegmentSummary } from '../segment/summary.ts'
import { countsKey, linesKey, segmentsKey } from './keys.ts'
import type { MicrosWindow } from './reading.ts'
import { answered, Script } from './redis.ts'
import { microsOfScore, scoreText } from './score.ts'
import { type Gap, SealedReader, StaleIndex } from './sealed-reader.ts'
import { currentIndex, keptIndexWord, type SegmentIndex } from './segment-index.ts'

/**
 * How a window's lines spread over it. Counts are exact: whole segments count by their index entry, one that a bound cuts
 * by its summary of minutes, and by its times where the bound is the window's own and falls within a minute. Nobody knows
 * where the lines of a segment belong whose summary or times cannot be read: they are in no piece, and the histogram says so.
 */

const readCountsScript = new Script('read-counts')
const MICROS_PER_MINUTE = 60_000_000
/** Segments may be replaced while they are read; maintenance runs far apart. */
const MAX_TRIES = 50

/** Of a window that is longer than its part with lines by more than this, only that part is looked at. */
const MOSTLY_EMPTY = 10

/** Moments that cut a window into pieces, its own ends first and last: ascending, those between on whole minutes. */
export type Bounds = readonly number[]

export interface Histogram {
  readonly bounds: Bounds
  /** Lines of each piece, one fewer than there are bounds. */
  readonly counts: readonly number[]
  /** Segments that a bound cuts and that cannot be read; their lines are in none of the counts. */
  readonly gaps: readonly Gap[]
}

/**
 * @param boundsOf cuts the window, and where that is mostly empty then the part of it that has lines; its last answer counts
 * @returns null where no line stands in the window
 * @throws PortalError `store_unavailable`, `store_refused`
 */
export async function readHistogram(
  redis: Redis,
  grant: CollectionGrant,
  window: MicrosWindow,
  boundsOf: (part: MicrosWindow) => Bounds,
): Promise<Histogram | null> {
  assertCollectionGrant(grant)
  const { collection } = grant
  let bounds = boundsOf(window)
  // Mostly the window is what is to be cut, and then this is the only question.
  let counts = await readCounts(redis, collection, bounds)
  const part = partWithLines(window, counts)
  if (part === null) return null
  if (lengthOf(window) > MOSTLY_EMPTY * lengthOf(part)) {
    bounds = boundsOf(part)
    counts = await readCounts(redis, collection, bounds)
  }
  const sealed = new SealedReader(redis, collection, { keeps: true })
  for (let tries = 1; ; tries++) {
    sealed.indexWasRead()
    const { index, hotBelow } = counts
    try {
      const sealedLines = await allSettled(bounds.map((micros) => sealedBelow(index, sealed, micros)))
      // One that was replaced since it could not be read is nobody's fault.
      const gaps = sealed.gaps.filter((gap) => stillStands(index, gap))
      const below = bounds.map(
        (micros, i) => (hotBelow[i] ?? 0) + (sealedLines[i] ?? 0) - linesOfGapsBelow(gaps, micros),
      )
      return { bounds, gaps, counts: below.slice(1).map((lines, i) => Math.max(0, lines - (below[i] ?? 0))) }
    } catch (error) {
      if (!(error instanceof StaleIndex) || tries >= MAX_TRIES) throw error
      counts = await readCounts(redis, collection, bounds)
    }
  }
}

/** @returns the window as far as the collection has lines before and after it; null where it has none in it. */
function partWithLines(
  { fromMicros, toMicros }: MicrosWindow,
  { index, hotEnds }: Counts,
): MicrosWindow | null {
  const ends = [...hotEnds, index.descriptors.at(0)?.firstMicros, index.descriptors.at(-1)?.lastMicros]
  const moments = ends.filter((micros) => micros !== undefined)
  const part = {
    fromMicros: Math.max(fromMicros, Math.min(...moments)),
    toMicros: Math.min(toMicros, Math.max(...moments) + 1),
  }
  return moments.length === 0 || part.fromMicros >= part.toMicros ? null : part
}

/**
 * Waits for all reads, so that none goes on behind an error that ends the others.
 * @throws the first error that is no {@link StaleIndex}, else that
 */
async function allSettled(reads: readonly Promise<number>[]): Promise<number[]> {
  const settled = await Promise.allSettled(reads)
  const failed = settled.filter((one) => one.status === 'rejected').map(({ reason }) => reason as unknown)
  if (failed.length > 0) throw failed.find((error) => !(error instanceof StaleIndex)) ?? failed[0]
  return settled.map((one) => (one.status === 'fulfilled' ? one.value : 0))
}

function stillStands(index: SegmentIndex, { firstMicros, lastMicros }: Gap): boolean {
  const descriptor = index.descriptors[index.firstReaching(firstMicros)]
  return descriptor?.firstMicros === firstMicros && descriptor.lastMicros === lastMicros
}

/** The index entries before a bound count all their lines, also those of segments that cannot be read. */
function linesOfGapsBelow(gaps: readonly Gap[], micros: number): number {
  return gaps.reduce((sum, { lastMicros, lines }) => sum + (lastMicros < micros ? lines : 0), 0)
}

const lengthOf = ({ fromMicros, toMicros }: MicrosWindow) => toMicros - fromMicros

interface Counts {
  readonly index: SegmentIndex
  /** Of the first and the last hot line; empty where there are none. */
  readonly hotEnds: readonly number[]
  readonly hotBelow: readonly number[]
}

async function readCounts(redis: Redis, collection: CollectionId, bounds: Bounds): Promise<Counts> {
  for (;;) {
    const reply = await answered(
      readCountsScript.run(
        redis,
        [linesKey(collection), segmentsKey(collection), countsKey(collection)],
        [keptIndexWord(redis, collection), ...bounds.map(scoreText)],
      ),
    )
    const [word, descriptors, first, last, ...hotBelow] = reply as [
      Buffer,
      Buffer[] | null,
      Buffer,
      Buffer,
      ...number[],
    ]
    const index = currentIndex(redis, collection, [word, descriptors])
    const hotEnds = [first, last].map(String).filter(Boolean).map(microsOfScore)
    if (index) return { index, hotEnds, hotBelow }
  }
}

async function sealedBelow(index: SegmentIndex, sealed: SealedReader, micros: number): Promise<number> {
  const place = index.firstReaching(micros)
  const descriptor = index.descriptors[place]
  if (!descriptor || descriptor.firstMicros >= micros) return index.linesBefore(place)
  if (micros % MICROS_PER_MINUTE !== 0) return sealed.linesBelow(index, micros)
  const summary = await sealed.readSummary(descriptor)
  return index.linesBefore(place) + linesBefore(summary ?? [], micros)
}

function linesBefore(summary: SegmentSummary, micros: number): number {
  let lines = 0
  for (const { second, byClass } of summary) {
    if (second * 1_000_000 >= micros) break
    for (const count of byClass) lines += count
  }
  return lines
}
