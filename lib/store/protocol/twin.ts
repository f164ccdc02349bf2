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

  /** @returns those of the lines that were not there; of equal ones the first stands. */
  #add(lines: readonly TwinLine[]): TwinLine[] {
    return lines.filter((line) => {
      const identity = identityOf(line)
      if (this.#lines.has(identity)) return false
      this.#lines.set(identity, line)
      return true
    })
  }

  /** @returns how many of the lines were not there. */
  append(lines: readonly TwinLine[]): number {
    return this.#add(lines).length
  }

  /** @returns the lines of a window in (score, member) order. */
  lines({ fromMicros, toMicros }: TwinWindow): TwinLine[] {
    return [...this.#lines.values()]
      .filter(({ micros }) => micros >= fromMicros && micros < toMicros)
      .sort((a, b) => a.micros - b.micros || (a.member < b.member ? -1 : a.member > b.member ? 1 : 0))
  }
}
