import { memberAt, type SegmentLines } from '../segment/lines.ts'

/** Bringing hot and sealed lines of one page together, in (score, member) order. Pure: reading is its caller's. */

/** A line on its way onto a page. */
export interface MergedLine {
  readonly micros: number
  readonly member: Buffer
}

/** Hot lines of a stretch, ascending, and whether the store has more of them in the direction read. */
export interface HotLines {
  readonly lines: readonly MergedLine[]
  readonly hasMore: boolean
}

/** A stretch of a segment: its lines from place `from` to before place `to`. */
export interface Block {
  readonly lines: SegmentLines
  readonly from: number
  readonly to: number
}

export interface PageBounds {
  readonly limit: number
  readonly maxBytes: number
}

/** Whether the reading goes with time or against it. */
export type Direction = 'forward' | 'backward'

/**
 * Takes lines in the direction read, until the page is full. Hot lines come all at once, blocks one after the other, as
 * the direction meets them.
 */
export class PageMerge {
  /** In the direction read. */
  readonly taken: MergedLine[] = []
  /** How many of either were taken. */
  hotTaken = 0
  sealedTaken = 0
  /** Hot lines ran out while the store has more: what stands behind them in segments is not known to be next. */
  isShort = false
  isFull = false
  readonly #hot: HotLines
  readonly #isForward: boolean
  readonly #bounds: PageBounds
  #bytes = 0

  constructor(hot: HotLines, direction: Direction, bounds: PageBounds) {
    this.#hot = hot
    this.#isForward = direction === 'forward'
    this.#bounds = bounds
    this.isFull = bounds.limit <= 0
  }

  get isDone(): boolean {
    return this.isFull || this.isShort
  }

  takeBlock({ lines, from, to }: Block): void {
    for (let taken = 0; taken < to - from && !this.isDone; ) {
      const place = this.#isForward ? from + taken : to - 1 - taken
      const hot = this.#nextHot()
      if (!hot && this.#hot.hasMore) {
        this.isShort = true
      } else if (hot && this.#comesFirst(hot, lines, place)) {
        this.#takeHot(hot)
      } else if (this.#take({ micros: lines.micros[place] ?? 0, member: memberAt(lines, place) })) {
        this.sealedTaken++
        taken++
      }
    }
  }

  /** What is left of the hot lines, after all blocks. */
  takeRest(): void {
    for (let hot = this.#nextHot(); hot && !this.isDone; hot = this.#nextHot()) this.#takeHot(hot)
    if (!this.isFull && this.#hot.hasMore) this.isShort = true
  }

  #nextHot(): MergedLine | undefined {
    return this.#hot.lines.at(this.#isForward ? this.hotTaken : -1 - this.hotTaken)
  }

  #takeHot(line: MergedLine): void {
    if (this.#take(line)) this.hotTaken++
  }

  #comesFirst(hot: MergedLine, lines: SegmentLines, place: number): boolean {
    const difference = hot.micros - (lines.micros[place] ?? 0) || hot.member.compare(memberAt(lines, place))
    return this.#isForward ? difference < 0 : difference > 0
  }

  /** @returns whether there was room. One line always has room. */
  #take(line: MergedLine): boolean {
    const { limit, maxBytes } = this.#bounds
    if (this.taken.length > 0 && this.#bytes + line.member.length > maxBytes) {
      this.isFull = true
      return false
    }
    this.taken.push(line)
    this.#bytes += line.member.length
    if (this.taken.length >= limit) this.isFull = true
    return true
  }
}
