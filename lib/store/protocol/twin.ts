/**
 * A collection as naive as can be, for tests that hold the store to it: lines by their identity, sorted whenever somebody
 * asks for them.
 */

export interface TwinLine {
  readonly micros: number
  /** In latin1, a byte a character. */
  readonly member: string
}

export interface TwinWindow {
  readonly fromMicros: number
  readonly toMicros: number
}

const MICROS_PER_SECOND = 1_000_000

export const secondOfLine = ({ micros }: TwinLine) => Math.floor(micros / MICROS_PER_SECOND)
const identityOf = (line: TwinLine) => `${secondOfLine(line)} ${line.member}`

export class Twin {
  readonly #lines = new Map<string, TwinLine>()
  /** All that was ever stored, removed since or not. */
  readonly ever: TwinLine[] = []
  /** First second that is kept. */
  floor = 0

  /** Of equal ones the first stands. @returns how many of the lines were not there */
  append(lines: readonly TwinLine[]): number {
    return lines.filter((line) => {
      const identity = identityOf(line)
      if (this.#lines.has(identity)) return false
      this.#lines.set(identity, line)
      this.ever.push(line)
      return true
    }).length
  }

  /** Lines below that second go; where there are any, it is the floor. @returns how many they were */
  remove(second: number): number {
    const gone = [...this.#lines].filter(([, line]) => secondOfLine(line) < second)
    for (const [identity] of gone) this.#lines.delete(identity)
    if (gone.length > 0) this.floor = Math.max(this.floor, second)
    return gone.length
  }

  isKept(line: TwinLine): boolean {
    return secondOfLine(line) >= this.floor
  }

  /** @returns the lines of a window in (score, member) order. */
  lines({ fromMicros, toMicros }: TwinWindow): TwinLine[] {
    return [...this.#lines.values()]
      .filter(({ micros }) => micros >= fromMicros && micros < toMicros)
      .sort((a, b) => a.micros - b.micros || (a.member < b.member ? -1 : a.member > b.member ? 1 : 0))
  }
}
