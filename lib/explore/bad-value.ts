import { PortalError } from '../errors.ts'
import { STEERING_ALL } from './visible-html.ts'

/** Characters of a refused value that are repeated: enough to recognise it. */
const SHOWN_CHARACTERS = 60

/** @returns `bad_parameter`, its detail `name=value: why.`, the value cut short and unable to steer what shows it. */
export function badValue(name: string, value: string, why: string): PortalError {
  return new PortalError('bad_parameter', {
    detail: `${name}=${shown(value)}: ${why}.`,
    parameters: [name],
  })
}

function shown(value: string): string {
  // Cut before anything is looked at character by character: a value may be as long as a request.
  const characters = Array.from(value.slice(0, 2 * SHOWN_CHARACTERS + 2))
  const start = characters.slice(0, SHOWN_CHARACTERS).join('').replace(STEERING_ALL, escapeOf)
  return characters.length > SHOWN_CHARACTERS ? `${start}…` : start
}

function escapeOf(character: string): string {
  return `\\u{${character.codePointAt(0)?.toString(16)}}`
}
