import type { CollectionId } from '../collection-id.ts'
import { FreeBuffers } from './free-buffers.ts'
import { microsOfScore, SCORE_BYTES, secondOfMicros } from './score.ts'

/**
 * Lines on their way to one append call: of one collection, one source and one UTC day, packed into a single buffer as
 * `append.lua` takes them, so that a batch of thousands is one argument and no object a line. It is MessagePack, since
 * that is what a script of Redis takes apart in one step: one array of score, member, score, member, …
 *
 *     0xdd | u32 length of the array, twice the lines     once
 *     0xb1 | score, 17 characters                         each line
 *     0xdb | u32 length of the member | member            each line
 *
 * Numbers are big endian. What else a line counts for, its status class, stands in a buffer of its own, a digit a line.
 *
 * There is room in front of the lines and behind them, so that the whole command is written from where they stand: a
 * copy of every line into a fresh buffer, and one more into the client's, cost as much as finding the lines did.
 */

const SCORE_AT = 1
const LENGTH_AT = SCORE_AT + SCORE_BYTES + 1
const HEADER_BYTES = LENGTH_AT + 4
const ARRAY_HEADER_BYTES = 5
const ARRAY_32 = 0xdd
const STRING_32 = 0xdb
/** Of up to 31 bytes. */
const SHORT_STRING = 0xa0
const DIGIT_ZERO = 0x30
const STATUS_CLASSES = 6
/** What stands before the lines in a command: seven keys and ten arguments of an append take some 620 bytes. */
const FRONT_BYTES = 768
const FIRST_CLASSES_BYTES = 64
const END = '\r\n'
const FIRST_CAPACITY_BYTES = 2048
const MICROS_PER_SECOND = 1_000_000

const freeBuffers = new FreeBuffers()

export class PackedLines {
  readonly collection: CollectionId
  readonly source: string
  /** UTC day of all the lines, `YYYYMMDD`. */
  readonly day: string
  count = 0
  /** Lowest and highest whole second of the lines. */
  firstSecond = Number.POSITIVE_INFINITY
  lastSecond = Number.NEGATIVE_INFINITY
  /** Lines of each status class, 0 (unknown) to 5. */
  readonly byClass = new Uint32Array(STATUS_CLASSES)
  #buffer = freeBuffers.take(FIRST_CAPACITY_BYTES)
  #length = FRONT_BYTES
  #classes = freeBuffers.take(FIRST_CLASSES_BYTES)

  constructor(collection: CollectionId, source: string, day: string) {
    this.collection = collection
    this.source = source
    this.day = day
  }

  /** The packed bytes; a view that the next {@link add} may leave behind. */
  get bytes(): Buffer {
    if (this.count === 0) return this.#buffer.subarray(0, 0)
    const start = FRONT_BYTES - ARRAY_HEADER_BYTES
    this.#buffer[start] = ARRAY_32
    this.#buffer.writeUInt32BE(2 * this.count, start + 1)
    return this.#buffer.subarray(start, this.#length)
  }

  /** The lines' status classes, a digit each; a view, as above. */
  get classes(): Buffer {
    return this.#classes.subarray(0, this.count)
  }

  /**
   * A Redis command whose last two arguments are {@link bytes} and {@link classes}, as it goes over the wire; no copy of
   * the lines but a view, until the next {@link add} or {@link release}.
   * @param front the command up to and with the line that tells the length of the bytes, in ASCII
   */
  command(front: string): Buffer {
    const start = FRONT_BYTES - ARRAY_HEADER_BYTES - front.length
    if (start < 0) throw new Error(`${front.length} bytes stand before the lines of an append`)
    const { bytes, classes } = this
    const between = `${END}$${classes.length}${END}`
    this.#reserve(between.length + classes.length + END.length)
    const buffer = this.#buffer
    buffer.write(front, start, 'latin1')
    let end = start + front.length + bytes.length
    end += buffer.write(between, end, 'latin1')
    end += classes.copy(buffer, end)
    end += buffer.write(END, end, 'latin1')
    return buffer.subarray(start, end)
  }

