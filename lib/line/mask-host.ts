/** A URL's host that is an IPv4 address in another form than four numbers, as browsers take it (inet_aton). */

export interface NumberHost {
  readonly start: number
  readonly end: number
  /** Such as `192.0.x.x`. */
  readonly network: string
}

/** Longer names of users are not looked past. */
const MAX_USER_BYTES = 64
const MAX_HOST_BYTES = 64
/** A number below is a year or a place in a list rather than an address. */
const MIN_ALONE = 2 ** 24
const PART = /^(?:0x[0-9a-f]{1,16}|0[0-7]{0,22}|[1-9][0-9]{0,9})$/i

/** @param from behind `://`. @returns null where the host is a name, four plain numbers, or none */
export function numberHost(text: Buffer, from: number): NumberHost | null {
  const start = behindUser(text, from)
  let end = start
  while (end - start < MAX_HOST_BYTES && isHostByte(text[end])) end++
  if (end === start || isNameByte(text[end])) return null
  const parts = text.toString('latin1', start, end).replace(/\.$/, '').split('.')
  if (parts.length > 4 || !parts.every((part) => PART.test(part))) return null
  if (parts.length === 4 && !parts.some((part) => /x/i.test(part))) return null
  const value = wholeNumber(parts)
  if (value === null || (parts.length === 1 && value < MIN_ALONE)) return null
  return { start, end, network: `${Math.floor(value / 2 ** 24)}.${Math.floor(value / 2 ** 16) % 256}.x.x` }
}

function wholeNumber(parts: readonly string[]): number | null {
  const numbers = parts.map((part) => (/^0[0-7]+$/.test(part) ? Number.parseInt(part, 8) : Number(part)))
  const last = numbers.pop() ?? 0
  if (numbers.some((number) => number > 255) || last >= 256 ** (4 - numbers.length)) return null
  return numbers.reduce((sum, number, place) => sum + number * 256 ** (3 - place), last)
}

function behindUser(text: Buffer, from: number): number {
  for (let at = from; at < from + MAX_USER_BYTES; at++) {
    if (text[at] === 0x40) return at + 1
    if (!isNameByte(text[at]) && text[at] !== 0x3a && text[at] !== 0x25) break
  }
  return from
}

function isHostByte(byte = 0): boolean {
  const letter = byte | 0x20
  return (
    (byte >= 0x30 && byte <= 0x39) || byte === 0x2e || (letter >= 0x61 && letter <= 0x66) || letter === 0x78
  )
}

function isNameByte(byte = 0): boolean {
  const letter = byte | 0x20
  return isHostByte(byte) || (letter >= 0x61 && letter <= 0x7a) || byte === 0x2d || byte === 0x5f
}
