import { lineOf, type ModelStore, type Position, scoreOf, secondOf } from './model.ts'

/** What has to hold after every step of the model, whoever made it. */

/** A schedule has shown that the protocol is wrong. */
export class Violation extends Error {
  override readonly name = 'Violation'
}

/** What stood when a reader began. */
export interface Beginning {
  readonly stood: Uint8Array
  readonly gone: Uint8Array
}

export class Observer {
  readonly #store: ModelStore
  readonly #count: number
  /** By line: how many places it stands in. */
  #stands: Uint8Array
  #spare: Uint8Array
  /** By line: removed by retention. */
  readonly #gone: Uint8Array
  /** By line: where it was first stored. */
  readonly #placed: Float64Array
  #version = -1

  constructor(store: ModelStore, lines: number) {
    this.#store = store
    this.#count = lines
    this.#stands = new Uint8Array(lines)
    this.#spare = new Uint8Array(lines)
    this.#gone = new Uint8Array(lines)
    this.#placed = new Float64Array(lines).fill(-1)
  }

  /** @throws Violation */
  check(): void {
    const store = this.#store
    if (
      store.projected !== store.hits &&
      !store.isDirty &&
      store.taken.size === 0 &&
      store.underWay.size === 0
    )
      throw new Violation(`projected ${store.projected} of ${store.hits} hits, and nobody is told`)
    if (store.version === this.#version) return
    this.#version = store.version
    const now = this.#spare.fill(0)
    for (const line of store.hot.values()) this.#place(now, line)
    let before = -1
    for (const { name, first, last, lines } of store.index) {
      const body = store.bodies.get(name)?.lines
      if (!body) throw new Violation(`the body of ${name} is gone while the index names it`)
      if (body[0] !== first || body.at(-1) !== last || body.length !== lines)
        throw new Violation(`${name} is not what the index says`)
      if (scoreOf(first) <= before) throw new Violation(`${name} overlaps the segment before it`)
      before = scoreOf(last)
      for (const line of body) this.#place(now, line)
    }
    let stored = 0
    for (let line = 0; line < this.#count; line++) {
      stored += now[line] ?? 0
      if (this.#stands[line] && !now[line]) this.#leave(line)
    }
    if (store.hits !== stored + store.removed)
      throw new Violation(`${store.hits} hits, but ${stored} lines stored and ${store.removed} removed`)
    this.#spare = this.#stands
    this.#stands = now
  }

  #place(now: Uint8Array, position: Position): void {
    const line = lineOf(position)
    if (now[line]) throw new Violation(`line ${line} stands in two places`)
    if (this.#gone[line]) throw new Violation(`line ${line} was removed and has come back`)
    if (secondOf(position) < this.#store.floor) throw new Violation(`line ${line} stands below the floor`)
    if (this.#placed[line] !== position) {
      if (this.#placed[line] !== -1) throw new Violation(`line ${line} has moved`)
      this.#placed[line] = position
    }
    now[line] = 1
  }

  #leave(line: number): void {
    if (secondOf(this.#placed[line] ?? 0) >= this.#store.floor) throw new Violation(`line ${line} is lost`)
    if (!this.#store.archived.has(line)) throw new Violation(`line ${line} was removed and is in no archive`)
    this.#gone[line] = 1
  }

  begin(): Beginning {
    return { stood: this.#stands.slice(), gone: this.#gone.slice() }
  }

  /**
   * @param seen what a reader was given, in its order
   * @throws Violation
   */
  readToTheEnd(
    reader: string,
    { stood, gone }: Beginning,
    seen: readonly Position[],
    isForward: boolean,
  ): void {
    for (const [i, position] of seen.entries()) {
      const line = lineOf(position)
      const before = seen[i - 1]
      if (before !== undefined && before < position !== isForward)
        throw new Violation(`${reader} was given line ${line} out of order, or twice`)
      if (gone[line]) throw new Violation(`${reader} was given line ${line}, removed before it began`)
      if (this.#placed[line] !== position)
        throw new Violation(`${reader} was given line ${line}, never stored`)
    }
    const given = new Set(seen.map(lineOf))
    for (let line = 0; line < this.#count; line++)
      if (stood[line] && !this.#gone[line] && !given.has(line))
        throw new Violation(`${reader} was not given line ${line}`)
  }

  /**
   * @param lines all lines of all logs, any score
   * @throws Violation
   */
  end(lines: readonly Position[]): void {
    const store = this.#store
    for (const position of lines) {
      const line = lineOf(position)
      if (!this.#stands[line] && secondOf(position) >= store.floor)
        throw new Violation(`line ${line} was sent and is not there`)
    }
    if (store.projected !== store.hits)
      throw new Violation(`projected ${store.projected} of ${store.hits} hits at the end`)
  }
}
