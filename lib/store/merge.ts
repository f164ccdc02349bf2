import type { Redis } from 'ioredis'
import type { CollectionId } from '../collection-id.ts'
import { PortalError } from '../errors.ts'
import type { SegmentLines } from '../segment/lines.ts'
import { type Ask, askEach } from './ask-each.ts'
import { commitSegments, type Verdict } from './commit.ts'
import { DIRTY_KEY, floorKey, KNOWN_KEY, knownField, segmentsKey } from './keys.ts'
import { countLines } from './line-counters.ts'
import {
  finishFirst,
  type MergeProgress,
  newMergeProgress,
  settleUnanswered,
  unansweredCommit,
} from './merge-progress.ts'
import { answered, storeError } from './redis.ts'
import { secondOfMicros } from './score.ts'
import { type Descriptor, firstSecondOf, lastSecondOf, type Seconds } from './segment-descriptor.ts'
import { joinStretches, mergeSegments, type SegmentLimits, type Stretch } from './segment-merge.ts'
import { coveringOf, fetchStanding, parseEntries } from './standing-segments.ts'

/**
 * The one way of lines into segments. The segments that cover the lines' seconds are read, the lines are merged into
 * them, and the commit checks that all is still as it was read; if not, it starts over with what is left to do. Giving
 * the same lines again is therefore harmless, and so is doing it in two places at once.
 *
 * Lines far apart are done in several commits, so that one commit reads no segment that gets no line, and only so much
 * of those that do.
 */

/** A segment at most; only a run of one score may be longer. Larger ones are no smaller in Redis (1 %), and a page takes 1.5 ms longer to read from them. */
export const FULL_SEGMENT: SegmentLimits = { lines: 4096, textBytes: 1024 * 1024 }
/** Text of the segments that one commit reads at most; those of a single second are always read together. */
const COVERING_TEXT_BYTES = 16 * 1024 * 1024
/** Somebody else's commit lies behind each further attempt. More than these is a fault of ours. */
const MAX_ATTEMPTS = 1000

export interface MergeOptions {
  readonly collection: CollectionId
  /** In (score, member) order, no identity twice, a few thousand at most. */
  readonly lines: SegmentLines
  /** `hot`: they stand in the hot set and leave it. `backfill`: they are new, and are counted. */
  readonly origin: 'hot' | 'backfill'
  /** zstd level of the segments written. */
  readonly level: number
}

export interface MergeOutcome {
  /** Lines that went into segments. */
  stored: number
  /** Lines whose identity stands in a segment already, or (backfill) in the hot set. */
  duplicates: number
  /** Places of the lines that are older than what retention keeps; nothing was done with them. */
  belowRetention: readonly number[]
}

/**
 * Of hot lines, those that somebody else moved meanwhile are in none of the numbers. A hot line that a segment holds too,
 * which no append lets in, leaves the hot set as a duplicate; it was counted twice, and maintenance says so.
 * @param progress how far an earlier call with the same lines came; it goes on in it, also where it throws
 * @throws UnreadableSegment, UnreadableIndex, WrongKeyType (see `collectionFault`): that collection's lines stay where they are; PortalError `store_unavailable`,
 * `store_refused`. What was committed before stays so; giving all lines again is harmless.
 */
export async function mergeLines(
  redis: Redis,
  options: MergeOptions,
  progress: MergeProgress = newMergeProgress(options.lines.count),
): Promise<MergeOutcome> {
  const { collection, lines, origin } = options
  const outcome = await new Merge(redis, options, progress).run()
  // Before, so that a writer that dies leaves the mark; after, for a projector that took the first one too early.
  if (origin === 'backfill' && lines.count > 0) await answered(redis.sadd(DIRTY_KEY, collection))
  return outcome
}

class Merge {
  readonly #redis: Redis
  readonly #options: MergeOptions
  readonly #progress: MergeProgress
  /** Whether maintenance and the projector know of the collection. */
  #isMarked: boolean

  constructor(redis: Redis, options: MergeOptions, progress: MergeProgress) {
    this.#redis = redis
    this.#options = options
    this.#progress = progress
    this.#isMarked = options.origin === 'hot'
  }

  async run(): Promise<MergeOutcome> {
    const progress = this.#progress
    const { collection, lines } = this.#options
    await settleUnanswered(this.#redis, collection, progress)
    for (let attempts = 0; progress.pending.length > 0; attempts++) {
      if (attempts > MAX_ATTEMPTS + lines.count)
        throw new PortalError('internal', {
          detail: `Lines of collection ${collection} could not be merged in ${attempts} attempts.`,
        })
      await this.#step()
    }
    const { stored, duplicates, belowRetention } = progress
    return { stored, duplicates, belowRetention: belowRetention.toSorted((a, b) => a - b) }
  }

  /** Tries to commit the first lines that can be done together. */
  async #step(): Promise<void> {
    const { lines } = this.#options
    const { pending } = this.#progress
    const seconds = this.#secondsOf(pending)
    const { floorSecond, descriptors } = await this.#look(seconds)
    if (seconds.firstSecond < floorSecond) return this.#leaveBelow(floorSecond)
    const count = linesTogether(lines, pending, descriptors)
    const places = pending.subarray(0, count)
    const own = this.#secondsOf(places)
    const covering = coveringOf(descriptors, own)
    const segments = await this.#fetch(covering)
    if (segments) await this.#commit(places, covering, segments)
  }

