import { behindUser, numberHost } from './mask-host.ts'
import { maskRun } from './mask-run.ts'
import { unitAt } from './mask-units.ts'

/**
 * Lines with every IP address shown as its network, for people who may see no more: IPv4 by its first two numbers,
 * `192.0.x.x` (a /16), IPv6 by its first two groups, `2001:db8:x:x` (a /32).
 *
 * The form is the same everywhere. It holds no blank and no `/`, so that fields and paths stay as many as they were, it
 * still reads as the first field of a line, and no letter of it can be taken for a real address, which `192.0.0.0` could.
 *
 * Addresses are found wherever they stand, as text or percent-encoded (however often), with a port, in brackets, with a
 * zone; IPv4 inside IPv6 is shown as IPv4. Where four numbers are part of a name (`192-0-2-7.isp.example`,
 * `7.2.0.192.in-addr.arpa`) all four are hidden, since names have them in either order; so are eight groups with dashes. A host of a URL may also be a
 * number (`http://3221225991/`, `http://0xc0.0.519/`), and so may what stands in front of an `@` there.
 *
 * What may be an address is taken for one: `1.2.3.4` of a version is masked, and so are
 * digits that run into the first or
 * the last of four numbers. Versions survive that have a second or third number above 255
 * (`Chrome/131.0.6778.86`), fewer than four numbers, or are written like a network and not like a host, after a name and
 * a slash: `Chrome/131.0.0.0`; and so do names of code, letters on both sides of `::` that go on beyond `f`. Names are left, but for four numbers or eight groups in them: whoever
 * resolves one sees what the name tells, not the line.
 */

const DIGIT = 1
const HEX_LETTER = 2
const DOT = 3
const COLON = 4
const DASH = 5
const PERCENT = 6

/** What a byte may be in an address; 0 for what ends one. */
const KINDS = new Uint8Array(256)
for (const [kind, characters] of [
  [DIGIT, '0123456789'],
  [HEX_LETTER, 'abcdefABCDEF'],
  [DOT, '.'],
  [COLON, ':'],
  [DASH, '-_'],
  [PERCENT, '%'],
] as const)
  for (const character of characters) KINDS[character.charCodeAt(0)] = kind

const PERCENT_SIGN = 0x25
/** Keeps the time in proportion to the bytes. */
const MAX_ROUNDS = 8
const SLASH = 0x2f

/**
 * @param text a line, or several with an LF after each: an address never reaches over one. Bytes need not be UTF-8.
 * @returns the same bytes with networks for addresses, in a buffer of its own; `text` itself where it holds none. Takes
 * time in proportion to the bytes, whatever they are.
 */
export function maskAddresses(text: Buffer): Buffer {
  if (text.indexOf(PERCENT_SIGN) < 0) return maskOnce(text, false)
  // Both readings of a `%` count: `%2e` is a point, and `%10.0.2.7` is an address behind one. What one of them changes may
  // be read by the other anew, which ends after a round or two.
  let shown = maskOnce(text, true)
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const plain = maskOnce(shown, false)
    if (plain === shown) break
    shown = maskOnce(plain, true)
    if (shown === plain) break
  }
  return shown
}

/** @param decodes whether `%2E` is a point */
function maskOnce(text: Buffer, decodes: boolean): Buffer {
  const edits = new Edits(text)
  maskBetween(text, 0, edits, decodes)
  return edits.result()
}

/** All from a place up to the end of the text. */
function maskBetween(text: Buffer, from: number, edits: Edits, decodes: boolean): void {
  const end = text.length
  for (let at = from; at < end; ) {
    const kind = KINDS[text[at] as number] as number
    if (kind === 0 || (kind === PERCENT && !decodes)) at++
    else at = maskFrom(text, at, edits, decodes)
  }
}

/**
 * Looks at the run of bytes that may stand in an address. Four parameters: it is called for every word, and an object for
 * each took half the time.
 * @returns where to go on
 */
