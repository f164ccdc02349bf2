import type { CollectionId } from '#lib/collection-id.ts'
import type { FreeBuffers } from '#lib/store/free-buffers.ts'
import { secondOfMicros } from '#lib/store/score.ts'
import type { Block, LineBlocks } from './line-blocks.ts'
import type { DecidedLine } from './line-decider.ts'
import { dropRepeats, type LinesInBlocks, orderOf } from './line-order.ts'
import { columnBytes, type LinesInBuffers, linesIn } from './lines-in-buffers.ts'

/**
 * Lines of one collection, gathered in the order in which they were read, until they are taken in the order in which they
 * are stored. In blocks, one line behind the other, each from a byte divisible by eight:
 *
 *     f64 microseconds since the epoch | u32 bytes of the line, its LF among them | u32 place of its tag × 8 + its status
 *     class | line | LF
 */

const HEADER_BYTES = 16
const CLASSES = 8
const LF = 0x0a

export interface GatheringMemory {
  readonly blocks: LineBlocks
  /** For lines that are taken. */
  readonly free: FreeBuffers
}

/** Lines taken, in (score, member) order. */
export interface TakenLines {
  readonly collection: CollectionId
  readonly buffers: LinesInBuffers
  /** Lines that stood among the others already, and are left out. */
  readonly repeats: number
}

export interface TakeLimits {
  /** Lines of this second and later ones stay. */
  readonly beforeSecond: number
  /** Nothing is taken where all that may be is less than the limits. */
  readonly onlyFull: boolean
  /** So many lines and so much text at most; but all lines of one second go together. */
  readonly maxLines: number
  readonly maxTextBytes: number
}

export class GatheredLines {
  readonly collection: CollectionId
  readonly #memory: GatheringMemory
  #blocks: Block[] = []
  /** The last of them, and where it is free. */
  #block: Block | null = null
  #at = 0
  #placeOfTag = new Map<string, number>()
  #lastTag = ''
  #lastTagPlace = -1
  count = 0
  /** Bytes of the lines with their LF. */
  textBytes = 0
  /** What they take of memory, bytes. */
  heldBytes = 0

  constructor(collection: CollectionId, memory: GatheringMemory) {
    this.collection = collection
    this.#memory = memory
  }

  add(line: DecidedLine): void {
    if (line.tag !== this.#lastTag || this.#lastTagPlace < 0) this.#findTag(line.tag)
    this.#append(line)
  }

  /**
   * Takes whole seconds from the front, in (score, member) order, each identity once.
   * @returns null where none is to be taken.
   */
  take(limits: TakeLimits): TakenLines | null {
    if (this.count === 0) return null
    const lines = this.#gathered()
    const order = orderOf(lines)
    const end = endOfPiece(lines, order, limits)
    if (end === 0) return null
    const chosen = dropRepeats(lines, order.subarray(0, end))
    const buffers = this.#copied(lines, chosen)
    this.#keep(lines, order.subarray(end))
    return { collection: this.collection, buffers, repeats: end - chosen.length }
  }

  #findTag(tag: string): void {
    let place = this.#placeOfTag.get(tag)
    if (place === undefined) {
      place = this.#placeOfTag.size
      this.#placeOfTag.set(tag, place)
    }
    this.#lastTag = tag
    this.#lastTagPlace = place
  }