  /**
   * Reads the floor and the segments that cover any of the seconds, and marks the collection the first time: in one
   * message, since each costs as much as compressing fifty lines. Another writer may come between: the commit looks again.
   */
  async #look({
    firstSecond,
    lastSecond,
  }: Seconds): Promise<{ floorSecond: number; descriptors: Descriptor[] }> {
    const { collection } = this.#options
    const index = segmentsKey(collection)
    const asks: Ask[] = [
      ['get', floorKey(collection)],
      ['zrevrangebyscore', index, `(${firstSecond}`, '-inf', 'LIMIT', 0, 1],
      ['zrangebyscore', index, firstSecond, `(${lastSecond + 1}`],
    ]
    if (!this.#isMarked)
      asks.push(['sadd', DIRTY_KEY, collection], ['hsetnx', KNOWN_KEY, knownField(collection), 0])
    const answers = await answered(askEach(this.#redis, asks))
    for (const [error] of answers) if (error) throw storeError(error)
    this.#isMarked = true
    const [floor, before, within] = answers.map(([, value]) => value)
    const entries = [before, within].flatMap((value) => (Array.isArray(value) ? value.map(String) : []))
    const descriptors = coveringOf(parseEntries(collection, entries), { firstSecond, lastSecond })
    return { floorSecond: Number(floor ?? 0), descriptors }
  }

  #secondsOf(places: Uint32Array): Seconds {
    const { micros } = this.#options.lines
    return {
      firstSecond: secondOfMicros(micros[places[0] ?? 0] ?? 0),
      lastSecond: secondOfMicros(micros[places.at(-1) ?? 0] ?? 0),
    }
  }

  async #fetch(covering: readonly Descriptor[]): Promise<SegmentLines[] | null> {
    const segments: SegmentLines[] = []
    for (const descriptor of covering) {
      const segment = await fetchStanding(this.#redis, this.#options.collection, descriptor)
      if (!segment) return null
      segments.push(segment)
    }
    return segments
  }

  async #commit(
    places: Uint32Array,
    covering: readonly Descriptor[],
    segments: readonly SegmentLines[],
  ): Promise<void> {
    const { collection, origin, level } = this.#options
    const lines = linesAt(this.#options.lines, places)
    const merged = mergeSegments(segments, lines, FULL_SEGMENT)
    const fresh = merged.duplicates.length === 0 ? lines : linesAt(lines, merged.fresh)
    const counted = { stored: fresh.count, duplicates: merged.duplicates.length }
    if (origin === 'backfill' && fresh.count === 0) return finishFirst(this.#progress, counted)
    const verdict = await commitSegments(this.#redis, {
      collection,
      ...this.#secondsOf(places),
      covering,
      replaced: merged.replaced.flatMap((place) => covering[place] ?? []),
      written: merged.written,
      level,
      taken: origin === 'hot' ? { origin, lines } : { origin, lines: fresh, counters: countLines(fresh) },
      onCommit: (written) => {
        this.#progress.unanswered = unansweredCommit(written, counted)
      },
    })
    this.#progress.unanswered = null
    if (verdict.verdict === 'committed') return finishFirst(this.#progress, counted)
    const placesTaken = origin === 'hot' ? places : merged.fresh.map((place) => places[place] ?? 0)
    this.#takeRefusal(verdict, placesTaken)
  }

  /** What a refusal tells about single lines is taken at its word; all else is read again. */
  #takeRefusal(verdict: Verdict, placesTaken: Uint32Array): void {
    if (verdict.verdict === 'floor') this.#leaveBelow(verdict.second)
    if (verdict.verdict !== 'members') return
    const refused = new Set([...verdict.places].flatMap((place) => placesTaken[place] ?? []))
    // A hot line that is gone was moved by somebody else, and counted there.
    if (this.#options.origin === 'backfill') this.#progress.duplicates += refused.size
    this.#finish(refused)
  }

  #leaveBelow(floorSecond: number): void {
    const { micros } = this.#options.lines
    const below = this.#progress.pending.filter((place) => secondOfMicros(micros[place] ?? 0) < floorSecond)
    this.#progress.belowRetention.push(...below)
    this.#finish(new Set(below))
  }

  #finish(places: ReadonlySet<number>): void {
    const progress = this.#progress
    progress.pending = progress.pending.filter((place) => !places.has(place))
  }
}

/**
 * How many of the pending lines go into the first commit: up to where a segment would be read that holds none of their
 * seconds, or too many that do.
 */
export function linesTogether(
  lines: SegmentLines,
  pending: Uint32Array,
  descriptors: readonly Descriptor[],
): number {
  let next = 0
  let textBytes = 0
  for (let count = 0; count < pending.length; ) {
    const second = secondOfMicros(lines.micros[pending[count] ?? 0] ?? 0)
    let isSkipping = false
    for (let one = descriptors[next]; one && firstSecondOf(one) <= second; one = descriptors[++next]) {
      if (lastSecondOf(one) < second) isSkipping = true
      textBytes += one.textBytes
    }
    if (count > 0 && (isSkipping || textBytes > COVERING_TEXT_BYTES)) return count
    while (count < pending.length && secondOfMicros(lines.micros[pending[count] ?? 0] ?? 0) === second)
      count++
  }
  return pending.length
}

/** @returns the lines at those places, which ascend. */
function linesAt(lines: SegmentLines, places: Uint32Array): SegmentLines {
  if (places.length === lines.count) return lines
  const stretches: Stretch[] = []
  for (let i = 0; i < places.length; ) {
    const start = places[i] ?? 0
    let end = start + 1
    i++
    while (places[i] === end) {
      end++
      i++
    }
    stretches.push({ from: lines, start, end })
  }
  return joinStretches(stretches)
}
