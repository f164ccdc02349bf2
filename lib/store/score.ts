/**
 * Scores and positions. Inside the program a moment is an integer of microseconds since the epoch, exact up to the year
 * 2255; in Redis it is a score of epoch seconds with six decimals, which a double keeps apart from its neighbours.
 */

const MICROS_PER_SECOND = 1_000_000
/** Characters of {@link scoreText} between 1970 and 2286: ten digits, a point, six digits. */
export const SCORE_BYTES = 17

/** @returns the score as Redis takes it, always {@link SCORE_BYTES} characters. */
export function scoreText(micros: number): string {
  const second = Math.floor(micros / MICROS_PER_SECOND)
  const rest = micros - second * MICROS_PER_SECOND
  return `${String(second).padStart(10, '0')}.${String(rest).padStart(6, '0')}`
}

/** @returns the microseconds of a score as Redis answers it (`1367848492.0000011`, the nearest double's digits). */
export function microsOfScore(score: string): number {
  return Math.round(Number(score) * MICROS_PER_SECOND)
}

/** The end of time here: in the year 2255, below 2^53 microseconds. */
export const LATEST_MICROS = 9_000_000_000_000_000

export const secondOfMicros = (micros: number) => Math.floor(micros / MICROS_PER_SECOND)
export const microsOfSecond = (second: number) => second * MICROS_PER_SECOND