function maskFrom(text: Buffer, start: number, edits: Edits, decodes: boolean): number {
  const end = text.length
  let at = start
  let dots = 0
  let colons = 0
  let dashes = 0
  let isDouble = false
  let before = 0
  while (at < end) {
    let kind = KINDS[text[at] as number] as number
    let next = at + 1
    if (kind === PERCENT && decodes) {
      const unit = unitAt(text, at)
      kind = KINDS[unit & 0xff] as number
      next = at + (unit >> 8)
    }
    if (kind === 0 || kind === PERCENT) break
    if (kind > HEX_LETTER) {
      if (kind === DOT) dots++
      else {
        if (kind === DASH) dashes++
        else colons++
        if (before === kind) isDouble = true
      }
    }
    before = kind
    at = next
  }
  if (at === start) return start + 1
  if (dots > 2 || dashes > 2 || isDouble || colons > 5) maskRun({ text, start, end: at, decodes }, edits)
  return before === COLON ? afterHost(text, at, edits, decodes) : at
}

/**
 * Behind the colon of `http://`: the host as a number. It stands behind the last `@`, but readers differ in where that
 * is, so that each place where it may begin is looked at. No slash stands between them, so that no text is looked at
 * for a second URL. @returns where to go on
 */
function afterHost(text: Buffer, at: number, edits: Edits, decodes: boolean): number {
  const first = slashEnd(text, at, decodes)
  const second = first && slashEnd(text, first, decodes)
  let done = at
  for (let from = second; from > 0; from = behindUser(text, from, decodes)) {
    const host = numberHost(text, from)
    if (!host) continue
    // What stands before it may hold addresses as well: the name of a user, and the password.
    if (from > second) maskBetween(text.subarray(0, from), done, edits, decodes)
    edits.replace(from, host.end, host.network)
    done = host.end
  }
  return done
}

/** @returns where a slash ends; 0 where none stands */
function slashEnd(text: Buffer, at: number, decodes: boolean): number {
  if (text[at] === SLASH) return at + 1
  if (!decodes || text[at] !== PERCENT_SIGN) return 0
  const unit = unitAt(text, at)
  return (unit & 0xff) === SLASH ? at + (unit >> 8) : 0
}

/** The most that is added: `1::` becomes `1:0:x:x`, and something stands between two of them. */
const GROWTH = 2
const MOST_MORE_BYTES = 16
/** What is written into is used again up to this size. */
const KEPT_BYTES = 1024 * 1024
/** So few bytes are copied faster one by one. */
const FEW_BYTES = 24
let kept = Buffer.allocUnsafeSlow(64 * 1024)

function writable(size: number): Buffer {
  if (size <= kept.length) return kept
  const larger = Buffer.allocUnsafeSlow(size)
  if (size <= KEPT_BYTES) kept = larger
  return larger
}

/** What stands instead of stretches of a text. They come in order and do not overlap. */
class Edits {
  readonly #text: Buffer
  #out: Buffer | null = null
  #copied = 0
  #length = 0

  constructor(text: Buffer) {
    this.#text = text
  }

  replace(start: number, end: number, by: string): void {
    const out = this.#take(start)
    for (let i = 0; i < by.length; i++) out[this.#length++] = by.charCodeAt(i)
    this.#copied = end
  }

  #take(until: number): Buffer {
    this.#out ??= writable(this.#text.length * GROWTH + MOST_MORE_BYTES)
    const out = this.#out
    if (until - this.#copied > FEW_BYTES)
      this.#length += this.#text.copy(out, this.#length, this.#copied, until)
    else for (let at = this.#copied; at < until; at++) out[this.#length++] = this.#text[at] as number
    return out
  }

  result(): Buffer {
    if (!this.#out) return this.#text
    const out = this.#take(this.#text.length)
    // Of its own: the other is used again.
    return Buffer.from(out.subarray(0, this.#length))
  }
}

export type { Edits }
