import { tagStart } from '../line/member.ts'

/** Lines of one collection in (score, member) order, as the columns that a segment stores and readers work on. */

const LF = 0x0a

/** Lines in (score, member) order, as columns. */
export interface SegmentLines {
  readonly count: number
  /** Microseconds since the epoch, ascending. */
  readonly micros: Float64Array
  /** Every line followed by LF. */
  readonly text: Buffer
  /** Where each line begins in {@link text}, and behind the last one its end: `count + 1` offsets. */
  readonly starts: Uint32Array
  /** What follows the line in its member, with its TAB; '' where the member is the line. */
  readonly tags: readonly string[]
  /** Each line's place in {@link tags}. */
  readonly tagOf: Uint32Array
  /** Each line's status class, 0 to 5, where whoever gathered them knows: not stored, but spares looking again. */
  readonly classes?: Uint8Array
}

/** @returns the member of the line at that place, as the sorted set holds it. */
export function memberAt({ text, starts, tags, tagOf }: SegmentLines, place: number): Buffer {
  const line = text.subarray(starts[place] ?? 0, (starts[place + 1] ?? 1) - 1)
  const tag = tags[tagOf[place] ?? 0] ?? ''
  return tag === '' ? line : Buffer.concat([line, Buffer.from(tag, 'latin1')])
}

/** Gathers lines, given in (score, member) order, for {@link encodeSegment}. */
export class SegmentBuilder {
  #text: Buffer
  #length = 0
  readonly #micros: number[] = []
  readonly #starts: number[] = [0]
  readonly #tagOf: number[] = []
  readonly #placeOfTag = new Map<string, number>()

  constructor(capacityBytes = 64 * 1024) {
    this.#text = Buffer.allocUnsafeSlow(capacityBytes)
  }

  get count(): number {
    return this.#micros.length
  }

  /** Bytes of the lines with their LF. */
  get textBytes(): number {
    return this.#length
  }

  /** @param member in the bytes from `start` to `end` */
  addMember(micros: number, member: Buffer, start = 0, end = member.length): void {
    const at = tagStart(member, start, end)
    this.add(micros, member, start, at < 0 ? end : at, at < 0 ? '' : member.toString('latin1', at, end))
  }

  /** Adds the line at that place of others. */
  addFrom(lines: SegmentLines, place: number): void {
    const { micros, text, starts, tags, tagOf } = lines
    const tag = tags[tagOf[place] ?? 0] ?? ''
    this.add(micros[place] ?? 0, text, starts[place] ?? 0, (starts[place + 1] ?? 1) - 1, tag)
  }

  add(micros: number, from: Buffer, start: number, end: number, tag: string): void {
    const needed = this.#length + end - start + 1
    if (needed > this.#text.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#text.length * 2))
      this.#text.copy(larger, 0, 0, this.#length)
      this.#text = larger
    }
    from.copy(this.#text, this.#length, start, end)
    this.#text[needed - 1] = LF
    this.#length = needed
    this.#micros.push(micros)
    this.#starts.push(needed)
    let place = this.#placeOfTag.get(tag)
    if (place === undefined) {
      place = this.#placeOfTag.size
      this.#placeOfTag.set(tag, place)
    }
    this.#tagOf.push(place)
  }

  /** What was added; a view that the next `add` may leave behind. */
  lines(): SegmentLines {
    return {
      count: this.count,
      micros: Float64Array.from(this.#micros),
      text: this.#text.subarray(0, this.#length),
      starts: Uint32Array.from(this.#starts),
      tags: [...this.#placeOfTag.keys()],
      tagOf: Uint32Array.from(this.#tagOf),
    }
  }
}

/** @returns the place, not before `from`, of the first of those ascending moments at or after `micros`; their number where none is. */
export function firstAtOrAfter(moments: Float64Array, micros: number, from = 0): number {
  let low = from
  let high = moments.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((moments[middle] ?? 0) >= micros) high = middle
    else low = middle + 1
  }
  return low
}
