import type { Redis } from 'ioredis'
import { assertCollectionGrant, type CollectionGrant } from '../access/decide.ts'
import type { CollectionId } from '../collection-id.ts'
import { PortalError } from '../errors.ts'
import { firstAtOrAfter, memberAt, type SegmentLines } from '../segment/lines.ts'
import { countsKey, floorKey, linesKey, segmentsKey } from './keys.ts'
import type { MergedLine } from './page-merge.ts'
import type { MicrosWindow } from './reading.ts'
import { answered, Script } from './redis.ts'
import { microsOfScore, scoreText } from './score.ts'
import { type Gap, SealedReader, StaleIndex } from './sealed-reader.ts'
import { currentIndex, keptIndexWord, type SegmentIndex } from './segment-index.ts'
import { HotStretch, JoinedStretch, MaskedStretch, SealedStretch, type Stretch } from './stretch.ts'

/**
 * All lines of a window, in (score, member) order, each once, while lines are added, sealed and removed under the read.
 * For downloads of any size: what is handed out are pieces of what is stored, since an object a line would cost more than
 * the reading.
 *
 * Every read takes the segment index and the next hot lines from one moment of the store. Up to the last of those hot
 * lines the two together are all there is; so far they are brought together, however long the reader takes. A segment
 * that was replaced before its turn came makes the stream read both again, from where it stands.
 */

const streamLinesScript = new Script('stream-lines')

/**
 * Lines and bytes of one answer. Small on purpose: larger ones are no faster, keep Redis and the event loop from others
 * for longer, and what is still in use when the collector comes round twice it takes for long-lived.
 */
const PAGE_LINES = 1000
const PAGE_BYTES = 256 * 1024
/** By how much more is read where many hot lines share the moment of the last line given, which is sealed. */
const GROWTH = 4

/** The last line given. */
interface Position {
  /** As Redis takes it. */
  readonly score: string
  readonly micros: number
  readonly member: Buffer
}

interface Snapshot {
  readonly index: SegmentIndex
  /** More hot lines follow than were given. */
  readonly hasMore: boolean
  /** Whether sealed lines may stand among or behind the hot ones; only then do these have their moments. */
  readonly isMixed: boolean
  readonly lastScore: string
  readonly chunks: Buffer[][]
}

export interface StreamOptions {
  /** Lines of one stretch at most. */
  readonly pageLines?: number
}

/** Lines that could not be read; all others of the window were given. */
export class GapsError extends PortalError {
  readonly gaps: readonly Gap[]

  constructor(gaps: readonly Gap[]) {
    super('lines_unreadable', {
      detail: gapsText(gaps),
      cause: new Error(gaps.map(({ reason }) => reason).join('; ')),
    })
    this.gaps = gaps
  }
}

/** @returns how many lines are missing and between which minutes, UTC. */
function gapsText(gaps: readonly Gap[]): string {
  const minute = (micros: number) => `${new Date(micros / 1000).toISOString().slice(0, 16)}Z`
  return gaps
    .map(
      ({ lines, firstMicros, lastMicros }) =>
        `${lines} lines from ${minute(firstMicros)} to ${minute(lastMicros)} could not be read.`,
    )
    .join(' ')
}

/**
 * The lines of a window, oldest first, in stretches of a bounded size, none of them empty. The next is read while the
 * caller works on the one before; a caller that stops asking stops the reading. Under a masked grant no line leaves here
 * but with its addresses as networks.
 * @throws GapsError after all other lines; PortalError `store_unavailable`, `store_refused`; what was read last and is gone
 * without retention ends it too
 */
export function streamLines(
  redis: Redis,
  grant: CollectionGrant,
  window: MicrosWindow,
  { pageLines = PAGE_LINES }: StreamOptions = {},
): AsyncGenerator<Stretch, void, undefined> {
  assertCollectionGrant(grant)
  const stretches = storedStretches(redis, grant.collection, window, pageLines)
  return grant.masked ? maskedStretches(stretches) : stretches
}

async function* maskedStretches(
  stretches: AsyncGenerator<Stretch, void, undefined>,
): AsyncGenerator<Stretch, void, undefined> {
  for await (const stretch of stretches) yield new MaskedStretch(stretch)
}

