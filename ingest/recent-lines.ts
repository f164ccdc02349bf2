import { LogClock } from './log-clock.ts'

/**
 * The recent lines of one source: which occurrence of itself a line is (its *ordinal*, part of its identity), and which
 * line of its timestamp (its *position*, part of its score).
 *
 * For every second there is a table of line hashes. It goes once the log's own clock is 300 s past the clock's reading
 * when that second was last seen, and past the second itself: a log is not sorted, but a line that comes later than that
 * starts over at ordinal 0.
 * Hashes have 64 bits and a random seed, so that no visitor can make two lines look alike.
 *
 * A table past its time counts for nothing, swept or not, so that a log read again from elsewhere counts alike; only
 * where the clock goes back after that does it matter whether a sweep came between. Sweeps free the memory, each paid for
 * by the lines since the one before: a log that runs backwards or jumps about moves the clock at every line.
 *
 * Bounded: past {@link MAX_LINES} remembered lines the seconds that were seen longest ago go early, an eighth of all at
 * once. They are counted, for equal lines across such a cut would merge.
 */

const WINDOW_SECONDS = 300
/** How far the clock moves between two sweeps at least, in seconds. */
const SWEEP_SECONDS = 30
/** Lines remembered, at some 20 bytes each; a second's table counts for {@link LINES_A_TABLE} more. */
export const MAX_LINES = 3_000_000
/** A second's table takes as much memory as so many lines in it (measured: 630 bytes with a single line). */
const LINES_A_TABLE = 30
const FIRST_SLOTS = 8
const WORD_BYTES = 4
/** Words of one slot: two halves of the hash, and how often the line was seen (0: the slot is free). */
const SLOT_WORDS = 3
/**
 * Tables that went serve new seconds, so that most neither allocate nor grow: half of what noting a line cost, and most of
 * what outlived a collection. No more is kept than this, 4 MiB in all, since a table may hold fewer lines than it has room
 * for; and no single ones larger than that, since they are cleared.
 */
const KEPT_WORDS = 1024 * 1024
const LARGEST_KEPT_WORDS = 1024 * SLOT_WORDS

interface SecondTable {
  slots: Int32Array
  used: number
  /** What the clock showed when this second was last seen, or the second itself where it was ahead of the clock. */
  seenAtClock: number
  /** Lines so far of each timestamp as written; a second has more than one when zones or fractions differ. */
  stamp: number
  stampLines: number
  otherStamps: Map<number, number> | null
}

export class RecentLines {
  readonly clock = new LogClock()
  /** 0 for the first occurrence of the line noted last, 1 for the second, … */
  ordinal = 0
  /** How many lines of the same timestamp came before the line noted last. */
  position = 0
  /** Seconds that had to go before their time, see {@link MAX_LINES}. */
  forgottenEarly = 0

  readonly #seconds = new Map<number, SecondTable>()
  readonly #maxLines: number
  readonly #keyLow: number
  readonly #keyHigh: number
  readonly #factorLow: number
  readonly #factorHigh: number
  /** The bytes of the line noted last, for reading whole words of them. */
  #bytes: Uint8Array | null = null
  #view: DataView = new DataView(new ArrayBuffer(0))
  /** Lines remembered, and {@link LINES_A_TABLE} for each table. */
  #weight = 0
  /** To be used again. */
  readonly #kept: SecondTable[] = []
  #keptWords = 0
  #sweptAtClock = 0
  #notedSinceSweep = 0
  #last: SecondTable | null = null
  #lastSecond = Number.NaN
  #hashLow = 0
  #hashHigh = 0

  constructor({ seed, maxLines = MAX_LINES }: { seed: bigint; maxLines?: number }) {
    this.#keyLow = Number(seed & 0xffffffffn) | 0
    this.#keyHigh = Number((seed >> 32n) & 0xffffffffn) | 0
    this.#factorLow = mixed(this.#keyLow) | 1
    this.#factorHigh = mixed(this.#keyHigh ^ 0x5bd1e995) | 1
    this.#maxLines = maxLines
  }

