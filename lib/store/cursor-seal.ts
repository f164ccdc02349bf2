import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { Redis } from 'ioredis'
import { CURSOR_KEY } from './keys.ts'
import type { Cursor } from './reading.ts'
import { answered } from './redis.ts'

/**
 * Cursors of people who see no whole address. A cursor's hash is one of the line as it is stored: who sees all of a line
 * but the last half of an address would try the 65,536 there are, or ask the portal for each whether that line is there.
 * So their cursors hold the hash encrypted, one block of AES of the hash and the moment, and of theirs only such are
 * taken. The key stands in the store, since it has to outlive the process as links do, and whoever reads it there reads
 * the lines too. The same line always has the same cursor, which links need and which tells nothing.
 */

const CIPHER = 'aes-256-ecb'
const KEY_BYTES = 32
const HALF_BYTES = 8
const SEALED_LENGTH = 32
/** The hash of no line: it is not looked for. */
const NOWHERE = ''

export class CursorSeal {
  readonly #key: Buffer

  constructor(key: Buffer) {
    this.#key = key
  }

  seal({ micros, place, hash }: Cursor): Cursor {
    const block = Buffer.alloc(2 * HALF_BYTES)
    block.write(hash, 'hex')
    block.writeBigUInt64BE(BigInt(micros), HALF_BYTES)
    const cipher = createCipheriv(CIPHER, this.#key, null).setAutoPadding(false)
    return { micros, place, hash: cipher.update(block).toString('hex') }
  }

  /** @returns the cursor as the store knows it; of no line where nobody sealed it for that moment */
  open({ micros, place, hash }: Cursor): Cursor {
    if (!isSealed(hash)) return { micros, place, hash: NOWHERE }
    const cipher = createDecipheriv(CIPHER, this.#key, null).setAutoPadding(false)
    const block = cipher.update(hash, 'hex')
    const isMeant = block.readBigUInt64BE(HALF_BYTES) === BigInt(micros)
    return { micros, place, hash: isMeant ? block.toString('hex', 0, HALF_BYTES) : NOWHERE }
  }
}

export const isSealed = (hash: string) => hash.length === SEALED_LENGTH

/** The store's seal; the first to ask makes its key. */
export async function readCursorSeal(redis: Redis): Promise<CursorSeal> {
  const kept = await answered(redis.get(CURSOR_KEY))
  if (kept !== null) return new CursorSeal(Buffer.from(kept, 'hex'))
  await answered(redis.set(CURSOR_KEY, randomBytes(KEY_BYTES).toString('hex'), 'NX'))
  return readCursorSeal(redis)
}