/** The lines as they are stored: nothing but {@link streamLines} may hand them out. */
async function* storedStretches(
  redis: Redis,
  collection: CollectionId,
  window: MicrosWindow,
  pageLines: number,
): AsyncGenerator<Stretch, void, undefined> {
  const sealed = new SealedReader(redis, collection, { keeps: false })
  const read = (after: Position | null, growth = 1) => {
    const snapshot = takeSnapshot(redis, collection, { window, pageLines, growth, after })
    // What is read ahead may fail while nobody waits for it; whoever asks for it next is told.
    snapshot.catch(() => undefined)
    return snapshot
  }
  let after: Position | null = null
  let next: Promise<Snapshot> | null = read(null)
  let growth = 1
  while (next) {
    const snapshot: Snapshot = await next
    sealed.indexWasRead()
    if (snapshot.isMixed) {
      const merge: MergeEnd = yield* mergedStretches(snapshot, { sealed, window, pageLines, after })
      growth = merge.isShort ? growth * GROWTH : 1
      after = merge.position
      next = merge.isAtEnd ? null : read(after, growth)
    } else {
      const members = snapshot.chunks.flat()
      after = positionAt(members.at(-1), snapshot.lastScore)
      next = snapshot.hasMore && after ? read(after) : null
      if (members.length > 0) yield new HotStretch(members)
    }
  }
  if (sealed.gaps.length > 0) throw new GapsError(sealed.gaps)
}

/** Copies the member: as part of an answer it would keep all of that in memory for as long as the next command. */
function positionAt(member: Buffer | undefined, score: string): Position | null {
  return member ? { score, micros: microsOfScore(score), member: Buffer.from(member) } : null
}

async function takeSnapshot(
  redis: Redis,
  collection: CollectionId,
  asked: { window: MicrosWindow; pageLines: number; growth: number; after: Position | null },
): Promise<Snapshot> {
  const { window, pageLines, growth, after } = asked
  for (;;) {
    const reply = await answered(
      streamLinesScript.run(
        redis,
        [linesKey, segmentsKey, countsKey, floorKey].map((key) => key(collection)),
        [
          scoreText(window.fromMicros),
          scoreText(window.toMicros),
          pageLines * growth,
          PAGE_BYTES * growth,
          keptIndexWord(redis, collection),
          ...(after ? [after.score, after.member] : []),
        ],
      ),
    )
    // Emptied: the client's command goes on holding its reply, and the collector takes commands for long-lived.
    const [word, descriptors, more, mixed, lastScore, ...chunks] = (reply as unknown[]).splice(0) as [
      Buffer,
      Buffer[] | null,
      number,
      number,
      Buffer,
      ...Buffer[][],
    ]
    const index = currentIndex(redis, collection, [word, descriptors])
    if (index)
      return {
        index,
        hasMore: more === 1,
        isMixed: mixed === 1,
        lastScore: lastScore.toString('latin1'),
        chunks,
      }
  }
}

interface MergeOptions {
  readonly sealed: SealedReader
  readonly window: MicrosWindow
  readonly pageLines: number
  readonly after: Position | null
}

/** Where the bringing together of one snapshot ended. */
interface MergeEnd {
  /** The last line given, in this snapshot or before it. */
  readonly position: Position | null
  /** Whether it was the window's last. */
  readonly isAtEnd: boolean
  /** All hot lines of the snapshot had been given before: more of them are to be read at once. */
  readonly isShort: boolean
}

/** Hot lines of a snapshot behind the last line given. */
function hotAfter({ chunks }: Snapshot, after: Position | null): MergedLine[] {
  const hot: MergedLine[] = []
  for (const chunk of chunks)
    for (let i = 0; i < chunk.length; i += 2) {
      const member = chunk[i] as Buffer
      const micros = microsOfScore((chunk[i + 1] as Buffer).toString('latin1'))
      if (!after || micros > after.micros || member.compare(after.member) > 0) hot.push({ micros, member })
    }
  return hot
}

