import type { CollectionId } from '#lib/collection-id.ts'
import { MICROS } from '#lib/line/log-time.ts'
import { memberTag, tagStart } from '#lib/line/member.ts'
import { newScannedLine, type ScannedLine, scanLine } from '#lib/line/scan-line.ts'
import { utcDay } from '#lib/store/keys.ts'
import { PackedLines } from '#lib/store/packed-lines.ts'
import { REJECT_LINE_BYTES, type Reject } from '#lib/store/rejects.ts'
import { type LineReceiver, MAX_LINE_BYTES } from './line-splitter.ts'
import type { RecentLines } from './recent-lines.ts'

/** One batch of lines of one source on its way to the store. */
export interface Batch {
  readonly groups: readonly PackedLines[]
  readonly rejects: readonly Reject[]
  readonly read: number
  readonly unassigned: number
}

/** A batch is sent at the latest when it holds this much. */
const BATCH_LINES = 30_000
const BATCH_BYTES = 8 * 1024 * 1024
/** Days × collections in one batch: a log that jumps about in time must not fill memory with nearly empty buffers. */
const BATCH_GROUPS = 4000

const DAY_SECONDS = 86_400
/** Ids of so many digits are told apart as numbers, which needs no text for each line. */
const EXACT_DIGITS = 15

/** Decides about each line, gives it its identity and its place, and packs it with its like until the batch is taken. */
export class BatchBuilder implements LineReceiver {
  readonly #source: string
  readonly #recent: RecentLines
  readonly #nowSeconds: () => number
  readonly #scanned: ScannedLine = newScannedLine()
  #groups: PackedLines[] = []
  /** The groups by day and id. */
  #days = new Map<number, Map<number | string, PackedLines>>()
  #lastGroups: Map<number | string, PackedLines> | null = null
  #lastDay = Number.NaN
  /** Bytes of each id's group in the batch before: what room the next will need. */
  #bytesBefore = new Map<number | string, number>()
  /** Up to this second a line is not dated too far ahead; looked up again for a later one. */
  #latestSecond = Number.NEGATIVE_INFINITY
  #rejects: Reject[] = []
  #rejectBytes = 0
  #lineBytes = 0
  #read = 0
  #unassigned = 0

  constructor(options: { source: string; recent: RecentLines; nowSeconds: () => number }) {
    this.#source = options.source
    this.#recent = options.recent
    this.#nowSeconds = options.nowSeconds
  }

  get isEmpty(): boolean {
    return this.#read === 0
  }

  get isFull(): boolean {
    return (
      this.#read >= BATCH_LINES ||
      this.#lineBytes + this.#rejectBytes >= BATCH_BYTES ||
      this.#groups.length >= BATCH_GROUPS
    )
  }

  /** @returns what was gathered, and begins anew. */
  take(): Batch {
    const batch: Batch = {
      groups: this.#groups,
      rejects: this.#rejects,
      read: this.#read,
      unassigned: this.#unassigned,
    }
    this.#bytesBefore = new Map()
    for (const groups of this.#days.values())
      for (const [key, { bytes }] of groups) this.#bytesBefore.set(key, bytes.length)
    this.#groups = []
    this.#days = new Map()
    this.#lastGroups = null
    this.#rejects = []
    this.#rejectBytes = this.#lineBytes = this.#read = this.#unassigned = 0
    return batch
  }

  line(bytes: Buffer, start: number, end: number): void {
    this.#read++
    const scanned = this.#scanned
    scanLine(bytes, start, end, scanned)
    if (scanned.kind === 'unassigned') {
      this.#unassigned++
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
    this.#recent.note({ bytes, start, end, second, stamp })
    const { ordinal, position } = this.#recent
    const tag = memberTag(this.#source, ordinal, () => tagStart(bytes, start, end) >= 0)
    const micros = second * MICROS + fraction + Math.min(position, unit - 1)
    this.#group(bytes, second).add({ from: bytes, start, end, tag, micros, statusClass: scanned.statusClass })
    this.#lineBytes += end - start
  }

  tooLong(beginning: Buffer, sizeBytes: number): void {
    this.#read++
    this.#reject(`longer than ${MAX_LINE_BYTES} bytes`, beginning, sizeBytes)
  }

  #reject(reason: string, line: Buffer, sizeBytes: number): void {
    const kept = Buffer.from(line.subarray(0, REJECT_LINE_BYTES))
    this.#rejects.push({ source: this.#source, reason, line: kept, sizeBytes })
    this.#rejectBytes += kept.length
  }

  #isAhead(second: number): boolean {
    if (second > this.#latestSecond) this.#latestSecond = this.#nowSeconds() + DAY_SECONDS
    return second > this.#latestSecond
  }

  #group(bytes: Buffer, second: number): PackedLines {
    const { idStart, idEnd } = this.#scanned
    const day = Math.floor(second / DAY_SECONDS)
    if (this.#lastGroups === null || this.#lastDay !== day) {
      this.#lastDay = day
      this.#lastGroups = this.#days.get(day) ?? new Map()
      this.#days.set(day, this.#lastGroups)
    }
    const key =
      idEnd - idStart <= EXACT_DIGITS ? numberAt(bytes, idStart, idEnd) : idAt(bytes, idStart, idEnd)
    let group = this.#lastGroups.get(key)
    if (!group) {
      group = new PackedLines(idAt(bytes, idStart, idEnd), this.#source, utcDay(second))
      group.makeRoom(this.#bytesBefore.get(key) ?? 0)
      // Once a batch: an id on many days must not get it for each of them.
      this.#bytesBefore.delete(key)
      this.#lastGroups.set(key, group)
      this.#groups.push(group)
    }
    return group
  }
}

/** The scan takes an id only by its rule, `[1-9][0-9]{0,19}`. */
const idAt = (bytes: Buffer, start: number, end: number) =>
  bytes.toString('latin1', start, end) as CollectionId

function numberAt(bytes: Buffer, start: number, end: number): number {
  let value = 0
  for (let i = start; i < end; i++) value = value * 10 + (bytes[i] ?? 0) - 0x30
  return value
}