  /**
   * Notes the line `bytes[start, end)`, then {@link ordinal} and {@link position} tell about it.
   * @param second the line's whole epoch second
   * @param stamp a number that is the same for equal timestamps as written and no others of that second
   */
  note(line: { bytes: Uint8Array; start: number; end: number; second: number; stamp: number }): void {
    const { second, stamp } = line
    this.clock.note(second)
    const now = this.clock.second
    this.#notedSinceSweep++
    const isSweepPaid = this.#notedSinceSweep * 2 >= this.#seconds.size
    if (isSweepPaid && Math.abs(now - this.#sweptAtClock) >= SWEEP_SECONDS) this.#sweep(now)
    const table = this.#tableOf(second, now)
    // The clock trails the line by half its lines; in a quiet log that can be hours.
    table.seenAtClock = Math.max(now, second)
    this.#hash(line.bytes, line.start, line.end)
    this.ordinal = this.#count(table)
    this.position = countStamp(table, stamp)
    if (this.#weight > this.#maxLines) this.#makeRoom(now)
  }

  /** What the tables hold, in lines; see {@link MAX_LINES}. */
  get remembered(): number {
    return this.#weight
  }

  #tableOf(second: number, now: number): SecondTable {
    let table = second === this.#lastSecond && this.#last ? this.#last : this.#seconds.get(second)
    if (table && isPast(table, now)) {
      this.#forget(second, table)
      table = undefined
    }
    if (!table) {
      table = this.#takeTable()
      this.#seconds.set(second, table)
      this.#weight += LINES_A_TABLE
    }
    this.#last = table
    this.#lastSecond = second
    return table
  }

  /**
   * Two lanes over words of four bytes. Each word is multiplied by a factor that nobody knows and turned by half, so that
   * no bit of a line has an effect on the lane that could be told, and undone by another, without the seed.
   */
  #hash(bytes: Uint8Array, start: number, end: number): void {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    }
    const view = this.#view
    const [factorLow, factorHigh] = [this.#factorLow, this.#factorHigh]
    let low = this.#keyLow ^ (end - start)
    let high = this.#keyHigh
    let at = start
    let word = 0
    for (let isLast = false; !isLast; at += WORD_BYTES) {
      isLast = at + WORD_BYTES > end
      word = isLast ? restOf(bytes, at, end) : view.getInt32(at, true)
      const toLow = Math.imul(word, factorLow)
      low = Math.imul(low ^ ((toLow << 16) | (toLow >>> 16)), 0x9e3779b1)
      low ^= low >>> 15
      const toHigh = Math.imul(word, factorHigh)
      high = Math.imul(high ^ ((toHigh << 16) | (toHigh >>> 16)), 0x85ebca6b)
      high ^= high >>> 13
    }
    this.#hashLow = mixed(low ^ high)
    this.#hashHigh = high
  }

  /** Counts the hashed line in the second's open-addressing table. @returns how often it stood there before. */
  #count(table: SecondTable): number {
    const slots = table.slots
    const mask = slots.length / SLOT_WORDS - 1
    let slot = this.#hashLow & mask
    for (;;) {
      const at = slot * SLOT_WORDS
      const seen = slots[at + 2] ?? 0
      if (seen === 0) {
        slots[at] = this.#hashLow
        slots[at + 1] = this.#hashHigh
        slots[at + 2] = 1
        table.used++
        this.#weight++
        if (table.used * 4 > (mask + 1) * 3) grow(table)
        return 0
      }
      if (slots[at] === this.#hashLow && slots[at + 1] === this.#hashHigh) {
        slots[at + 2] = seen + 1
        return seen
      }
      slot = (slot + 1) & mask
    }
  }

  #sweep(now: number): void {
    this.#sweptAtClock = now
    this.#notedSinceSweep = 0
    // Not by its entries: an array for each was a third of what reading leaves to the collector.
    this.#seconds.forEach((table, second) => {
      if (isPast(table, now)) this.#forget(second, table)
    })
  }

  #makeRoom(now: number): void {
    this.#sweep(now)
    const enough = this.#maxLines - (this.#maxLines >> 3)
    // The second being read goes last of all: more of its lines may follow.
    const bySeen = [...this.#seconds].sort(
      ([, a], [, b]) => Number(a === this.#last) - Number(b === this.#last) || a.seenAtClock - b.seenAtClock,
    )
    for (const [second, table] of bySeen) {
      if (this.#weight <= enough) return
      this.#forget(second, table)
      this.forgottenEarly++
    }
  }

  #forget(second: number, table: SecondTable): void {
    this.#seconds.delete(second)
    this.#weight -= table.used + LINES_A_TABLE
    if (this.#last === table) this.#last = null
    const words = table.slots.length
    if (words > LARGEST_KEPT_WORDS || this.#keptWords + words > KEPT_WORDS) return
    this.#kept.push(table)
    this.#keptWords += words
  }

  #takeTable(): SecondTable {
    const table = this.#kept.pop()
    if (!table) {
      const slots = new Int32Array(FIRST_SLOTS * SLOT_WORDS)
      return { slots, used: 0, seenAtClock: 0, stamp: Number.NaN, stampLines: 0, otherStamps: null }
    }
    this.#keptWords -= table.slots.length
    table.slots.fill(0)
    table.used = table.seenAtClock = table.stampLines = 0
    table.stamp = Number.NaN
    table.otherStamps = null
    return table
  }
}

/** Spreads every bit over all. */
function mixed(word: number): number {
  let bits = word
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return bits ^ (bits >>> 16)
}

/** @returns the up to three bytes from `at` on as one word. */
function restOf(bytes: Uint8Array, at: number, end: number): number {
  let word = 0
  for (let i = end - 1; i >= at; i--) word = (word << 8) | (bytes[i] ?? 0)
  return word
}

function isPast(table: SecondTable, now: number): boolean {
  return now - table.seenAtClock > WINDOW_SECONDS
}

function countStamp(table: SecondTable, stamp: number): number {
  if (table.stamp === stamp) return table.stampLines++
  if (table.stampLines === 0) {
    table.stamp = stamp
    table.stampLines = 1
    return 0
  }
  table.otherStamps ??= new Map()
  const lines = table.otherStamps.get(stamp) ?? 0
  table.otherStamps.set(stamp, lines + 1)
  return lines
}

function grow(table: SecondTable): void {
  const old = table.slots
  const larger = new Int32Array(old.length * 2)
  const mask = larger.length / SLOT_WORDS - 1
  for (let at = 0; at < old.length; at += SLOT_WORDS) {
    if (old[at + 2] === 0) continue
    let slot = (old[at] ?? 0) & mask
    while (larger[slot * SLOT_WORDS + 2] !== 0) slot = (slot + 1) & mask
    larger.set(old.subarray(at, at + SLOT_WORDS), slot * SLOT_WORDS)
  }
  table.slots = larger
}
