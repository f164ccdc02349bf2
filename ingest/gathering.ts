import { secondOfMicros } from '#lib/store/score.ts'
import { GatheredLines, GatheringMemory, type TakenLines } from './gathered-lines.ts'
import { collectionOf, type DecidedLine, idKey } from './line-decider.ts'
import { type LinesInBuffers, linesIn } from './lines-in-buffers.ts'

/**
 * What `backfill` has read and not yet merged, by collection.
 *
 * A piece of a collection is taken when it is as large as a segment and all its lines are settled: older than what any
 * source is going to write, by the sources' own clocks and a margin. Pieces of one collection then follow one another in
 * time, so that each becomes a segment and none is rewritten. A line that comes after a piece that holds its time is *late*;
 * late lines wait for company of their own, since each merge rewrites the segments that they go into.
 */

/** As large as a segment may be; see `lib/store/merge.ts`. */
const PIECE_LINES = 4096
const PIECE_BYTES = 1024 * 1024
/** A line is settled when it is so much older than the clock that is furthest behind: servers write long requests late. */
export const MARGIN_SECONDS = 60
/** The margin where a site writes more in that time than memory holds. */
const SMALL_MARGIN_SECONDS = 10
/**
 * Memory for lines. Past it pieces are taken that are smaller than a segment, see {@link ripenessOf}; where
 * that is not enough with a smaller margin, and in the end with none. `maintain` joins what is small, and lines that then
 * come late are merged into what stands: both cost time and change nothing.
 */
const HELD_BYTES = 28 * 1024 * 1024
/** Kept to be used again for what is taken. */
const FREE_BYTES = 4 * 1024 * 1024
/** What is ripest is looked for again when this share of {@link HELD_BYTES} was taken, so that the looking is paid for. */
const LOOK_AGAIN_SHARE = 0.25
/** How much more there has to be, in proportion, before a piece is looked for again: each look goes through all lines. */
const LOOK_AGAIN_GROWTH = 1.125

const RECENT_COLLECTIONS = 1000

interface Collection {
  readonly key: number | string
  readonly fresh: GatheredLines
  readonly late: GatheredLines
  /** Of all its lines so far. */
  readBytes: number
  /** Where the last piece ended, epoch second: whatever comes before it is late. */
  endSecond: number
  /** At so many fresh lines, or so much text, a piece is looked for. */
  lookAtLines: number
  lookAtBytes: number
  isListed: boolean
}

export class Gathering {
  readonly #memory = new GatheringMemory(FREE_BYTES)
  readonly #collections = new Map<number | string, Collection>()
  /** Found without looking them up, by the last digits of their ids, and one by any id that is no exact number. */
  readonly #recent = new Array<Collection | undefined>(RECENT_COLLECTIONS + 1)
  readonly #heldLimitBytes: number
  #listed: Collection[] = []
  #heldBytes = 0
  /** Collections to take from next, the ripest last, and how much was taken since they were put in that order. */
  #ripest: Collection[] = []
  #relievedBytes = 0

  constructor({ heldBytes = HELD_BYTES }: { heldBytes?: number } = {}) {
    this.#heldLimitBytes = heldBytes
  }

  /** Takes back the buffers of lines that were taken. */
  release({ text, columns }: LinesInBuffers): void {
    for (const { buffer } of [text, columns]) this.#memory.free.give(Buffer.from(buffer))
  }

  add(line: DecidedLine): void {
    const collection = this.#collectionOf(line)
    const { fresh, late, endSecond } = collection
    const lines = line.second < endSecond ? late : fresh
    const before = lines.heldBytes
    lines.add(line)
    this.#heldBytes += lines.heldBytes - before
    collection.readBytes += line.end - line.start
    if (collection.isListed) return
    const { lookAtLines, lookAtBytes } = collection
    if (fresh.count < lookAtLines && fresh.textBytes < lookAtBytes && late.count < PIECE_LINES) return
    collection.isListed = true
    this.#listed.push(collection)
  }

