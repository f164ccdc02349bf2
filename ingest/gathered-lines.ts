import type { CollectionId } from '#lib/collection-id.ts'
import type { SegmentLines } from '#lib/segment/lines.ts'
import type { FreeBuffers } from '#lib/store/free-buffers.ts'
import { secondOfMicros } from '#lib/store/score.ts'
import type { DecidedLine } from './line-decider.ts'
import { dropRepeats, orderOf } from './line-order.ts'

/**
 * Lines of one collection, gathered in the order in which they were read, until they are taken in the order in which they
 * are stored. As columns in a few buffers, since a line that is an object costs more than finding it did.
 */

const FIRST_LINES = 16
const FIRST_TEXT_BYTES = 2048
const LF = 0x0a
const BYTES_OF_MICROS = 8
const BYTES_OF_PLACE = 4

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
  readonly #free: FreeBuffers
  #text: Buffer<ArrayBuffer> = Buffer.alloc(0)
  #textBytes = 0
  #micros = new Float64Array(0)
  #starts = new Uint32Array(1)
  #tagOf = new Uint32Array(0)
  #count = 0
  #placeOfTag = new Map<string, number>()
  #lastTag = ''
  #lastTagPlace = -1

  constructor(collection: CollectionId, free: FreeBuffers) {
    this.collection = collection
    this.#free = free
  }

  get count(): number {
    return this.#count
  }

  /** Bytes of the lines with their LF. */
  get textBytes(): number {
    return this.#textBytes
  }

  /** What they take of memory, bytes. */
  get heldBytes(): number {
    return this.#text.length + this.#micros.length * (BYTES_OF_MICROS + 2 * BYTES_OF_PLACE)
  }

  /** Infinite where there are none. */
  get firstSecond(): number {
    let first = Number.POSITIVE_INFINITY
    for (let place = 0; place < this.#count; place++) first = Math.min(first, this.#micros[place] ?? 0)
    return secondOfMicros(first)
  }

  add({ bytes, start, end, tag, micros }: DecidedLine): void {
    if (tag !== this.#lastTag || this.#lastTagPlace < 0) this.#findTag(tag)
    this.#append(bytes, start, end, { micros, tagPlace: this.#lastTagPlace })
  }

  /**
   * Takes whole seconds from the front, in (score, member) order, each identity once.
   * @returns null where none is to be taken.
   */
  take({ beforeSecond, onlyFull, maxLines, maxTextBytes }: TakeLimits): TakenLines | null {
    if (this.#count === 0) return null
    const gathered = this.#gathered()
    const order = orderOf(gathered)
    const secondAt = (index: number) => secondOfMicros(gathered.micros[order[index] ?? 0] ?? 0)
    let taken = 0
    let takenBytes = 0
    let isFull = false
    while (!isFull && taken < order.length && secondAt(taken) < beforeSecond) {
      const second = secondAt(taken)
      let end = taken
      let textBytes = takenBytes
      for (; end < order.length && secondAt(end) === second; end++)
        textBytes += sizeOf(gathered, order[end] ?? 0)
      isFull = end >= maxLines || textBytes >= maxTextBytes
      if (taken > 0 && (end > maxLines || textBytes > maxTextBytes)) break
      taken = end
      takenBytes = textBytes
    }
    if (taken === 0 || (onlyFull && !isFull)) return null
    const chosen = dropRepeats(gathered, order.subarray(0, taken))
    const buffers = this.#copied(gathered, chosen)
    this.#keep(gathered, order.subarray(taken))
    return { collection: this.collection, buffers, repeats: taken - chosen.length }
  }

  #gathered(): SegmentLines {
    const count = this.#count
    return {
      count,
      micros: this.#micros.subarray(0, count),
      text: this.#text.subarray(0, this.#textBytes),
      starts: this.#starts.subarray(0, count + 1),
      tags: [...this.#placeOfTag.keys()],
      tagOf: this.#tagOf.subarray(0, count),
    }
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

  #append(from: Buffer, start: number, end: number, line: { micros: number; tagPlace: number }): void {
    const needed = this.#textBytes + end - start + 1
    if (needed > this.#text.length) this.#growText(needed)
    if (this.#count === this.#micros.length) this.#growColumns()
    from.copy(this.#text, this.#textBytes, start, end)
    this.#text[needed - 1] = LF
    this.#textBytes = needed
    this.#micros[this.#count] = line.micros
    this.#tagOf[this.#count] = line.tagPlace
    this.#starts[++this.#count] = needed
  }

  #growText(needed: number): void {
    const larger = this.#free.take(Math.max(needed, this.#text.length * 2, FIRST_TEXT_BYTES))
    this.#text.copy(larger, 0, 0, this.#textBytes)
    this.#free.give(this.#text)
    this.#text = larger
  }

  #growColumns(): void {
    const lines = Math.max(FIRST_LINES, this.#micros.length * 2)
    const [micros, starts, tagOf] = [
      new Float64Array(lines),
      new Uint32Array(lines + 1),
      new Uint32Array(lines),
    ]
    micros.set(this.#micros)
    starts.set(this.#starts)
    tagOf.set(this.#tagOf)
    this.#micros = micros
    this.#starts = starts
    this.#tagOf = tagOf
  }

  /** @returns the lines at those places, in buffers of their own that can be handed to another thread. */
  #copied(from: SegmentLines, places: Uint32Array): LinesInBuffers {
    const count = places.length
    let textBytes = 0
    for (const place of places) textBytes += sizeOf(from, place)
    const text = this.#free.take(textBytes)
    const columns = this.#free.take(columnBytes(count))
    const lines = linesIn({ text, columns, count, textBytes, tags: [] })
    const placeOfTag = new Map<number, number>()
    let at = 0
    for (let i = 0; i < count; i++) {
      const place = places[i] ?? 0
      lines.starts[i] = at
      lines.micros[i] = from.micros[place] ?? 0
      at += from.text.copy(text, at, from.starts[place] ?? 0, from.starts[place + 1] ?? 0)
      const tag = from.tagOf[place] ?? 0
      let tagPlace = placeOfTag.get(tag)
      if (tagPlace === undefined) {
        tagPlace = placeOfTag.size
        placeOfTag.set(tag, tagPlace)
      }
      lines.tagOf[i] = tagPlace
    }
    lines.starts[count] = at
    const tags = [...placeOfTag.keys()].map((tag) => from.tags[tag] ?? '')
    return { text, columns, count, textBytes, tags }
  }

  /** Leaves the lines at those places and no others. */
  #keep(all: SegmentLines, places: Uint32Array): void {
    const before = this.#text
    this.#text = Buffer.alloc(0)
    this.#textBytes = this.#count = 0
    this.#micros = new Float64Array(places.length)
    this.#starts = new Uint32Array(places.length + 1)
    this.#tagOf = new Uint32Array(places.length)
    this.#placeOfTag = new Map()
    this.#lastTagPlace = -1
    for (const place of places) {
      const [start, end] = [all.starts[place] ?? 0, (all.starts[place + 1] ?? 1) - 1]
      this.#findTag(all.tags[all.tagOf[place] ?? 0] ?? '')
      this.#append(all.text, start, end, {
        micros: all.micros[place] ?? 0,
        tagPlace: this.#lastTagPlace,
      })
    }
    this.#free.give(before)
  }
}

function sizeOf({ starts }: SegmentLines, place: number): number {
  return (starts[place + 1] ?? 0) - (starts[place] ?? 0)
}

/** Bytes of the columns of so many lines; see {@link linesIn}. */
function columnBytes(count: number): number {
  return count * (BYTES_OF_MICROS + 2 * BYTES_OF_PLACE) + BYTES_OF_PLACE
}

/** Lines that stand in two buffers: their text, and their columns one behind the other. */
export interface LinesInBuffers {
  readonly text: Uint8Array<ArrayBuffer>
  readonly columns: Uint8Array<ArrayBuffer>
  readonly count: number
  readonly textBytes: number
  readonly tags: readonly string[]
}

/** @returns views of the buffers. */
export function linesIn({ text, columns, count, textBytes, tags }: LinesInBuffers): SegmentLines {
  const { buffer, byteOffset } = columns
  const startsAt = byteOffset + count * BYTES_OF_MICROS
  return {
    count,
    micros: new Float64Array(buffer, byteOffset, count),
    text: Buffer.from(text.buffer, text.byteOffset, textBytes),
    starts: new Uint32Array(buffer, startsAt, count + 1),
    tags,
    tagOf: new Uint32Array(buffer, startsAt + (count + 1) * BYTES_OF_PLACE, count),
  }
}
