/**
 * The log's own clock: the median time of its last 101 lines. A median, because one line dated 2099 must not move it
 * (with the newest time as clock, such a line closed the window of recent lines for all that followed).
 */

const LINES = 101

export class LogClock {
  /** The last lines' seconds, as a ring in the order read and as a sorted copy. */
  readonly #ring = new Float64Array(LINES)
  readonly #sorted = new Float64Array(LINES)
  #count = 0
  #next = 0

  /** Notes one line's epoch second. */
  note(second: number): void {
    const sorted = this.#sorted
    if (this.#count === LINES) {
      const oldest = this.#ring[this.#next] ?? 0
      if (oldest !== second) {
        const at = this.#place(oldest, LINES)
        sorted.copyWithin(at, at + 1, LINES)
        this.#insert(second, LINES - 1)
      }
    } else {
      this.#insert(second, this.#count)
      this.#count++
    }
    this.#ring[this.#next] = second
    this.#next = (this.#next + 1) % LINES
  }

  /** The median in epoch seconds; of the lines so far while there are fewer than 101, 0 before the first. */
  get second(): number {
    return this.#count === 0 ? 0 : (this.#sorted[this.#count >> 1] ?? 0)
  }

  /** @returns the first place among the first `count` sorted seconds that does not come before `second`. */
  #place(second: number, count: number): number {
    let low = 0
    let high = count
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#sorted[middle] ?? 0) < second) low = middle + 1
      else high = middle
    }
    return low
  }

  #insert(second: number, count: number): void {
    const at = this.#place(second, count)
    this.#sorted.copyWithin(at + 1, at, count)
    this.#sorted[at] = second
  }
}
