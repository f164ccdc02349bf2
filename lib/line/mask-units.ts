/** Characters as they stand in a log: a byte, or percent-encoded once or more often. */

const PERCENT_SIGN = 0x25
const TWO = 0x32
const FIVE = 0x35

/** @returns the value of a hexadecimal digit, or -1 */
export function hexValue(byte: number | undefined): number {
  if (byte === undefined) return -1
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const letter = byte | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}

export function isLetter(byte: number | undefined): boolean {
  const letter = (byte ?? 0) | 0x20
  return letter >= 0x61 && letter <= 0x7a
}

/**
 * Reads `%2E`, and `%252E`, which is the same encoded twice, and so on.
 * @param at of the `%`
 * @returns the character's code in the lower eight bits, and above them how many bytes it takes; a `%` of one byte where
 * nothing is encoded.
 */
export function unitAt(text: Buffer, at: number): number {
  let pair = at + 1
  while (text[pair] === TWO && text[pair + 1] === FIVE && isPair(text, pair + 2)) pair += 2
  if (!isPair(text, pair)) return PERCENT_SIGN | (1 << 8)
  const code = hexValue(text[pair]) * 16 + hexValue(text[pair + 1])
  return code | ((pair + 2 - at) << 8)
}

function isPair(text: Buffer, at: number): boolean {
  return hexValue(text[at]) >= 0 && hexValue(text[at + 1]) >= 0
}

/** A run of characters that may stand in an address, one entry each. Valid until the next run is read. */
export interface ReadRun {
  readonly text: Buffer
  readonly count: number
  readonly chars: Uint8Array
  /** Where each stands in the text; of one more, where the run ends. */
  readonly offsets: Uint32Array
  /** What becomes of each, see `mask-v4.ts`. */
  readonly marks: Uint8Array
  /** At the end of the first number of an IPv4 address with points: where the address ends. Else 0. */
  readonly fourEnds: Uint32Array
}

/** A run is worked on in arrays that are used again, up to this size; a longer one has its own. */
const KEPT_CHARACTERS = 64 * 1024

const arraysOf = (characters: number) => ({
  chars: new Uint8Array(characters),
  offsets: new Uint32Array(characters + 1),
  marks: new Uint8Array(characters),
  fourEnds: new Uint32Array(characters + 1),
})
const kept = arraysOf(KEPT_CHARACTERS)

export function readRun(run: { text: Buffer; start: number; end: number; decodes: boolean }): ReadRun {
  const { text, start, end, decodes } = run
  const arrays = end - start > KEPT_CHARACTERS ? arraysOf(end - start) : kept
  const { chars, offsets, marks, fourEnds } = arrays
  let count = 0
  for (let at = start; at < end; count++) {
    const byte = text[at] ?? 0
    const unit = byte === PERCENT_SIGN && decodes ? unitAt(text, at) : byte | (1 << 8)
    chars[count] = unit & 0xff
    offsets[count] = at
    at += unit >> 8
  }
  offsets[count] = end
  marks.fill(0, 0, count)
  fourEnds.fill(0, 0, count + 1)
  return { text, count, chars, offsets, marks, fourEnds }
}
