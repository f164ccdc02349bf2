import { tagStart } from './member.ts'

const LF = 0x0a

/** @returns the lines' own bytes, each followed by one LF, without what the store adds to a member. */
export function logText(members: readonly Buffer[]): Buffer {
  let length = 0
  for (const member of members) length += member.length + 1
  // Of its own, never of Node's pool: it lives until the reader has taken it.
  const text = Buffer.allocUnsafeSlow(length)
  let at = 0
  for (const member of members) {
    const tag = tagStart(member, 0, member.length)
    at += member.copy(text, at, 0, tag < 0 ? member.length : tag)
    text[at++] = LF
  }
  return text.subarray(0, at)
}
