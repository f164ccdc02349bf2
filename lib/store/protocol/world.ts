import type { Observer } from './invariants.ts'
import { type ModelStore, type Position, positionOf } from './model.ts'

/** What the actors of a schedule share, and how their requests fare on the way. */

/** A generator that yields after each of its steps what that was; others act in between. */
export type Steps<T = void> = Generator<string, T, undefined>

export interface World {
  readonly store: ModelStore
  readonly observer: Observer
  /** Uniform numbers from 0 to below 1. */
  readonly random: () => number
  readonly logs: readonly Log[]
}

/** Of requests: the share whose answer is lost, and of those that arrive only after their sender has given up. */
const LOST_ANSWERS = 0.06
const LATE_REQUESTS = 0.03
/** The chance at each step of a process to die. */
const DEATHS = 0.01
const LIVES = 3

/** @returns a whole number from `least` to `most`, both included. */
export function between(random: () => number, least: number, most: number): number {
  return least + Math.floor(random() * (most - least + 1))
}

/** A request that writes: it takes effect once, twice, or again later; in the end its sender has an answer. */
export function* send<T>({ store, random }: World, what: string, step: () => T): Steps<T> {
  for (;;) {
    const luck = random()
    if (luck < LATE_REQUESTS) {
      store.delayed.push(step)
      yield `${what}: still under way, given up`
      continue
    }
    const answer = step()
    if (luck >= LATE_REQUESTS + LOST_ANSWERS) {
      yield what
      return answer
    }
    yield `${what}: done, the answer lost`
  }
}

/** A process that may die at any of its steps and is started again, which has to find its way from what is stored. */
export function* mortal({ random }: World, name: string, life: () => Steps): Steps {
  for (let lives = LIVES; ; lives--) {
    const steps = life()
    let isDead = false
    for (const step of steps) {
      yield step
      if (lives > 1 && random() < DEATHS) {
        isDead = true
        break
      }
    }
    if (!isDead) return
    yield `${name} dies`
  }
}

interface LogLine {
  readonly second: number
  /** Its number in the model: line, source and ordinal together. */
  readonly line: number
}

/** The log of one source. Lines that are equal but for their ordinal are different lines here, as they are as members. */
export class Log {
  readonly source: string
  readonly #lines: readonly LogLine[]

  constructor(source: string, lines: readonly LogLine[]) {
    this.source = source
    this.#lines = lines
  }

  get count(): number {
    return this.#lines.length
  }

  /**
   * The lines from the place `start` on, as a reader finds them who began to count at `rescan`: the lines of a second get
   * their offsets in the order in which that reader met them, so that another may place them elsewhere in their second.
   */
  read(start: number, rescan: number): Position[] {
    const met = new Map<number, number>()
    const positions: Position[] = []
    for (const [place, { second, line }] of this.#lines.entries()) {
      if (place < rescan) continue
      const offset = met.get(second) ?? 0
      met.set(second, offset + 1)
      if (place >= start) positions.push(positionOf(second, offset, line))
    }
    return positions
  }
}

/**
 * @param firstLine number of the log's first line; the others follow
 * @param lateness how many seconds a line may stand behind those before it
 */
export function makeLog(
  random: () => number,
  options: { source: string; firstLine: number; count: number; lateness: number },
): Log {
  const { source, firstLine, count, lateness } = options
  const lines: LogLine[] = []
  let clock = between(random, 1, 3)
  for (let i = 0; i < count; i++) {
    clock += between(random, -1, 2) > 0 ? 1 : 0
    const isLate = random() < 0.25
    lines.push({
      second: Math.max(1, clock - (isLate ? between(random, 1, lateness) : 0)),
      line: firstLine + i,
    })
  }
  return new Log(source, lines)
}
