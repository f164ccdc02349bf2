/**
 * How many things somebody has under way at once. Counted in the process and not in Redis: what is held, memory,
 * connections and reads of the store, is this process's own, goes with it, and is given back in the moment it ends. A
 * count elsewhere would outlive a process that died.
 */

/** Requests of one session that are not answered yet. A browser has six at a time, or some dozens behind a proxy; live views count too. */
export const MAX_REQUESTS_AT_ONCE = 64
/** Downloads of one person. Each reads the store ahead of its reader by a few thousand lines, and as many wait in the process. */
export const MAX_DOWNLOADS_AT_ONCE = 20
/** Something that is under way ends at any moment. */
export const HELD_RETRY_SECONDS = 1

export class Held {
  readonly #counts = new Map<string, number>()
  readonly #max: number

  /** @param max that one of them may have at once */
  constructor(max: number) {
    this.#max = max
  }

  /** @returns what gives it back, once however often it is called; null when there is no room for another. */
  take(who: string): (() => void) | null {
    const count = this.#counts.get(who) ?? 0
    if (count >= this.#max) return null
    this.#counts.set(who, count + 1)
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      const left = (this.#counts.get(who) ?? 1) - 1
      if (left === 0) this.#counts.delete(who)
      else this.#counts.set(who, left)
    }
  }

  /** How many have something under way; for tests. */
  get size(): number {
    return this.#counts.size
  }
}
