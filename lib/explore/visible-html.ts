/**
 * Bytes from a log, or text out of them, as HTML that shows them and does nothing else. The one place where what a
 * visitor sent becomes markup: every line and every field on every page passes here.
 *
 * Characters that would steer the display instead of showing (controls, bidirectional overrides, invisible ones) and
 * bytes that are not UTF-8 appear as escapes in an element of their own, `<i class="esc">\x1b</i>`, so that they cannot
 * be taken for a backslash that stood in the log.
 */

const MARKUP = /[&<>"']/g
/** Lines are full of quotes and hold little else; what replaces these alone needs no call for each. */
const MARKUP_BUT_QUOTES = /[&<>']/
const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
/** Controls, format characters (bidi overrides and isolates, zero-width), separators of lines, lone surrogates, private use. */
const STEERING = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]/u
export const STEERING_ALL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]/gu
/** Nothing of it steers; most lines are of no other characters. */
const PRINTABLE_ASCII = /^[ -~]*$/
const REPLACEMENT = '\ufffd'

/** @returns `text` with markup characters as entities; for text that the portal itself wrote. */
export function escapeHtml(text: string): string {
  if (!MARKUP_BUT_QUOTES.test(text)) return text.replaceAll('"', '&quot;')
  return text.replace(MARKUP, (character) => ENTITIES[character] ?? '')
}

function escaped(name: string): string {
  return `<i class="esc">${name}</i>`
}

function escapeOf(character: string): string {
  const code = character.codePointAt(0) ?? 0
  // From 0x80 on `\x` is a byte that is not UTF-8, and the character is two bytes: they must not look alike.
  if (code < 0x80) return escaped(`\\x${code.toString(16).padStart(2, '0')}`)
  return escaped(`\\u{${code.toString(16)}}`)
}

/** @returns text that came out of a log as HTML. */
export function visibleText(text: string): string {
  const html = escapeHtml(text)
  return !PRINTABLE_ASCII.test(text) && STEERING.test(html) ? html.replace(STEERING_ALL, escapeOf) : html
}

/** @returns the length of the well-formed UTF-8 sequence at `at`, or 0. Source: Unicode 16, table 3-7. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0
  if (first < 0x80) return 1
  const second = bytes[at + 1] ?? 0
  const continues = (offset: number) => ((bytes[at + offset] ?? 0) & 0xc0) === 0x80
  if (first >= 0xc2 && first <= 0xdf) return continues(1) ? 2 : 0
  if (first >= 0xe0 && first <= 0xef) {
    const low = first === 0xe0 ? 0xa0 : 0x80
    const high = first === 0xed ? 0x9f : 0xbf
    return second >= low && second <= high && continues(2) ? 3 : 0
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const low = first === 0xf0 ? 0x90 : 0x80
    const high = first === 0xf4 ? 0x8f : 0xbf
    return second >= low && second <= high && continues(2) && continues(3) ? 4 : 0
  }
  return 0
}

/** @returns bytes of a log as HTML. */
export function visibleBytes(bytes: Buffer): string {
  const text = bytes.toString('utf8')
  // Only where a replacement character appeared can something have been malformed.
  if (!text.includes(REPLACEMENT)) return visibleText(text)
  let html = ''
  let wellFormed = 0
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at)
    if (length > 0) {
      at += length
      continue
    }
    html += visibleText(bytes.toString('utf8', wellFormed, at))
    html += escaped(`\\x${(bytes[at] ?? 0).toString(16).padStart(2, '0')}`)
    at++
    wellFormed = at
  }
  return html + visibleText(bytes.toString('utf8', wellFormed))
}
