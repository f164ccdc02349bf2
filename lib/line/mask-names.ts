import { hexValue, isLetter, type ReadRun } from './mask-units.ts'
import { hide } from './mask-v4.ts'

/** IPv6 as names of hosts have it: single digits with points, or groups with dashes. All of it is hidden. */

const DOT = 0x2e
/** So many hexadecimal digits with points between them are more than a network of IPv6, as `ip6.arpa` writes it. */
const MIN_NIBBLES = 9
/** A UUID has five groups, and the address of a network card six. */
const MIN_GROUPS = 8
const MAX_DIGITS = 4
/** Behind the point, and behind a zone as `ipv6-literal.net` has it: `fe80--1s4.ipv6-literal.net`. */
const IP6 = /^ipv?6/i
const ZONE_IP6 = /^s[0-9]{1,10}\.ipv?6/i
const MAX_ZONE_BYTES = 16

export function hideNames(run: ReadRun): void {
  hideNibbles(run)
  hideGroups(run)
  hideShort(run)
}

/** `7.0.0.0.….8.b.d.0.1.0.0.2.ip6.arpa`: turned round, so that nothing of it is shown. */
function hideNibbles(run: ReadRun): void {
  const { chars, count } = run
  const isLabel = (at: number) =>
    at < count && hexValue(chars[at]) >= 0 && (at + 1 >= count || chars[at + 1] === DOT)
  for (let at = 0; at < count; ) {
    let nibbles = 0
    if (at === 0 || chars[at - 1] === DOT) while (isLabel(at + 2 * nibbles)) nibbles++
    // Four numbers of one digit each are an address of their own.
    const hasLetter = nibbles >= MIN_NIBBLES && someLetter(run, at, nibbles)
    if (hasLetter) for (let i = 0; i < nibbles; i++) hide(run, at + 2 * i, at + 2 * i + 1)
    at += Math.max(1, 2 * nibbles)
  }
}

function someLetter({ chars }: ReadRun, start: number, nibbles: number): boolean {
  for (let i = 0; i < nibbles; i++) if (isLetter(chars[start + 2 * i])) return true
  return false
}

/** `2a02-8108-8ac0-1234-abcd-ef12-3456-789a.dyn.isp`. Other digits may run into the first and the last group. */
function hideGroups(run: ReadRun): void {
  for (let at = 0; at < run.count; ) {
    if (hexValue(run.chars[at]) < 0) at++
    else {
      const { groups, end, next } = readGroups(run, at)
      if (groups >= MIN_GROUPS) hideAllGroups(run, at, end)
      at = next
    }
  }
}

/** @returns where the groups end and where to go on: a long group ends these, and may be the first of others */
function readGroups({ chars, count }: ReadRun, from: number): { groups: number; end: number; next: number } {
  let start = from
  for (let groups = 1; ; groups++) {
    let end = start
    while (end < count && hexValue(chars[end]) >= 0) end++
    const goesOn = isJoint(chars[end]) && end + 1 < count && hexValue(chars[end + 1]) >= 0
    if (!goesOn) return { groups, end, next: end }
    if (groups > 1 && end - start > MAX_DIGITS) return { groups, end, next: start }
    start = end + 1
  }
}

/** `2001-db8--7.ipv6-literal.net`: only there, as much else has two dashes. */
function hideShort(run: ReadRun): void {
  const { chars, offsets, text, count } = run
  const isBehindDot = chars[count - 1] === DOT
  const end = isBehindDot ? count - 1 : count
  let start = end
  let isShort = false
  while (start > 0 && (isJoint(chars[start - 1]) || hexValue(chars[start - 1]) >= 0)) {
    start--
    if (isJoint(chars[start]) && start + 1 < end && isJoint(chars[start + 1])) isShort = true
  }
  if (!isShort) return
  const behind = offsets[count] ?? 0
  const rest = text.toString('latin1', behind, behind + MAX_ZONE_BYTES)
  if ((isBehindDot ? IP6 : ZONE_IP6).test(rest)) hideAllGroups(run, start, end)
}

function hideAllGroups(run: ReadRun, start: number, end: number): void {
  for (let at = start; at < end; ) {
    let behind = at
    while (behind < end && !isJoint(run.chars[behind])) behind++
    if (behind > at) hide(run, at, behind)
    at = behind + 1
  }
}

function isJoint(char: number | undefined): boolean {
  return char === 0x2d || char === 0x5f
}
