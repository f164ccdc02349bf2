import { PortalError } from '../errors.ts'
import { isWrongType } from './redis.ts'
import { UnreadableSegment } from './segment-store.ts'

/** Faults that concern one collection alone: what is stored there is not what the store puts there. */

/** One of a collection's keys holds something else. */
export class WrongKeyType extends Error {
  override readonly name = 'WrongKeyType'

  constructor(key: string, kind: string) {
    super(`the key ${key} holds a ${kind}`)
  }
}

/** An entry of the segment index that this program did not write. */
export class UnreadableIndex extends Error {
  override readonly name = 'UnreadableIndex'

  constructor(key: string, cause: RangeError) {
    super(`${key}: ${cause.message}`, { cause })
  }
}

/** @returns what is wrong with the one collection, or null where the error is about more than that. */
export function collectionFault(error: unknown): string | null {
  if (error instanceof UnreadableSegment || error instanceof UnreadableIndex || error instanceof WrongKeyType)
    return error.message
  if (error instanceof PortalError && isWrongType(error.cause))
    return 'a key holds something else (WRONGTYPE)'
  return null
}
