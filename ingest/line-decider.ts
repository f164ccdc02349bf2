import type { CollectionId } from '#lib/collection-id.ts'
import { MICROS } from '#lib/line/log-time.ts'
import { memberTag, tagStart } from '#lib/line/member.ts'
import { newScannedLine, type ScannedLine, scanLine } from '#lib/line/scan-line.ts'
import { REJECT_LINE_BYTES, type Reject } from '#lib/store/rejects.ts'
import { type LineReceiver, MAX_LINE_BYTES } from './line-splitter.ts'
import type { RecentLines } from './recent-lines.ts'

/** A line that belongs to a collection. One object is reused for a whole log. */
export interface DecidedLine {
  /** The line is `bytes[start, end)`. */
  bytes: Buffer
  start: number
  end: number
  /** Where its collection's id stands. */
  idStart: number
  idEnd: number
  /** Whole second of its time. */
  second: number
  /** Its place in time, microseconds since the epoch. */
  micros: number
  /** What makes it a member (see `memberTag`). */
  tag: string
  /** 1 to 5, or 0 where none is known. */
  statusClass: number
}

/** Told what each line turned out to be, in the log's order. */
export interface DecisionReceiver {
  /** @param line valid until the call returns */
  assigned(line: DecidedLine): void
  unassigned(): void
  rejected(reject: Reject): void
}

const DAY_SECONDS = 86_400
/** Ids of so many digits are told apart as numbers, which needs no text for each line. */
const EXACT_DIGITS = 15

/** Decides about each line of one source, and gives it its identity and its place. */
export class LineDecider implements LineReceiver {
  readonly #source: string
  readonly #recent: RecentLines
  readonly #nowSeconds: () => number
  readonly #receiver: DecisionReceiver
  readonly #scanned: ScannedLine = newScannedLine()
  /** Of a line's first occurrence, where there is a source. */
  readonly #firstTag: string
  readonly #decided: DecidedLine = {
    bytes: Buffer.alloc(0),
    start: 0,
    end: 0,
    idStart: 0,
    idEnd: 0,
    second: 0,
    micros: 0,
    tag: '',
    statusClass: 0,
  }
  /** Reused: an object a line was a quarter of what the collector had to do. */
  readonly #noted = { bytes: Buffer.alloc(0) as Buffer, start: 0, end: 0, second: 0, stamp: 0 }
  /** Up to this second a line is not dated too far ahead; looked up again for a later one. */
  #latestSecond = Number.NEGATIVE_INFINITY

  constructor(options: {
    source: string
    recent: RecentLines
    nowSeconds: () => number
    receiver: DecisionReceiver
  }) {
    this.#source = options.source
    this.#recent = options.recent
    this.#nowSeconds = options.nowSeconds
    this.#receiver = options.receiver
    this.#firstTag = memberTag(options.source, 0, () => false)
  }

  line(bytes: Buffer, start: number, end: number): void {
    const scanned = this.#scanned
    scanLine(bytes, start, end, scanned)
    if (scanned.kind === 'unassigned') {
      this.#receiver.unassigned()
      return
    }
    const { second, fraction, unit, offsetMinutes } = scanned.time
    const fault =
      scanned.kind === 'bad-time'
        ? 'no readable time'
        : second < 0
          ? 'dated before 1970'
          : this.#isAhead(second)
            ? 'dated more than a day ahead'
            : null
    if (fault) {
      this.#reject(fault, bytes.subarray(start, end), end - start)
      return
    }
    // Equal for equal timestamps as written within one second: by zone, or by the fraction where there is one.
    const stamp = unit === MICROS ? offsetMinutes : MICROS + fraction
    const noted = this.#noted
    noted.bytes = bytes
    noted.start = start
    noted.end = end
    noted.second = second
    noted.stamp = stamp
    this.#recent.note(noted)
    const { ordinal, position } = this.#recent
    const decided = this.#decided
    decided.bytes = bytes
    decided.start = start
    decided.end = end
    decided.idStart = scanned.idStart
    decided.idEnd = scanned.idEnd
    decided.second = second
    decided.micros = second * MICROS + fraction + Math.min(position, unit - 1)
    decided.tag =
      ordinal === 0 && this.#source !== ''
        ? this.#firstTag
        : memberTag(this.#source, ordinal, () => tagStart(bytes, start, end) >= 0)
    decided.statusClass = scanned.statusClass
    this.#receiver.assigned(decided)
  }

  tooLong(beginning: Buffer, sizeBytes: number): void {
    this.#reject(`longer than ${MAX_LINE_BYTES} bytes`, beginning, sizeBytes)
  }

  #reject(reason: string, line: Buffer, sizeBytes: number): void {
    const kept = Buffer.from(line.subarray(0, REJECT_LINE_BYTES))
    this.#receiver.rejected({ source: this.#source, reason, line: kept, sizeBytes })
  }

  #isAhead(second: number): boolean {
    if (second > this.#latestSecond) this.#latestSecond = this.#nowSeconds() + DAY_SECONDS
    return second > this.#latestSecond
  }
}

/** @returns the line's id as something to look it up by, cheaper than the id itself. */
export function idKey({ bytes, idStart, idEnd }: DecidedLine): number | string {
  if (idEnd - idStart > EXACT_DIGITS) return bytes.toString('latin1', idStart, idEnd)
  let value = 0
  for (let i = idStart; i < idEnd; i++) value = value * 10 + (bytes[i] ?? 0) - 0x30
  return value
}

/** The scan takes an id only by its rule, `[1-9][0-9]{0,19}`. */
export const collectionOf = ({ bytes, idStart, idEnd }: DecidedLine) =>
  bytes.toString('latin1', idStart, idEnd) as CollectionId
