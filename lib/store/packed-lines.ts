import type { CollectionId } from '../collection-id.ts'
import { FreeBuffers } from './free-buffers.ts'
import { microsOfScore, SCORE_BYTES, secondOfMicros } from './score.ts'

/**
 * Lines on their way to one append call: of one collection, one source and one UTC day, packed into a single buffer as
 * `append.lua` takes them, so that a batch of thousands is one argument and no object a line.
 *
 *     u32 length of the member, little endian | status class, one digit | score, 17 characters | member
 *
 * There is room in front of the lines and behind them, so that the whole command is written from where they stand: a
 * copy of every line into a fresh buffer, and one more into the client's, cost as much as finding the lines did.
 */

const HEADER_BYTES = 4 + 1 + SCORE_BYTES
/** What stands before the lines in a command: seven keys and five arguments of an append take some 550 bytes. */
const FRONT_BYTES = 768
const BACK = '\r\n'
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
  #buffer = freeBuffers.take(FIRST_CAPACITY_BYTES)
  #length = FRONT_BYTES

  constructor(collection: CollectionId, source: string, day: string) {
    this.collection = collection
    this.source = source
    this.day = day
  }

  /** The packed bytes; a view that the next {@link add} may leave behind. */
  get bytes(): Buffer {
    return this.#buffer.subarray(FRONT_BYTES, this.#length)
  }

  /**
   * A Redis command whose last argument is the packed bytes, as it goes over the wire; no copy but a view, until the next
   * {@link add} or {@link release}.
   * @param front the command up to and with the line that tells the last argument's length, in ASCII
   */
  command(front: string): Buffer {
    if (front.length > FRONT_BYTES)
      throw new Error(`${front.length} bytes stand before the lines of an append`)
    const start = FRONT_BYTES - front.length
    this.#reserve(BACK.length)
    this.#buffer.write(front, start, 'latin1')
    this.#buffer.write(BACK, this.#length, 'latin1')
    return this.#buffer.subarray(start, this.#length + BACK.length)
  }

  /**
   * Lets others use the memory; there are no lines any more, and no view of them may be looked at. Not for a group whose
   * command got no answer: the socket may still be reading it.
   */
  release(): void {
    freeBuffers.give(this.#buffer)
    this.#buffer = Buffer.alloc(0)
    this.#length = FRONT_BYTES
    this.count = 0
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
    buffer[at] = memberBytes
    buffer[at + 1] = memberBytes >>> 8
    buffer[at + 2] = memberBytes >>> 16
    buffer[at + 3] = memberBytes >>> 24
    buffer[at + 4] = 0x30 + statusClass
    writeScore(buffer, at + 5, second, micros - second * MICROS_PER_SECOND)
    at += HEADER_BYTES
    at += from.copy(buffer, at, start, end)
    for (let i = 0; i < tag.length; i++) buffer[at++] = tag.charCodeAt(i)
    this.#length = at
    this.#include(second)
  }

  /** @returns those of the lines that `keep` says yes to, by their 0-based place and whole second. */
  select(keep: (place: number, second: number) => boolean): PackedLines {
    const chosen = new PackedLines(this.collection, this.source, this.day)
    let place = 0
    for (const { at, end, second } of this.#records()) {
      if (keep(place++, second)) {
        chosen.#reserve(end - at)
        chosen.#length += this.#buffer.copy(chosen.#buffer, chosen.#length, at, end)
        chosen.#include(second)
      }
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
      const end = at + HEADER_BYTES + this.#buffer.readUInt32LE(at)
      const score = this.#buffer.toString('latin1', at + 5, at + 5 + SCORE_BYTES)
      yield { at, end, second: secondOfMicros(microsOfScore(score)) }
      at = end
    }
  }

  /** Takes memory for so many bytes of lines at once, instead of twice as much again and again. */
  makeRoom(bytes: number): void {
    this.#reserve(bytes + BACK.length)
  }

  #include(second: number): void {
    this.count++
    if (second < this.firstSecond) this.firstSecond = second
    if (second > this.lastSecond) this.lastSecond = second
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes
    if (needed <= this.#buffer.length) return
    const larger = freeBuffers.take(Math.max(needed, this.#buffer.length * 2))
    this.#buffer.copy(larger, 0, 0, this.#length)
    freeBuffers.give(this.#buffer)
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
