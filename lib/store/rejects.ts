import type { Redis } from 'ioredis'
import { REJECTS_KEY } from './keys.ts'

/** Rejected lines, kept with their reason in a capped stream: the newest {@link REJECTS_KEPT} or a few more. */

export interface Reject {
  /** The source's name, or '' for none. */
  readonly source: string
  readonly reason: string
  /** The line's first {@link REJECT_LINE_BYTES} bytes. */
  readonly line: Buffer
  /** The whole line's length in bytes. */
  readonly sizeBytes: number
}

export const REJECTS_KEPT = 10_000
export const REJECT_LINE_BYTES = 64 * 1024

/** Adds rejects to the stream. Errors of the client pass through; the caller decides about sending again. */
export async function keepRejects(redis: Redis, rejects: readonly Reject[]): Promise<void> {
  const pipeline = redis.pipeline()
  for (const { source, reason, line, sizeBytes } of rejects)
    pipeline.xadd(
      REJECTS_KEY,
      'MAXLEN',
      '~',
      REJECTS_KEPT,
      '*',
      ...['source', source, 'reason', reason, 'bytes', sizeBytes, 'line', line],
    )
  const replies = (await pipeline.exec()) ?? []
  for (const [error] of replies) if (error) throw error
}
