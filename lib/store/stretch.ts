import { logText } from '../line/log-text.ts'
import { maskAddresses } from '../line/mask-addresses.ts'
import { type DecodedMember, decodeMember } from '../line/member.ts'
import type { SegmentLines } from '../segment/lines.ts'

/** A piece of a collection's lines in (score, member) order, on its way out. Bytes are views, where they can be. */
export interface Stretch {
  readonly count: number
  /** Each line's own bytes and one LF. */
  text(): Buffer
  lines(): Iterable<DecodedMember>
}

/** Hot lines: members as the sorted set gave them. */
export class HotStretch implements Stretch {
  readonly #members: readonly Buffer[]

  constructor(members: readonly Buffer[]) {
    this.#members = members
  }

  get count(): number {
    return this.#members.length
  }

  text(): Buffer {
    return logText(this.#members)
  }

  *lines(): Generator<DecodedMember> {
    for (const member of this.#members) yield decodeMember(member)
  }
}

/** Lines of a segment, from place `from` to before place `to`: their text is what the segment holds. */
export class SealedStretch implements Stretch {
  readonly #lines: SegmentLines
  readonly #from: number
  readonly #to: number

  constructor(lines: SegmentLines, from: number, to: number) {
    this.#lines = lines
    this.#from = from
    this.#to = to
  }

  get count(): number {
    return this.#to - this.#from
  }

  text(): Buffer {
    const { text, starts } = this.#lines
    return text.subarray(starts[this.#from], starts[this.#to])
  }

  *lines(): Generator<DecodedMember> {
    const { text, starts, tags, tagOf } = this.#lines
    const decoded = tags.map((tag) => decodeMember(Buffer.from(tag, 'latin1')))
    for (let place = this.#from; place < this.#to; place++)
      yield {
        source: '',
        ordinal: 0,
        ...decoded[tagOf[place] ?? 0],
        line: text.subarray(starts[place], (starts[place + 1] ?? 1) - 1),
      }
  }
}

/** Several stretches, one after the other. */
export class JoinedStretch implements Stretch {
  readonly #parts: readonly Stretch[]
  readonly count: number

  constructor(parts: readonly Stretch[]) {
    this.#parts = parts
    this.count = parts.reduce((lines, part) => lines + part.count, 0)
  }

  text(): Buffer {
    return Buffer.concat(this.#parts.map((part) => part.text()))
  }

  *lines(): Generator<DecodedMember> {
    for (const part of this.#parts) yield* part.lines()
  }
}

/** A stretch with every address shown as its network. */
export class MaskedStretch implements Stretch {
  readonly #stored: Stretch
  readonly count: number

  constructor(stored: Stretch) {
    this.#stored = stored
    this.count = stored.count
  }

  text(): Buffer {
    return maskAddresses(this.#stored.text())
  }

  *lines(): Generator<DecodedMember> {
    for (const stored of this.#stored.lines()) yield { ...stored, line: maskAddresses(stored.line) }
  }
}
