import type { StoredLine } from '../store/reading.ts'

const LF = Buffer.from('\n')

/** @returns the lines' own bytes, each followed by one LF, without what the store adds to a member. */
export function logText(lines: readonly StoredLine[]): Buffer {
  return Buffer.concat(lines.flatMap(({ line }) => [line, LF]))
}