/** Hands out all that a snapshot tells of: to the window's end, or to its last hot line where more follow. */
async function* mergedStretches(
  snapshot: Snapshot,
  { sealed, window, pageLines, after }: MergeOptions,
): AsyncGenerator<Stretch, MergeEnd, undefined> {
  const { index, hasMore } = snapshot
  const { descriptors } = index
  const hot = hotAfter(snapshot, after)
  const gathered = new Gathered(pageLines, after)
  const fromMicros = Math.max(window.fromMicros, after?.micros ?? 0)
  const end = index.firstBeginning(window.toMicros)
  let place = index.firstReaching(fromMicros)
  let at = 0
  const readAt = (segment: number) => {
    const descriptor = segment < end ? descriptors[segment] : undefined
    const reading = descriptor ? sealed.read(descriptor) : Promise.resolve(null)
    reading.catch(() => undefined)
    return reading
  }
  let reading = readAt(place)
  for (; place < end; place++) {
    // Behind the last hot line given there may be others before the next sealed one.
    if (at === hot.length && hasMore) break
    let lines: SegmentLines | null
    try {
      lines = await reading
    } catch (error) {
      if (!(error instanceof StaleIndex)) throw error
      yield* gathered.rest()
      return { position: gathered.position(), isAtEnd: false, isShort: false }
    }
    reading = readAt(place + 1)
    if (!lines) continue
    let from = placeAfter(lines, after, window.fromMicros)
    const to = firstAtOrAfter(lines.micros, window.toMicros)
    while (from < to) {
      const hotEnd = firstHotBehind(hot, at, lines, from)
      yield* gathered.addHot(hot.slice(at, hotEnd))
      at = hotEnd
      if (at === hot.length && hasMore) break
      const sealedEnd = at < hot.length ? firstSealedBehind(lines, { from, to }, hot[at]) : to
      for (; from < sealedEnd; from = Math.min(from + pageLines, sealedEnd))
        yield* gathered.addSealed(lines, from, Math.min(from + pageLines, sealedEnd))
    }
  }
  if (place >= end) yield* gathered.addHot(hot.slice(at))
  yield* gathered.rest()
  return {
    position: gathered.position(),
    isAtEnd: place >= end && !hasMore,
    isShort: hasMore && hot.length === 0,
  }
}

/** @returns the place of the first of a segment's lines that is in the window and behind the last line given */
function placeAfter(lines: SegmentLines, after: Position | null, fromMicros: number): number {
  if (!after || after.micros < fromMicros) return firstAtOrAfter(lines.micros, fromMicros)
  let place = firstAtOrAfter(lines.micros, after.micros)
  while (lines.micros[place] === after.micros && memberAt(lines, place).compare(after.member) <= 0) place++
  return place
}

/** @returns the place of the first hot line, from `at` on, that comes after that sealed one */
function firstHotBehind(hot: readonly MergedLine[], at: number, lines: SegmentLines, place: number): number {
  const micros = lines.micros[place] ?? 0
  for (let i = at; ; i++) {
    const line = hot[i]
    if (!line || line.micros > micros) return i
    if (line.micros === micros && line.member.compare(memberAt(lines, place)) > 0) return i
  }
}

/** @returns the place of the first sealed line of those that comes after that hot one */
function firstSealedBehind(
  lines: SegmentLines,
  { from, to }: { from: number; to: number },
  hot: MergedLine | undefined,
): number {
  if (!hot) return to
  let place = Math.max(from, Math.min(to, firstAtOrAfter(lines.micros, hot.micros)))
  while (place < to && lines.micros[place] === hot.micros && memberAt(lines, place).compare(hot.member) < 0)
    place++
  return place
}

/** Small pieces go out together: late lines stand one by one among sealed ones. */
class Gathered {
  readonly #pageLines: number
  #parts: Stretch[] = []
  #count = 0
  #position: () => Position | null

  constructor(pageLines: number, before: Position | null) {
    this.#pageLines = pageLines
    this.#position = () => before
  }

  /** @returns the last line added */
  position(): Position | null {
    return this.#position()
  }

  *addHot(lines: readonly MergedLine[]): Generator<Stretch> {
    const last = lines.at(-1)
    if (!last) return
    this.#position = () => positionAt(last.member, scoreText(last.micros))
    yield* this.#add(new HotStretch(lines.map(({ member }) => member)))
  }

  *addSealed(lines: SegmentLines, from: number, to: number): Generator<Stretch> {
    this.#position = () => positionAt(memberAt(lines, to - 1), scoreText(lines.micros[to - 1] ?? 0))
    yield* this.#add(new SealedStretch(lines, from, to))
  }

  *rest(): Generator<Stretch> {
    const [first, ...others] = this.#parts
    if (first) yield others.length > 0 ? new JoinedStretch(this.#parts) : first
    this.#parts = []
    this.#count = 0
  }

  *#add(part: Stretch): Generator<Stretch> {
    if (this.#count + part.count > this.#pageLines) yield* this.rest()
    this.#parts.push(part)
    this.#count += part.count
    if (this.#count >= this.#pageLines) yield* this.rest()
  }
}
