import { PortalError } from '../errors.ts'
import type { Cursor } from '../store/reading.ts'
import { LATEST_MICROS } from '../store/score.ts'

/**
 * A cursor as it stands in an address: `<microseconds, base 36>.<place, base 36>.<hash, 16 hexadecimal digits>`,
 * the hash encrypted (32 digits) for people who see no whole address. Opaque to
 * people; every one that could have been made is accepted, whether its line still stands or not.
 */

const SHAPE = /^([0-9a-z]{1,11})\.([0-9a-z]{1,8})\.([0-9a-f]{16}|[0-9a-f]{32})$/

export function cursorText({ micros, place, hash }: Cursor): string {
  return `${micros.toString(36)}.${place.toString(36)}.${hash}`
}

/** @throws PortalError `bad_parameter` */
export function parseCursor(name: string, text: string): Cursor {
  const match = SHAPE.exec(text)
  const micros = Number.parseInt(match?.[1] ?? '', 36)
  if (!match || micros > LATEST_MICROS)
    throw new PortalError('bad_parameter', {
      detail: `${name}: takes what a link of the page holds.`,
      parameters: [name],
    })
  return { micros, place: Number.parseInt(match[2] ?? '', 36), hash: match[3] ?? '' }
}
