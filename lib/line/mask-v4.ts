import { isLetter, type ReadRun } from './mask-units.ts'

/** Four numbers in a row, in a run of bytes that may stand in an address. */

/** Marks of characters: one that stays, the first of a part that becomes `x`, and the others of it. */
export const SHOWN = 0
export const STARTS_HIDDEN = 1
const HIDDEN = 2

const DOT = 0x2e
const ZERO = 0x30
const SLASH = 0x2f

/** With a zero in front a number may be octal: 0377, as it reads, is the largest. */
const BEHIND_OCTAL = 378

/** Where each number of a chain begins and ends; made once and used again. */
const starts: number[] = []
const ends: number[] = []

/** Marks what is hidden, and at which end of a first number an address with points begins. */
export function hideFours(run: ReadRun): void {
  const { chars, count } = run
  for (let at = 0; at < count; ) {
    if (!isDigit(chars[at])) at++
    else {
      at = readChain(run, at)
      if (starts.length > 3) hideInChain(run)
    }
  }
}

/** Numbers with the same character between each two. @returns where to go on */
function readChain({ chars, count }: ReadRun, from: number): number {
  starts.length = 0
  ends.length = 0
  let at = from
  let separator = 0
  for (;;) {
    starts.push(at)
    while (at < count && isDigit(chars[at])) at++
    ends.push(at)
    const char = chars[at] ?? 0
    const isSeparator = at + 1 < count && (char === DOT || char === 0x2d || char === 0x5f)
    if (!isSeparator || !isDigit(chars[at + 1])) return at
    // The last number may be the first of what follows: `5-192.0.2.7`.
    if (separator !== 0 && char !== separator) return starts.at(-1) ?? at
    separator = char
    at++
  }
}

function hideInChain(run: ReadRun): void {
  const isDotted = run.chars[ends[0] ?? 0] === DOT
  const last = starts.length - 1
  for (let first = 0; first + 3 <= last; ) {
    if (!isFour(run, first, isDotted)) {
      first++
      continue
    }
    let end = first + 3
    // Any that share a number: of all of them only the network of the first is shown.
    for (let next = first + 1; next <= end && next + 3 <= last; next++)
      if (isFour(run, next, isDotted)) end = next + 3
    hideParts(run, { first, end, isDotted })
    first = end + 1
  }
}

/** Digits may run into the first and the last number where points stand between them, but not where dashes do. */
function isFour(run: ReadRun, first: number, isDotted: boolean): boolean {
  if (!isOctet(run, first + 1) || !isOctet(run, first + 2)) return false
  return isDotted || (isOctet(run, first) && isOctet(run, first + 3))
}

function isOctet({ chars }: ReadRun, part: number): boolean {
  const start = starts[part] ?? 0
  const end = ends[part] ?? 0
  let first = start
  while (first < end - 1 && chars[first] === ZERO) first++
  if (end - first > 3) return false
  let value = 0
  for (let at = first; at < end; at++) value = value * 10 + (chars[at] ?? 0) - ZERO
  return value < (first > start ? BEHIND_OCTAL : 256)
}

function hideParts(
  run: ReadRun,
  { first, end, isDotted }: { first: number; end: number; isDotted: boolean },
): void {
  if (isDotted && end === first + 3 && isWrittenLikeNetwork(run, first)) return
  const isAName = !isDotted || isNamed(run, ends[end] ?? 0)
  for (let part = isAName ? first : first + 2; part <= end; part++)
    hide(run, starts[part] ?? 0, ends[part] ?? 0)
  if (!isAName) run.fourEnds[ends[first] ?? 0] = ends[end] ?? 0
}

export function hide({ marks }: ReadRun, start: number, end: number): void {
  marks.fill(HIDDEN, start, end)
  marks[start] = STARTS_HIDDEN
}

/** Whether `.isp` follows. */
function isNamed({ chars, offsets, text, count }: ReadRun, end: number): boolean {
  if (chars[end] !== DOT || end >= count) return false
  return isLetter(end + 1 < count ? chars[end + 1] : text[offsets[count] ?? 0])
}

/** `Chrome/131.0.0.0`: a network, and no host in it. */
function isWrittenLikeNetwork(run: ReadRun, first: number): boolean {
  const { chars, offsets, text, count } = run
  const isLoneZero = (part: number) =>
    (ends[part] ?? 0) - (starts[part] ?? 0) === 1 && chars[starts[part] ?? 0] === ZERO
  const before = (offsets[0] ?? 0) - 1
  return (
    first === 0 &&
    starts[0] === 0 &&
    ends[3] === count &&
    isOctet(run, 0) &&
    isLoneZero(2) &&
    isLoneZero(3) &&
    text[before] === SLASH &&
    isLetter(text[before - 1]) &&
    !isLetter(text[offsets[count] ?? 0])
  )
}

function isDigit(char: number | undefined): boolean {
  return char !== undefined && char >= ZERO && char <= 0x39
}
