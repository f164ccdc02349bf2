import { randomBytes } from 'node:crypto'
import { addAbortSignal, type Readable } from 'node:stream'
import type { Redis } from 'ioredis'
import { PortalError } from '#lib/errors.ts'
import { Projector, projectAll } from '#lib/store/projector.ts'
import { type Batch, BatchBuilder } from './batch.ts'
import { BatchWriter } from './batch-writer.ts'
import { LineSplitter } from './line-splitter.ts'
import { RecentLines } from './recent-lines.ts'
import { newSummary, type Summary } from './summary.ts'

/** A quiet log's lines wait this long for company, no longer. */
const BATCH_MS = 200

export interface ReadOptions {
  readonly input: Readable
  readonly source: string
  readonly redis: Redis
  readonly say: (text: string) => void
  /** Ends the reading; what was read is still stored. */
  readonly stop: AbortSignal
  /** Ends the waiting for Redis as well. */
  readonly giveUp: AbortSignal
}

/**
 * Reads a log to its end and stores its lines. Reading waits while two batches are on their way, so that memory does not
 * grow when Redis is slow or away.
 * @returns what became of the lines, and how many were given up on (0 unless `giveUp` fired).
 */
export async function readStream(options: ReadOptions): Promise<{ summary: Summary; lost: number }> {
  const { input, source, redis, say, stop, giveUp } = options
  const summary = newSummary()
  const recent = new RecentLines({ seed: randomBytes(8).readBigUInt64LE() })
  const builder = new BatchBuilder({ source, recent, nowSeconds: () => Date.now() / 1000 })
  const splitter = new LineSplitter(builder)
  const writer = new BatchWriter({ redis, summary, say })
  giveUp.addEventListener('abort', () => {
    writer.giveUp()
    // What Redis has not answered by now is not waited for.
    redis.disconnect()
  })
  const projector = new Projector(redis)
  projector.start()

  let lost = 0
  let failure: { error: unknown } | null = null
  /** Batches being written or waiting to be. */
  let underWay = 0
  let writing: Promise<void> = Promise.resolve()
  const write = async (batch: Batch, before: Promise<void>) => {
    await before
    try {
      if (!failure) lost += await writer.write(batch)
    } catch (error) {
      failure = { error }
    }
    underWay--
  }
  /** @returns when the batches before this one are written: one is on its way while the next is gathered. */
  const send = (): Promise<void> => {
    const before = writing
    underWay++
    writing = write(builder.take(), before)
    return before
  }

  let timer: NodeJS.Timeout | null = null
  const sendSoon = () => {
    timer ??= setTimeout(() => {
      timer = null
      if (builder.isEmpty) return
      if (underWay === 0) void send()
      else sendSoon()
    }, BATCH_MS)
  }

  try {
    for await (const chunk of addAbortSignal(stop, input)) {
      splitter.push(chunk)
      if (failure) break
      if (builder.isFull) await send()
      else if (!builder.isEmpty) sendSoon()
    }
    splitter.end()
  } catch (error) {
    if (!stop.aborted) failure ??= { error: new PortalError('source_unavailable', { cause: error }) }
  }
  if (timer) clearTimeout(timer)
  if (!builder.isEmpty) void send()
  await writing
  await projector.stop()
  if (failure) throw (failure as { error: unknown }).error
  if (recent.forgottenEarly > 0)
    say(
      `${recent.forgottenEarly} seconds left the table of recent lines early, since the log jumps about in time; equal lines across such a cut merge.`,
    )
  await writer.persist(() => projectAll(redis))
  return { summary, lost }
}