  #collectionOf(line: DecidedLine): Collection {
    const key = idKey(line)
    const slot = typeof key === 'number' ? key % RECENT_COLLECTIONS : RECENT_COLLECTIONS
    const recent = this.#recent[slot]
    if (recent?.key === key) return recent
    const collection = this.#collections.get(key) ?? this.#newCollection(key, line)
    this.#recent[slot] = collection
    return collection
  }

  /**
   * Takes what is large enough for a segment, and more where memory demands it.
   * @param clockSecond what the clock shows that is furthest behind
   */
  *takePieces(clockSecond: number): Generator<TakenLines> {
    const settledSecond = clockSecond - MARGIN_SECONDS
    const listed = this.#listed
    this.#listed = []
    for (const collection of listed) {
      collection.isListed = false
      yield* this.#takeFresh(collection, settledSecond, { onlyFull: true })
      const { count, textBytes } = collection.fresh
      collection.lookAtLines = Math.max(PIECE_LINES, count * LOOK_AGAIN_GROWTH)
      collection.lookAtBytes = Math.max(PIECE_BYTES, textBytes * LOOK_AGAIN_GROWTH)
      if (collection.late.count >= PIECE_LINES) yield* this.#takeLate(collection, settledSecond)
    }
    for (const second of [settledSecond, clockSecond - SMALL_MARGIN_SECONDS, Number.POSITIVE_INFINITY])
      if (this.#heldBytes > this.#heldLimitBytes) yield* this.#relieve(second)
  }

  /** Takes everything. */
  *takeAll(): Generator<TakenLines> {
    for (const collection of this.#collections.values()) {
      yield* this.#takeFresh(collection, Number.POSITIVE_INFINITY, { onlyFull: false })
      yield* this.#takeLate(collection, Number.POSITIVE_INFINITY)
    }
  }

  /** Takes no more than has to be: all that goes at once waits for the threads that merge, and they then for the reading. */
  *#relieve(settledSecond: number): Generator<TakenLines> {
    let isLookedFor = false
    while (this.#heldBytes > this.#heldLimitBytes) {
      const collection = this.#ripest.pop()
      if (!collection) {
        if (isLookedFor) return
        this.#ripest = [...this.#collections.values()].sort((a, b) => ripenessOf(a) - ripenessOf(b))
        this.#relievedBytes = 0
        isLookedFor = true
        continue
      }
      const before = this.#heldBytes
      yield* this.#takeFresh(collection, settledSecond, { onlyFull: false })
      yield* this.#takeLate(collection, settledSecond)
      this.#relievedBytes += before - this.#heldBytes
      if (this.#relievedBytes < this.#heldLimitBytes * LOOK_AGAIN_SHARE) continue
      this.#ripest = []
      isLookedFor = false
    }
  }

  *#takeFresh(
    collection: Collection,
    settledSecond: number,
    { onlyFull }: { onlyFull: boolean },
  ): Generator<TakenLines> {
    for (;;) {
      const taken = this.#take(collection.fresh, { beforeSecond: settledSecond, onlyFull })
      if (!taken) return
      collection.endSecond = lastSecondOf(taken) + 1
      yield taken
    }
  }

  *#takeLate({ late }: Collection, settledSecond: number): Generator<TakenLines> {
    for (;;) {
      const taken = this.#take(late, { beforeSecond: settledSecond, onlyFull: false })
      if (!taken) return
      yield taken
    }
  }

  #take(lines: GatheredLines, limits: { beforeSecond: number; onlyFull: boolean }): TakenLines | null {
    const before = lines.heldBytes
    const taken = lines.take({ ...limits, maxLines: PIECE_LINES, maxTextBytes: PIECE_BYTES })
    this.#heldBytes += lines.heldBytes - before
    return taken
  }

  #newCollection(key: number | string, line: DecidedLine): Collection {
    const id = collectionOf(line)
    const [fresh, late] = [new GatheredLines(id, this.#memory), new GatheredLines(id, this.#memory)]
    const [lookAtLines, lookAtBytes] = [PIECE_LINES, PIECE_BYTES]
    const sizes = { readBytes: 0, endSecond: 0, lookAtLines, lookAtBytes }
    const collection = { key, fresh, late, ...sizes, isListed: false }
    this.#collections.set(key, collection)
    return collection
  }
}

/**
 * What to take first: pieces are fewest, for the same memory, when each collection's are in proportion to the square root
 * of how much it writes. A third fewer than with pieces of one size for all.
 */
const ripenessOf = ({ fresh, late, readBytes }: Collection) =>
  (fresh.heldBytes + late.heldBytes) ** 2 / (readBytes + 1)

function lastSecondOf({ buffers }: TakenLines): number {
  const { micros, count } = linesIn(buffers)
  return secondOfMicros(micros[count - 1] ?? 0)
}
