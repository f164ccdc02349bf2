/**
 * How a line is stored: as a *member*, the line itself and, after a TAB, whose it is.
 *
 *     line                       no source, first occurrence
 *     line TAB web1              source web1, first occurrence
 *     line TAB web1#2            its second further occurrence within that source
 *     line TAB #2                the same without a source
 *     line TAB #0                no source, first occurrence, of a line that itself ends like one of the above
 *
 * Every byte but LF may stand in a line; encoding and decoding are each other's inverse for all of them.
 */

const TAB = 0x09
const HASH = 0x23
const ZERO = 0x30
export const SOURCE_PATTERN = /^[A-Za-z0-9._-]{1,32}$/
/** Longest tag: TAB, a source of 32 characters, `#`, an ordinal of 10 digits. */
export const MAX_TAG_BYTES = 44

function isSourceByte(byte: number): boolean {
  return (
    (byte >= 0x61 && byte <= 0x7a) ||
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x41 && byte <= 0x5a) ||
    byte === 0x2e ||
    byte === 0x5f ||
    byte === 0x2d
  )
}

/** @returns the offset of the TAB that begins the tag at the end of `bytes[start, end)`, or -1. */
export function tagStart(bytes: Uint8Array, start: number, end: number): number {
  const floor = Math.max(start, end - MAX_TAG_BYTES)
  let i = end - 1
  while (i >= floor && bytes[i] !== TAB) i--
  if (i < floor || i === end - 1) return -1
  let at = i + 1
  while (at < end && isSourceByte(bytes[at] ?? 0)) at++
  const sourceLength = at - i - 1
  if (sourceLength > 32) return -1
  if (at === end) return i
  // An ordinal: `#` and a number without leading zeros; zero itself only where there is no source.
  if (bytes[at] !== HASH) return -1
  const digits = end - at - 1
  if (digits < 1 || digits > 10) return -1
  for (let d = at + 1; d < end; d++) {
    const byte = bytes[d] ?? 0
    if (byte < ZERO || byte > 0x39) return -1
  }
  if (bytes[at + 1] === ZERO && (digits > 1 || sourceLength > 0)) return -1
  return i
}

/**
 * @param source the source's name, or '' for none.
 * @param ordinal 0 for the first occurrence of this line within the source.
 * @param endsLikeTag whether the line ends like a tag; only asked where source and ordinal leave no tag.
 * @returns the tag with its TAB, in ASCII; '' where the member is the line itself.
 */
export function memberTag(source: string, ordinal: number, endsLikeTag: () => boolean): string {
  if (ordinal > 0) return `\t${source}#${ordinal}`
  if (source !== '') return `\t${source}`
  return endsLikeTag() ? '\t#0' : ''
}

export function encodeMember(line: Uint8Array, source: string, ordinal: number): Buffer {
  const tag = memberTag(source, ordinal, () => tagStart(line, 0, line.length) >= 0)
  return Buffer.concat([line, Buffer.from(tag, 'latin1')])
}

export interface DecodedMember {
  /** The line's own bytes; a view, not a copy. */
  readonly line: Buffer
  /** The source's name, or '' for none. */
  readonly source: string
  readonly ordinal: number
}

export function decodeMember(member: Buffer): DecodedMember {
  const at = tagStart(member, 0, member.length)
  if (at < 0) return { line: member, source: '', ordinal: 0 }
  const tag = member.toString('latin1', at + 1)
  const hash = tag.indexOf('#')
  return {
    line: member.subarray(0, at),
    source: hash < 0 ? tag : tag.slice(0, hash),
    ordinal: hash < 0 ? 0 : Number(tag.slice(hash + 1)),
  }
}
