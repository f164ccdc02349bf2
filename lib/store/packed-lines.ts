import type { CollectionId } from '../collection-id.ts'
import { microsOfScore, SCORE_BYTES, scoreText, secondOfMicros } from './score.ts'

/**
 * Lines on their way to one append call: of one collection, one source and one UTC day, packed into a single buffer as
 * `append.lua` takes them, so that a batch of thousands is one argument and no object a line.
 *
 *     u32 length of the member, little endian | status class, one digit | score, 17 characters | member
 */

const HEADER_BYTES = 4 + 1 + SCORE_BYTES
const FIRST_CAPACITY_BYTES = 1024

export class PackedLines {
  readonly collection: CollectionId
  readonly source: string
  /** UTC day of all the lines, `YYYYMMDD`. */
  readonly day: string
  count = 0
  /** Lowest and highest whole second of the lines. */
  firstSecond = Number.POSITIVE_INFINITY
  lastSecond = Number.NEGATIVE_INFINITY
  #buffer = Buffer.allocUnsafe(FIRST_CAPACITY_BYTES)
  #length = 0

  constructor(collection: CollectionId, source: string, day: string) {
    this.collection = collection
    this.source = source
    this.day = day
  }

  /** The packed bytes; a view that the next {@link add} may leave behind. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length)
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
    const memberBytes = end - start + tag.length
    this.#reserve(HEADER_BYTES + memberBytes)
    const buffer = this.#buffer
    let at = this.#length
    buffer.writeUInt32LE(memberBytes, at)
    buffer[at + 4] = 0x30 + statusClass
    buffer.write(scoreText(micros), at + 5, SCORE_BYTES, 'latin1')
    at += HEADER_BYTES
    at += from.copy(buffer, at, start, end)
    if (tag !== '') at += buffer.write(tag, at, tag.length, 'latin1')
    this.#length = at
    this.#include(secondOfMicros(micros))
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
    for (const { at, end } of this.#records()) yield this.#buffer.subarray(at + HEADER_BYTES, end)
  }

  *#records(): Generator<{ at: number; end: number; second: number }> {
    for (let at = 0; at < this.#length; ) {
      const end = at + HEADER_BYTES + this.#buffer.readUInt32LE(at)
      const score = this.#buffer.toString('latin1', at + 5, at + 5 + SCORE_BYTES)
      yield { at, end, second: secondOfMicros(microsOfScore(score)) }
      at = end
    }
  }

  #include(second: number): void {
    this.count++
    if (second < this.firstSecond) this.firstSecond = second
    if (second > this.lastSecond) this.lastSecond = second
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes
    if (needed <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2))
    this.#buffer.copy(larger, 0, 0, this.#length)
    this.#buffer = larger
  }
}
