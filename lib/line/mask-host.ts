import { unitAt } from './mask-units.ts'

/** A URL's host that is an IPv4 address in another form than four numbers, as browsers take it (inet_aton). */

export interface NumberHost {
  readonly end: number
  /** Such as `192.0.x.x`. */
  readonly network: string
}

const MAX_HOST_CHARACTERS = 64
/** A number below is a year or a place in a list rather than an address. */
const MIN_ALONE = 2 ** 24
const PART = /^(?:0x[0-9a-f]{1,16}|0[0-7]{0,22}|[1-9][0-9]{0,9})$/i
const PERCENT_SIGN = 0x25
const AT_SIGN = 0x40

/**
 * Read with `%2E` for a point, and with the `%` for what ends the host.
 * @param from behind `://`, or behind an `@`
 * @returns null where the host is a name, four plain numbers, or none
 */
export function numberHost(text: Buffer, from: number): NumberHost | null {
  return numberHostAs(text, from, true) ?? numberHostAs(text, from, false)
}

function numberHostAs(text: Buffer, from: number, decodes: boolean): NumberHost | null {
  let host = ''
  let end = from
  let char = charAt(text, end, decodes)
  while (host.length < MAX_HOST_CHARACTERS && isHostByte(char)) {
    host += String.fromCharCode(char)
    end = behind(text, end, decodes)
    char = charAt(text, end, decodes)
  }
  if (host === '' || isNameByte(char)) return null
  const parts = host.replace(/\.$/, '').split('.')
  if (parts.length > 4 || !parts.every((part) => PART.test(part))) return null
  // Four plain ones are found without this.
  if (parts.length === 4 && !parts.some((part) => /^0[0-9x]/i.test(part))) return null
  const value = wholeNumber(parts)
  if (value === null || (parts.length === 1 && value < MIN_ALONE)) return null
  return { end, network: `${Math.floor(value / 2 ** 24)}.${Math.floor(value / 2 ** 16) % 256}.x.x` }
}

function wholeNumber(parts: readonly string[]): number | null {
  const numbers = parts.map((part) => (/^0[0-7]+$/.test(part) ? Number.parseInt(part, 8) : Number(part)))
  const last = numbers.pop() ?? 0
  if (numbers.some((number) => number > 255) || last >= 256 ** (4 - numbers.length)) return null
  return numbers.reduce((sum, number, place) => sum + number * 256 ** (3 - place), last)
}

/** @returns where the next `@` ends, before anything that ends the part of a URL with user and host; 0 where none does */
export function behindUser(text: Buffer, from: number, decodes: boolean): number {
  for (let at = from; at < text.length; at = behind(text, at, decodes)) {
    const char = charAt(text, at, decodes)
    if (char === AT_SIGN) return behind(text, at, decodes)
    if (ENDS_USER[char]) return 0
  }
  return 0
}

/** A blank or a control character, and what ends it in a URL or around one. */
const ENDS_USER = new Uint8Array(256)
ENDS_USER.fill(1, 0, 0x21)
for (const character of '/?#\\"<>') ENDS_USER[character.charCodeAt(0)] = 1

/** @returns 0 behind the end */
function charAt(text: Buffer, at: number, decodes: boolean): number {
  return text[at] === PERCENT_SIGN && decodes ? unitAt(text, at) & 0xff : (text[at] ?? 0)
}

function behind(text: Buffer, at: number, decodes: boolean): number {
  return at + (text[at] === PERCENT_SIGN && decodes ? unitAt(text, at) >> 8 : 1)
}

function isHostByte(byte: number): boolean {
  const letter = byte | 0x20
  return (
    (byte >= 0x30 && byte <= 0x39) || byte === 0x2e || (letter >= 0x61 && letter <= 0x66) || letter === 0x78
  )
}

function isNameByte(byte: number): boolean {
  const letter = byte | 0x20
  return isHostByte(byte) || (letter >= 0x61 && letter <= 0x7a) || byte === 0x2d || byte === 0x5f
}
