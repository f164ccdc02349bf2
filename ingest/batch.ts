import { utcDay } from '#lib/store/keys.ts'
import { PackedLines } from '#lib/store/packed-lines.ts'
import type { Reject } from '#lib/store/rejects.ts'
import { collectionOf, type DecidedLine, idKey, LineDecider } from './line-decider.ts'
import type { LineReceiver } from './line-splitter.ts'
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

/** Packs the lines of one source with their like, as decided about, until the batch is taken. */
export class BatchBuilder implements LineReceiver {
  readonly #source: string
  readonly #decider: LineDecider
  #groups: PackedLines[] = []
  /** The groups by day and id. */
  #days = new Map<number, Map<number | string, PackedLines>>()
  #lastGroups: Map<number | string, PackedLines> | null = null
  #lastDay = Number.NaN
  /** Bytes of each id's group in the batch before: what room the next will need. */
  #bytesBefore = new Map<number | string, number>()
  #rejects: Reject[] = []
  #rejectBytes = 0
  #lineBytes = 0
  #read = 0
  #unassigned = 0

  constructor(options: { source: string; recent: RecentLines; nowSeconds: () => number }) {
    this.#source = options.source
    this.#decider = new LineDecider({
      ...options,
      receiver: {
        assigned: (line) => {
          const { bytes: from, start, end, tag, micros, statusClass } = line
          this.#group(line).add({ from, start, end, tag, micros, statusClass })
          this.#lineBytes += end - start
        },
        unassigned: () => {
          this.#unassigned++
        },
        rejected: (reject) => {
          this.#rejects.push(reject)
          this.#rejectBytes += reject.line.length
        },
      },
    })
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
    this.#decider.line(bytes, start, end)
  }

  tooLong(beginning: Buffer, sizeBytes: number): void {
    this.#read++
    this.#decider.tooLong(beginning, sizeBytes)
  }

  #group(line: DecidedLine): PackedLines {
    const { second } = line
    const day = Math.floor(second / DAY_SECONDS)
    if (this.#lastGroups === null || this.#lastDay !== day) {
      this.#lastDay = day
      this.#lastGroups = this.#days.get(day) ?? new Map()
      this.#days.set(day, this.#lastGroups)
    }
    const key = idKey(line)
    let group = this.#lastGroups.get(key)
    if (!group) {
      group = new PackedLines(collectionOf(line), this.#source, utcDay(second))
      group.makeRoom(this.#bytesBefore.get(key) ?? 0)
      // Once a batch: an id on many days must not get it for each of them.
      this.#bytesBefore.delete(key)
      this.#lastGroups.set(key, group)
      this.#groups.push(group)
    }
    return group
  }
}
