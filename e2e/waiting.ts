import { setTimeout as delay } from 'node:timers/promises'

/** Waiting for a condition that something else brings about, never for a time. */

const WITHIN_MS = 40_000
const LOOK_MS = 20

/**
 * Looks again and again until it holds.
 * @param what in words, for the error
 * @param options.details more for the error: what was said meanwhile
 * @returns milliseconds waited
 */
export async function until(
  what: string,
  holds: () => Promise<boolean> | boolean,
  { withinMs = WITHIN_MS, details = () => '' }: { withinMs?: number; details?: () => string } = {},
): Promise<number> {
  const started = Date.now()
  while (!(await holds())) {
    if (Date.now() - started > withinMs)
      throw new Error(`not within ${withinMs} ms: ${what}\n${details()}`.trim())
    await delay(LOOK_MS)
  }
  return Date.now() - started
}