  /** Adds a line with the tag found last. */
  #append({
    bytes: from,
    start,
    end,
    micros,
    statusClass,
  }: Pick<DecidedLine, 'bytes' | 'start' | 'end' | 'micros' | 'statusClass'>): void {
    const lineBytes = end - start + 1
    let block = this.#block
    if (block === null || block.end - this.#at < HEADER_BYTES + lineBytes) {
      block = this.#memory.blocks.take(HEADER_BYTES + lineBytes)
      this.#blocks.push(block)
      this.#block = block
      this.#at = block.start
      this.heldBytes += block.end - block.start
    }
    const at = this.#at
    const { bytes, floats, words } = block.slab
    floats[at >> 3] = micros
    words[(at >> 2) + 2] = lineBytes
    words[(at >> 2) + 3] = this.#lastTagPlace * CLASSES + statusClass
    from.copy(bytes, at + HEADER_BYTES, start, end)
    bytes[at + HEADER_BYTES + lineBytes - 1] = LF
    block.used = this.#at = alignedEnd(at, lineBytes)
    this.count++
    this.textBytes += lineBytes
  }

  /** @returns the lines in the order in which they were added. */
  #gathered(): LinesInBlocks {
    const { count } = this
    const lines: LinesInBlocks = {
      count,
      micros: new Float64Array(count),
      slabs: [],
      starts: new Uint32Array(count),
      lengths: new Uint32Array(count),
      tagOf: new Uint32Array(count),
      classes: new Uint8Array(count),
      tags: [...this.#placeOfTag.keys()],
    }
    let place = 0
    for (const { slab, start, used } of this.#blocks) {
      const { bytes, floats, words } = slab
      for (let at = start; at < used; place++) {
        const length = words[(at >> 2) + 2] ?? 0
        lines.micros[place] = floats[at >> 3] ?? 0
        lines.slabs.push(bytes)
        lines.starts[place] = at + HEADER_BYTES
        lines.lengths[place] = length
        const tagAndClass = words[(at >> 2) + 3] ?? 0
        lines.tagOf[place] = tagAndClass >>> 3
        lines.classes[place] = tagAndClass % CLASSES
        at = alignedEnd(at, length)
      }
    }
    return lines
  }

  /** @returns the lines at those places, in buffers of their own that can be handed to another thread. */
  #copied(from: LinesInBlocks, places: Uint32Array): LinesInBuffers {
    const { free } = this.#memory
    const count = places.length
    let textBytes = 0
    for (const place of places) textBytes += from.lengths[place] ?? 0
    const [text, columns] = [free.take(textBytes), free.take(columnBytes(count))]
    const lines = linesIn({ text, columns, count, textBytes, tags: [] })
    const placeOfTag = new Map<number, number>()
    let at = 0
    for (let i = 0; i < count; i++) {
      const place = places[i] ?? 0
      const start = from.starts[place] ?? 0
      lines.starts[i] = at
      lines.micros[i] = from.micros[place] ?? 0
      at += from.slabs[place]?.copy(text, at, start, start + (from.lengths[place] ?? 0)) ?? 0
      const tag = from.tagOf[place] ?? 0
      let tagPlace = placeOfTag.get(tag)
      if (tagPlace === undefined) {
        tagPlace = placeOfTag.size
        placeOfTag.set(tag, tagPlace)
      }
      lines.tagOf[i] = tagPlace
      lines.classes[i] = from.classes[place] ?? 0
    }
    lines.starts[count] = at
    const tags = [...placeOfTag.keys()].map((tag) => from.tags[tag] ?? '')
    return { text, columns, count, textBytes, tags }
  }

  /** Leaves the lines at those places and no others. */
  #keep(all: LinesInBlocks, places: Uint32Array): void {
    const before = this.#blocks
    this.#blocks = []
    this.#block = null
    this.#placeOfTag = new Map()
    this.#lastTagPlace = -1
    this.count = this.textBytes = this.heldBytes = 0
    for (const place of places) {
      const [bytes, start] = [all.slabs[place], all.starts[place] ?? 0]
      if (!bytes) continue
      this.#findTag(all.tags[all.tagOf[place] ?? 0] ?? '')
      this.#append({
        bytes,
        start,
        end: start + (all.lengths[place] ?? 1) - 1,
        micros: all.micros[place] ?? 0,
        statusClass: all.classes[place] ?? 0,
      })
    }
    for (const block of before) this.#memory.blocks.give(block)
  }
}

/** Where the line behind the one at that place of its slab begins. */
const alignedEnd = (at: number, lineBytes: number) => (at + HEADER_BYTES + lineBytes + 7) & ~7

/** @returns how many of the lines in that order are to be taken. */
function endOfPiece(lines: LinesInBlocks, order: Uint32Array, limits: TakeLimits): number {
  const { beforeSecond, onlyFull, maxLines, maxTextBytes } = limits
  const secondAt = (index: number) => secondOfMicros(lines.micros[order[index] ?? 0] ?? 0)
  let taken = 0
  let takenBytes = 0
  let isFull = false
  while (!isFull && taken < order.length) {
    const second = secondAt(taken)
    if (second >= beforeSecond) break
    let end = taken
    let textBytes = takenBytes
    for (; end < order.length && secondAt(end) === second; end++)
      textBytes += lines.lengths[order[end] ?? 0] ?? 0
    isFull = end >= maxLines || textBytes >= maxTextBytes
    if (taken > 0 && (end > maxLines || textBytes > maxTextBytes)) break
    taken = end
    takenBytes = textBytes
  }
  return onlyFull && !isFull ? 0 : taken
}
