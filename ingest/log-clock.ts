/**
 * The log's own clock: the median time of its last 101 lines. A median, because one line dated 2099 must not move it
 * (with the newest time as clock, such a line closed the window of recent lines for all that followed).
 */

const LINES = 101

export class LogClock {
  /** The last lines' seconds in the order read, as a ring. */
  readonly #ring = new Float64Array(LINES)
  /**
   * The same seconds ascending, each once, and how many lines have it: most logs have a few lines a second, so that this is
   * much shorter than the ring.
   */
  readonly #seconds = new Float64Array(LINES)
  readonly #linesOf = new Uint8Array(LINES)
  #distinct = 0
  #count = 0
  #next = 0
  /** The median in epoch seconds; of the lines so far while there are fewer than 101, 0 before the first. */
  second = 0

  /** Notes one line's epoch second. */
  note(second: number): void {
    if (this.#count < LINES) this.#count++
    else this.#remove(this.#ring[this.#next] ?? 0)
    this.#insert(second)
    this.#ring[this.#next] = second
    this.#next = this.#next + 1 === LINES ? 0 : this.#next + 1
    this.second = this.#median()
  }

  #median(): number {
    let place = 0
    for (let before = this.#linesOf[0] ?? 0; before <= this.#count >> 1; )
      before += this.#linesOf[++place] ?? LINES
    return this.#seconds[place] ?? 0
  }

  #remove(second: number): void {
    const seconds = this.#seconds
    let at = 0
    while (seconds[at] !== second) at++
    const lines = (this.#linesOf[at] ?? 0) - 1
    this.#linesOf[at] = lines
    if (lines > 0) return
    this.#distinct--
    for (let place = at; place < this.#distinct; place++) this.#move(place + 1, place)
  }

  /** From behind, since logs go forward. */
  #insert(second: number): void {
    const seconds = this.#seconds
    let at = this.#distinct
    while (at > 0 && (seconds[at - 1] ?? 0) > second) at--
    if (at > 0 && seconds[at - 1] === second) {
      this.#linesOf[at - 1] = (this.#linesOf[at - 1] ?? 0) + 1
      return
    }
    for (let place = this.#distinct; place > at; place--) this.#move(place - 1, place)
    seconds[at] = second
    this.#linesOf[at] = 1
    this.#distinct++
  }

  #move(from: number, to: number): void {
    this.#seconds[to] = this.#seconds[from] ?? 0
    this.#linesOf[to] = this.#linesOf[from] ?? 0
  }
}
