import { randomBytes } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { CollectionId } from '../collection-id.ts'
import { PortalError } from '../errors.ts'
import { encodeSegment } from '../segment/format.ts'
import type { SegmentLines } from '../segment/lines.ts'
import { releaseMemory } from '../segment/memory.ts'
import { WrongKeyType } from './collection-fault.ts'
import { evenWhenFull } from './even-when-full.ts'
import {
  arrivalsKey,
  countsKey,
  dayCountsKey,
  floorKey,
  linesKey,
  segmentKey,
  segmentsKey,
  sourcesKey,
} from './keys.ts'
import type { LineCounters } from './line-counters.ts'
import { answered, Script } from './redis.ts'
import { SCORE_BYTES, scoreText } from './score.ts'
import { type Descriptor, descriptorText } from './segment-descriptor.ts'
import { reached } from './storage-points.ts'

/**
 * The commit that every change of a collection's segments by a merge or a join goes through. Bodies are written first,
 * under new names and with an expiry, so that a builder that dies leaves nothing behind; `commit.lua` looks at everything
 * that may have changed since the builder read it, and only then puts the new segments in the place of the old ones.
 */

const commitScript = new Script('commit')

/** A body that no commit followed is gone after this long. */
export const UNCOMMITTED_SECONDS = 600
const NAME_BYTES = 9

/** Drawn at once for many names: each draw costs more than the name. */
const NAMES_A_DRAW = 100
let drawn = Buffer.alloc(0)
let drawnAt = 0

/** @returns a word that nobody had before. */
export function newName(): string {
  if (drawnAt === drawn.length) {
    drawn = randomBytes(NAME_BYTES * NAMES_A_DRAW)
    drawnAt = 0
  }
  drawnAt += NAME_BYTES
  return drawn.toString('base64url', drawnAt - NAME_BYTES, drawnAt)
}

export interface SegmentChange {
  readonly collection: CollectionId
  /** Whole seconds of the lines, or of the segments joined. */
  readonly firstSecond: number
  readonly lastSecond: number
  /** All that cover those seconds, in order. */
  readonly covering: readonly Descriptor[]
  /** Those of them that are replaced. */
  readonly replaced: readonly Descriptor[]
  readonly written: readonly SegmentLines[]
  /** zstd level of the new segments. */
  readonly level: number
  /** Lines that leave the hot set, lines that are new, or none. */
  readonly taken:
    | { readonly origin: 'hot'; readonly lines: SegmentLines }
    | { readonly origin: 'backfill'; readonly lines: SegmentLines; readonly counters: LineCounters }
    | { readonly origin: 'none' }
  /** Told of the new segments right before the script is sent: its answer may get lost. */
  readonly onCommit?: (written: readonly Descriptor[]) => void
}

/** Anything but `committed` changed nothing. */
export type Verdict =
  | { readonly verdict: 'committed'; readonly written: readonly Descriptor[] }
  | { readonly verdict: 'segments' | 'bodies' }
  /** Places among the lines taken. */
  | { readonly verdict: 'members'; readonly places: ReadonlySet<number> }
  | { readonly verdict: 'floor'; readonly second: number }

/**
 * Writes the bodies and commits.
 * @throws WrongKeyType; SegmentError when a segment does not read back; PortalError `store_unavailable`, `store_refused`:
 * then it may or may not have been done, and doing it again is harmless.
 */
