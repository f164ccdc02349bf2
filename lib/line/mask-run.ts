import type { Edits } from './mask-addresses.ts'
import { hideNames } from './mask-names.ts'
import { isLetter, type ReadRun, readRun } from './mask-units.ts'
import { hideFours, SHOWN, STARTS_HIDDEN } from './mask-v4.ts'

/**
 * Addresses in a run of bytes that may stand in one: hexadecimal digits, `.`, `:`, `-`, `_`. IPv4 is looked for first,
 * and IPv6 in what is left and around it.
 */

export interface AddressRun {
  readonly text: Buffer
  readonly start: number
  readonly end: number
  /** Whether `%2E` is a point. */
  readonly decodes: boolean
}

const DOT = 0x2e
const COLON = 0x3a
const ZERO = 0x30
/** `%`, and `25` of one that is encoded. */
const PERCENT_SIGN = 0x25
const TWO = 0x32
const FIVE = 0x35

export function maskRun(bytes: AddressRun, edits: Edits): void {
  const run = readRun(bytes)
  hideFours(run)
  hideNames(run)
  const { chars, offsets, marks, count } = run
  for (let at = 0; at < count; ) {
    if (marks[at] !== SHOWN) {
      let end = at + 1
      while (end < count && (marks[end] ?? 0) > STARTS_HIDDEN) end++
      edits.replace(offsets[at] ?? 0, offsets[end] ?? 0, 'x')
      at = end
    } else if (isGroupByte(chars[at])) {
      let end = at + 1
      while (end < count && marks[end] === SHOWN && isGroupByte(chars[end])) end++
      at = maskSix(run, { start: at, end }, edits)
    } else at++
  }
}

function isGroupByte(char: number | undefined): boolean {
  return char !== undefined && char !== DOT && char !== 0x2d && char !== 0x5f
}

interface Stretch {
  readonly start: number
  readonly end: number
}

/** Looks at hexadecimal digits and colons, with nothing else between them. @returns where to go on */
function maskSix(run: ReadRun, whole: Stretch, edits: Edits): number {
  const { offsets } = run
  const fourEnd = run.fourEnds[whole.end] ?? 0
  const { start, end } = withoutLoneColons(run, whole, fourEnd > 0)
  const colons = countColons(run, { start, end })
  const isBehindHidden = start > whole.start && whole.start > 0 && run.marks[whole.start - 1] !== SHOWN
  const isSix = colons.isDouble || colons.count >= leastColons(run, whole, isBehindHidden)
  if (!isSix || colons.count === end - start || isNameOfCode(run, { start, end })) return whole.end
  if (fourEnd > 0) {
    const last = lastGroup(run, { start, end })
    if (!wouldJoin(run, start) && isMapped(run, { start, end: last })) {
      edits.replace(offsets[start] ?? 0, offsets[last] ?? 0, '')
      return end
    }
  }
  const to = fourEnd > 0 ? fourEnd : end
  edits.replace(offsets[start] ?? 0, offsets[to] ?? 0, isBehindHidden ? 'x' : shownOf(run, start))
  return to
}

/**
 * How many colons an address has that is written in full, without a lone one at either end. A four is two groups of it; a
 * number next to such a colon, that was hidden as one of four, is a group too.
 */
function leastColons(
  { chars, fourEnds, marks, count }: ReadRun,
  whole: Stretch,
  isBehindHidden: boolean,
): number {
  if ((fourEnds[whole.end] ?? 0) > 0) return isBehindHidden ? 5 : 6
  const { end } = whole
  if (chars[end - 1] === COLON && end < count && marks[end] !== SHOWN) return 5
  return isBehindHidden ? 6 : 7
}

/**
 * Whether what stands before takes the number for its own once the `::ffff:` between them is gone: `1.1.::ffff:0.0.2.7`,
 * and `%::ffff:30.0.2.7`, where `%30` is a character.
 */
function wouldJoin({ chars, offsets, text }: ReadRun, start: number): boolean {
  if (start > 0) return !isGroupByte(chars[start - 1])
  const before = (offsets[start] ?? 0) - 1
  return text[before] === PERCENT_SIGN || (text[before] === FIVE && text[before - 1] === TWO)
}

/** Of `host:2001:db8::1:` the first and the last colon are no part of the address. */
function withoutLoneColons({ chars }: ReadRun, { start, end }: Stretch, hasFour: boolean): Stretch {
  const isLoneFirst = chars[start] === COLON && chars[start + 1] !== COLON
  const isLoneLast = !hasFour && end - 1 > start && chars[end - 1] === COLON && chars[end - 2] !== COLON
  return { start: isLoneFirst ? start + 1 : start, end: isLoneLast ? end - 1 : end }
}

function countColons({ chars }: ReadRun, { start, end }: Stretch): { count: number; isDouble: boolean } {
  let count = 0
  let isDouble = false
  for (let at = start; at < end; at++) {
    if (chars[at] !== COLON) continue
    count++
    if (at > start && chars[at - 1] === COLON) isDouble = true
  }
  return { count, isDouble }
}

/** `std::vector` and `LWP::Face` are none: letters alone, and more of them before or behind. */
function isNameOfCode({ chars, offsets, text }: ReadRun, { start, end }: Stretch): boolean {
  if (!isLetter(text[(offsets[start] ?? 0) - 1]) && !isLetter(text[offsets[end] ?? 0])) return false
  for (let at = start; at < end; at++) if (!isLetter(chars[at]) && chars[at] !== COLON) return false
  return true
}

function lastGroup({ chars }: ReadRun, { start, end }: Stretch): number {
  let at = end
  while (at > start && chars[at - 1] !== COLON) at--
  return at
}

/** `::ffff:` and `::`, and the same with zeros written out: what follows is an IPv4 address in the form of IPv6. */
function isMapped({ chars }: ReadRun, { start, end }: Stretch): boolean {
  let letters = 0
  for (let at = start; at < end; at++) {
    const char = chars[at] ?? 0
    if (char === COLON || char === ZERO) continue
    if ((char | 0x20) !== 0x66) return false
    letters++
  }
  return letters === 0 || letters === 4
}

function shownOf(run: ReadRun, start: number): string {
  return run.chars[start] === COLON ? '::x' : networkOf(run, start)
}

/** The first two groups as they are written; behind `2001::` the second is 0. */
function networkOf({ chars, offsets, text, count }: ReadRun, start: number): string {
  let colon = start
  while (chars[colon] !== COLON) colon++
  const raw = (from: number, to: number) => text.toString('latin1', offsets[from], offsets[to])
  const separator = raw(colon, colon + 1)
  const isZero = chars[colon + 1] === COLON
  let end = colon + 1
  while (end < count && isGroupByte(chars[end]) && chars[end] !== COLON) end++
  return `${isZero ? `${raw(start, colon)}${separator}0` : raw(start, end)}${separator}x${separator}x`
}
