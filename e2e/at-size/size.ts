/**
 * Tests that show something only in numbers: run by `npm test` at a tenth of the size, and by `npm test -- --full` at the
 * size that counts.
 */
export const IS_FULL = process.env.FULL_SIZE === '1'

export const atSize = (full: number): number => (IS_FULL ? full : Math.ceil(full / 10))