export async function commitSegments(redis: Redis, change: SegmentChange): Promise<Verdict> {
  const { collection } = change
  const written: Descriptor[] = []
  for (const lines of change.written) {
    const body = encodeSegment(lines, change.level)
    const descriptor = describeSegment(lines, body, change.level)
    const writing = ['set', segmentKey(collection, descriptor.name), body, 'EX', UNCOMMITTED_SECONDS] as const
    // New lines wait until there is room; lines that leave the hot set make it.
    await answered(change.taken.origin !== 'backfill' ? evenWhenFull(redis, writing) : redis.call(...writing))
    // Not where it failed: a command without an answer may still be on its way out of this memory.
    releaseMemory(body)
    written.push(descriptor)
    reached('bodies built', collection)
  }
  reached('before commit', collection)
  change.onCommit?.(written)
  const run = async (withLines: boolean) => {
    const [keys, args] = callOf(change, { written, withLines })
    return (await answered(commitScript.run(redis, keys, args))) as (Buffer | number)[]
  }
  // A megabyte of members to be looked up costs Redis as much as all else; mostly nothing hot is near new lines.
  const answer = await run(change.taken.origin === 'hot')
  const [verdict, ...details] = String(answer[0]) === 'hot' ? await run(true) : answer
  if (String(verdict) === 'committed') {
    reached('after commit', collection)
    return { verdict: 'committed', written }
  }
  // They would go by themselves; while writers compete they would pile up meanwhile.
  if (written.length > 0)
    await answered(redis.unlink(written.map(({ name }) => segmentKey(collection, name))))
  return refusalOf(String(verdict), details)
}

/** @returns the index entry of a segment not written before, under a new name. */
export function describeSegment(lines: SegmentLines, body: Buffer, level: number): Descriptor {
  return {
    firstMicros: lines.micros[0] ?? 0,
    lastMicros: lines.micros[lines.count - 1] ?? 0,
    lines: lines.count,
    textBytes: lines.text.length,
    storedBytes: body.length,
    level,
    name: newName(),
  }
}

function callOf(
  change: SegmentChange,
  { written, withLines }: { written: readonly Descriptor[]; withLines: boolean },
): [string[], (string | Buffer)[]] {
  const { collection, taken } = change
  const counters = taken.origin === 'backfill' ? taken.counters : { days: [], highestOf: new Map() }
  const keys = [
    linesKey(collection),
    segmentsKey(collection),
    countsKey(collection),
    sourcesKey(collection),
    floorKey(collection),
    arrivalsKey(collection),
    ...counters.days.map(({ day }) => dayCountsKey(collection, day)),
    ...[...written, ...change.replaced].map(({ name }) => segmentKey(collection, name)),
  ]
  const textOf = (descriptors: readonly Descriptor[]) => descriptors.map(descriptorText).join('\n')
  const args = [
    taken.origin,
    String(change.firstSecond),
    String(change.lastSecond),
    textOf(change.covering),
    textOf(change.replaced),
    textOf(written),
    newName(),
    taken.origin === 'none' || !withLines ? '' : packMembers(taken.lines),
    [...counters.highestOf].map(([source, second]) => `${second}:${source}`).join(' '),
    taken.origin === 'none' ? '0' : String(taken.lines.count),
    ...counters.days.map(({ firstSecond, lastSecond, lines, fields }) =>
      [firstSecond, lastSecond, lines, ...[...fields].flat()].join(' '),
    ),
  ]
  return [keys, args]
}

/** Members and scores as `commit.lua` takes them; written in place, since an object a line costs more than all of it. */
function packMembers({ count, micros, text, starts, tags, tagOf }: SegmentLines): Buffer {
  const longestTag = Math.max(0, ...tags.map((tag) => tag.length))
  const packed = Buffer.allocUnsafe(text.length + count * (4 + SCORE_BYTES + longestTag))
  let at = 0
  for (let place = 0; place < count; place++) {
    const [start, end] = [starts[place] ?? 0, (starts[place + 1] ?? 1) - 1]
    const tag = tags[tagOf[place] ?? 0] ?? ''
    at = packed.writeUInt32LE(end - start + tag.length, at)
    at += packed.write(scoreText(micros[place] ?? 0), at, 'latin1')
    at += text.copy(packed, at, start, end)
    at += packed.write(tag, at, 'latin1')
  }
  return packed.subarray(0, at)
}

function refusalOf(verdict: string, details: readonly (Buffer | number)[]): Verdict {
  switch (verdict) {
    case 'segments':
    case 'bodies':
      return { verdict }
    case 'members':
      return { verdict, places: new Set(details.map(Number)) }
    case 'floor':
      return { verdict, second: Number(String(details[0])) }
    case 'type':
      throw new WrongKeyType(String(details[0]), String(details[1]))
    default:
      throw new PortalError('internal', { detail: `commit.lua answered ${verdict}` })
  }
}
