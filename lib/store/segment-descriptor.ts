import { microsOfScore, scoreText, secondOfMicros } from './score.ts'

/**
 * A segment's entry in the index of its collection, as the sorted set's member:
 *
 *     first : last : lines : text bytes : stored bytes : level : name
 *
 * `first` and `last` are the scores of its first and last line. Segments of a collection are disjoint: lines of one score
 * stand in one segment, so that no two begin with the same.
 */

export interface Descriptor {
  readonly firstMicros: number
  readonly lastMicros: number
  readonly lines: number
  /** Bytes of the lines, each with its LF. */
  readonly textBytes: number
  readonly storedBytes: number
  /** zstd level it was written with. */
  readonly level: number
  /** Of the key it is stored under; new for every segment ever written. */
  readonly name: string
}

export function descriptorText(descriptor: Descriptor): string {
  const { firstMicros, lastMicros, lines, textBytes, storedBytes, level, name } = descriptor
  return [scoreText(firstMicros), scoreText(lastMicros), lines, textBytes, storedBytes, level, name].join(':')
}

/** @throws RangeError for a text that {@link descriptorText} did not write. */
export function parseDescriptor(text: string): Descriptor {
  const [first, last, lines, textBytes, storedBytes, level, name, ...rest] = text.split(':')
  const descriptor = {
    firstMicros: microsOfScore(first ?? ''),
    lastMicros: microsOfScore(last ?? ''),
    lines: Number(lines),
    textBytes: Number(textBytes),
    storedBytes: Number(storedBytes),
    level: Number(level),
    name: name ?? '',
  }
  if (rest.length > 0 || descriptorText(descriptor) !== text)
    throw new RangeError(`not an entry of a segment index: ${text}`)
  return descriptor
}

export const firstSecondOf = ({ firstMicros }: Descriptor) => secondOfMicros(firstMicros)
export const lastSecondOf = ({ lastMicros }: Descriptor) => secondOfMicros(lastMicros)

/** Whole seconds, both inclusive. */
export interface Seconds {
  readonly firstSecond: number
  readonly lastSecond: number
}

/** Whether a segment reaches into any of the seconds; the one rule of which segments a writer has to name. */
export const covers = (segment: Descriptor, { firstSecond, lastSecond }: Seconds) =>
  lastSecondOf(segment) >= firstSecond && firstSecondOf(segment) <= lastSecond
