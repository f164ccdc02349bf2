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

/** Decides about each line, gives it its identity and its place, and packs it with its like until the batch is taken. */
export class BatchBuilder implements LineReceiver {
  readonly #source: string
  readonly #recent: RecentLines
  readonly #nowSeconds: () => number
  readonly #scanned: ScannedLine = newScannedLine()
  #groups = new Map<string, PackedLines>()
  #last: PackedLines | null = null
  #lastDay = Number.NaN
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
      this.#groups.size >= BATCH_GROUPS
    )
  }

  /** @returns what was gathered, and begins anew. */
  take(): Batch {
    const batch: Batch = {
      groups: [...this.#groups.values()],
      rejects: this.#rejects,
      read: this.#read,
      unassigned: this.#unassigned,
    }
    this.#groups = new Map()
    this.#last = null
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
          : second > this.#nowSeconds() + DAY_SECONDS
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

  #group(bytes: Buffer, second: number): PackedLines {
    const { idStart, idEnd } = this.#scanned
    const day = Math.floor(second / DAY_SECONDS)
    const id = bytes.toString('latin1', idStart, idEnd) as CollectionId
    if (this.#last?.collection === id && this.#lastDay === day) return this.#last
    const key = `${id} ${day}`
    let group = this.#groups.get(key)
    if (!group) {
      group = new PackedLines(id, this.#source, utcDay(second))
      this.#groups.set(key, group)
    }
    this.#last = group
    this.#lastDay = day
    return group
  }
}
