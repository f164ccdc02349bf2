import type { CollectionId } from '#lib/collection-id.ts'
import { FreeBuffers } from '#lib/store/free-buffers.ts'
import { microsOfSecond, secondOfMicros } from '#lib/store/score.ts'
import { type Block, LineBlocks } from './line-blocks.ts'
import type { DecidedLine } from './line-decider.ts'
import { dropRepeats, type LinesInBlocks, OrderMemory, orderOf } from './line-order.ts'
import { columnBytes, type LinesInBuffers, linesIn } from './lines-in-buffers.ts'

/**
 * Lines of one collection, gathered in the order in which they were read, until they are taken in the order in which they
 * are stored. In blocks: from the front the lines, each followed by LF; from the back what is known of each, so that looking
 * through a collection does not go through all its text:
 *
 *     f64 microseconds since the epoch | u32 bytes of the line, its LF among them | u32 place of its tag × 8 + its status
 *     class
 */

const HEADER_BYTES = 16
const CLASSES = 8
const LF = 0x0a

/** The columns of the collection that is looked at. */
class ColumnMemory {
  micros = new Float64Array(0)
  slabOf = new Uint32Array(0)
  starts = new Uint32Array(0)
  lengths = new Uint32Array(0)
  tagOf = new Uint32Array(0)
  classes = new Uint8Array(0)

  /** Makes room for so many lines. */
  reserve(count: number): void {
    if (this.micros.length >= count) return
    const room = count * 2
    this.micros = new Float64Array(room)
    this.slabOf = new Uint32Array(room)
    this.starts = new Uint32Array(room)
    this.lengths = new Uint32Array(room)
    this.tagOf = new Uint32Array(room)
    this.classes = new Uint8Array(room)
  }
}

/** What all collections gather in, and what is needed for a moment while one of them is looked at. */
export class GatheringMemory {
  readonly blocks = new LineBlocks()
  /** For lines that are taken. */
  readonly free: FreeBuffers
  readonly order = new OrderMemory()
  readonly columns = new ColumnMemory()

  constructor(freeBytes: number) {
    this.free = new FreeBuffers(freeBytes)
  }
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
  /** The last of them, and where it is free: from the one to before the other. */
  #block: Block | null = null
  #at = 0
  #headerAt = 0
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
    const order = orderOf(lines, this.#memory.order)
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
    if (block === null || this.#headerAt - this.#at < HEADER_BYTES + lineBytes) {
      block = this.#memory.blocks.take(HEADER_BYTES + lineBytes)
      this.#blocks.push(block)
      this.#block = block
      this.#at = block.start
      this.#headerAt = block.end
      this.heldBytes += block.end - block.start
    }
    const at = this.#at
    const headerAt = this.#headerAt - HEADER_BYTES
    const { bytes, floats, words } = block.slab
    floats[headerAt >> 3] = micros
    words[(headerAt >> 2) + 2] = lineBytes
    words[(headerAt >> 2) + 3] = this.#lastTagPlace * CLASSES + statusClass
    from.copy(bytes, at, start, end)
    bytes[at + lineBytes - 1] = LF
    block.lines++
    this.#at = at + lineBytes
    this.#headerAt = headerAt
    this.count++
    this.textBytes += lineBytes
  }

  /** @returns the lines in the order in which they were added; in columns that serve the next collection as well. */
  #gathered(): LinesInBlocks {
    const { columns } = this.#memory
    columns.reserve(this.count)
    const { micros, slabOf, starts, lengths, tagOf, classes } = columns
    const slabs: Buffer[] = []
    let place = 0
    for (const { slab, start, end, lines } of this.#blocks) {
      const { bytes, floats, words } = slab
      let at = start
      let headerAt = end
      for (const next = place + lines; place < next; place++) {
        headerAt -= HEADER_BYTES
        const length = words[(headerAt >> 2) + 2] ?? 0
        const tagAndClass = words[(headerAt >> 2) + 3] ?? 0
        micros[place] = floats[headerAt >> 3] ?? 0
        slabOf[place] = slabs.length
        starts[place] = at
        lengths[place] = length
        tagOf[place] = tagAndClass >>> 3
        classes[place] = tagAndClass % CLASSES
        at += length
      }
      slabs.push(bytes)
    }
    const tags = [...this.#placeOfTag.keys()]
    return { count: this.count, micros, slabOf, slabs, starts, lengths, tagOf, classes, tags }
  }

  /** @returns the lines at those places, in buffers of their own that can be handed to another thread. */
  #copied(from: LinesInBlocks, places: Uint32Array): LinesInBuffers {
    const { free } = this.#memory
    const count = places.length
    let textBytes = 0
    for (const place of places) textBytes += from.lengths[place] ?? 0
    const [text, columns] = [free.take(textBytes), free.take(columnBytes(count))]
    const lines = linesIn({ text, columns, count, textBytes, tags: [] })
    const tags: string[] = []
    const placeOfTag = new Int32Array(from.tags.length).fill(-1)
    let at = 0
    for (let i = 0; i < count; i++) {
      const place = places[i] ?? 0
      const start = from.starts[place] ?? 0
      lines.starts[i] = at
      lines.micros[i] = from.micros[place] ?? 0
      at +=
        from.slabs[from.slabOf[place] ?? 0]?.copy(text, at, start, start + (from.lengths[place] ?? 0)) ?? 0
      const tag = from.tagOf[place] ?? 0
      let tagPlace = placeOfTag[tag] ?? -1
      if (tagPlace < 0) {
        tagPlace = tags.push(from.tags[tag] ?? '') - 1
        placeOfTag[tag] = tagPlace
      }
      lines.tagOf[i] = tagPlace
      lines.classes[i] = from.classes[place] ?? 0
    }
    lines.starts[count] = at
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
      const [bytes, start] = [all.slabs[all.slabOf[place] ?? 0], all.starts[place] ?? 0]
      if (!bytes) continue
      const tag = all.tags[all.tagOf[place] ?? 0] ?? ''
      if (tag !== this.#lastTag || this.#lastTagPlace < 0) this.#findTag(tag)
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

/** @returns how many of the lines in that order are to be taken. */
function endOfPiece(
  { micros, lengths }: LinesInBlocks,
  order: Uint32Array,
  { beforeSecond, onlyFull, maxLines, maxTextBytes }: TakeLimits,
): number {
  let taken = 0
  let takenBytes = 0
  let isFull = false
  while (!isFull && taken < order.length) {
    const second = secondOfMicros(micros[order[taken] ?? 0] ?? 0)
    if (second >= beforeSecond) break
    const nextMicros = microsOfSecond(second + 1)
    let end = taken
    let textBytes = takenBytes
    for (; end < order.length && (micros[order[end] ?? 0] ?? 0) < nextMicros; end++)
      textBytes += lengths[order[end] ?? 0] ?? 0
    isFull = end >= maxLines || textBytes >= maxTextBytes
    if (taken > 0 && (end > maxLines || textBytes > maxTextBytes)) break
    taken = end
    takenBytes = textBytes
  }
  return onlyFull && !isFull ? 0 : taken
}