  /**
   * Lets others use the memory; there are no lines any more, and no view of them may be looked at. Not for a group whose
   * command got no answer: the socket may still be reading it.
   */
  release(): void {
    for (const buffer of [this.#buffer, this.#classes]) if (buffer.length > 0) freeBuffers.give(buffer)
    this.#buffer = this.#classes = Buffer.alloc(0)
    this.#length = FRONT_BYTES
    this.count = 0
    this.byClass.fill(0)
  }

  /**
   * Adds the line `from[start, end)`.
   * @param tag what makes the line a member, in ASCII (see `memberTag`).
   * @param micros its place in time, microseconds since the epoch.
   * @param statusClass 1 to 5, or 0 where none is known.
   */
  add(line: {
    from: Buffer
    start: number
    end: number
    tag: string
    micros: number
    statusClass: number
  }): void {
    const { from, start, end, tag, micros, statusClass } = line
    const second = secondOfMicros(micros)
    const memberBytes = end - start + tag.length
    this.#reserve(HEADER_BYTES + memberBytes)
    const buffer = this.#buffer
    let at = this.#length
    buffer[at] = SHORT_STRING + SCORE_BYTES
    writeScore(buffer, at + SCORE_AT, second, micros - second * MICROS_PER_SECOND)
    buffer[at + LENGTH_AT - 1] = STRING_32
    buffer[at + LENGTH_AT] = memberBytes >>> 24
    buffer[at + LENGTH_AT + 1] = memberBytes >>> 16
    buffer[at + LENGTH_AT + 2] = memberBytes >>> 8
    buffer[at + LENGTH_AT + 3] = memberBytes
    at += HEADER_BYTES
    at += from.copy(buffer, at, start, end)
    for (let i = 0; i < tag.length; i++) buffer[at++] = tag.charCodeAt(i)
    this.#length = at
    this.#include(second, statusClass)
  }

  /** @returns those of the lines that `keep` says yes to, by their 0-based place and whole second. */
  select(keep: (place: number, second: number) => boolean): PackedLines {
    const chosen = new PackedLines(this.collection, this.source, this.day)
    let place = 0
    for (const { at, end, second } of this.#records()) {
      if (keep(place, second)) {
        chosen.#reserve(end - at)
        chosen.#length += this.#buffer.copy(chosen.#buffer, chosen.#length, at, end)
        chosen.#include(second, (this.#classes[place] ?? 0) - DIGIT_ZERO)
      }
      place++
    }
    return chosen
  }

  /** The members, in order; views of the packed bytes. */
  *members(): Generator<Buffer> {
    for (const { member } of this.identities()) yield member
  }

  /** What each line is known by, in order; the members are views of the packed bytes. */
  *identities(): Generator<{ second: number; member: Buffer }> {
    for (const { at, end, second } of this.#records())
      yield { second, member: this.#buffer.subarray(at + HEADER_BYTES, end) }
  }

  /** The lines' whole seconds, ascending, one for each line. */
  seconds(): Float64Array {
    const seconds = new Float64Array(this.count)
    let place = 0
    for (const { second } of this.#records()) seconds[place++] = second
    return seconds.sort()
  }

  *#records(): Generator<{ at: number; end: number; second: number }> {
    for (let at = FRONT_BYTES; at < this.#length; ) {
      const end = at + HEADER_BYTES + this.#buffer.readUInt32BE(at + LENGTH_AT)
      const score = this.#buffer.toString('latin1', at + SCORE_AT, at + SCORE_AT + SCORE_BYTES)
      yield { at, end, second: secondOfMicros(microsOfScore(score)) }
      at = end
    }
  }

  /** Takes memory for so many bytes of lines at once, instead of twice as much again and again. */
  makeRoom(bytes: number): void {
    this.#reserve(bytes)
  }

  #include(second: number, statusClass: number): void {
    if (this.count === this.#classes.length) {
      const larger = freeBuffers.take(Math.max(FIRST_CLASSES_BYTES, this.#classes.length * 2))
      this.#classes.copy(larger)
      if (this.#classes.length > 0) freeBuffers.give(this.#classes)
      this.#classes = larger
    }
    this.#classes[this.count++] = DIGIT_ZERO + statusClass
    this.byClass[statusClass] = (this.byClass[statusClass] ?? 0) + 1
    if (second < this.firstSecond) this.firstSecond = second
    if (second > this.lastSecond) this.lastSecond = second
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes
    if (needed <= this.#buffer.length) return
    const larger = freeBuffers.take(Math.max(needed, this.#buffer.length * 2))
    this.#buffer.copy(larger, 0, 0, this.#length)
    if (this.#buffer.length > 0) freeBuffers.give(this.#buffer)
    this.#buffer = larger
  }
}

/** Writes what `scoreText` gives, digit by digit: as a string it was the costliest part of packing a line. */
function writeScore(buffer: Buffer, at: number, second: number, micros: number): void {
  writeDigits(buffer, at, 10, second)
  buffer[at + 10] = 0x2e
  writeDigits(buffer, at + 11, 6, micros)
}

function writeDigits(buffer: Buffer, at: number, digits: number, value: number): void {
  let rest = value
  for (let i = at + digits - 1; i >= at; i--) {
    const next = Math.floor(rest / 10)
    buffer[i] = 0x30 + rest - next * 10
    rest = next
  }
}
