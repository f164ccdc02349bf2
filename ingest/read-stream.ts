import { randomBytes } from 'node:crypto'
import { addAbortSignal, Readable } from 'node:stream'
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
  /** A piece is looked at no longer than until the next one is asked for. */
  readonly input: AsyncIterable<Buffer>
  readonly source: string
  readonly redis: Redis
  readonly say: (text: string) => void
  /** Ends the reading; what was read is still stored. */
  readonly stop: AbortSignal
  /** Ends the waiting for Redis as well. */
  readonly giveUp: AbortSignal
  /** How long lines wait for a replica of Redis to have them, at each time and at the end. */
  readonly replicaWaitMs: number
}

export interface Outcome {
  readonly summary: Summary
  /** Lines given up on, 0 unless `giveUp` fired. */
  readonly lost: number
  /** What ended the reading before its time, and no waiting mends. */
  readonly failure: { readonly error: unknown } | null
  /** False where Redis has replicas of which none is known to have all lines. */
  readonly confirmed: boolean
}

/**
 * Reads a log to its end and stores its lines. Reading waits while two batches are on their way, so that memory does not
 * grow when Redis is slow or away.
 * @returns what became of the lines, also when the reading ended early.
 */
export async function readStream(options: ReadOptions): Promise<Outcome> {
  const { input, source, redis, say, stop, giveUp, replicaWaitMs } = options
  const summary = newSummary()
  const recent = new RecentLines({ seed: randomBytes(8).readBigUInt64LE() })
  const builder = new BatchBuilder({ source, recent, nowSeconds: () => Date.now() / 1000 })
  const splitter = new LineSplitter(builder)
  const writer = new BatchWriter({ redis, summary, say, giveUp, replicaWaitMs })
  // What Redis has not answered by then is not waited for.
  giveUp.addEventListener('abort', () => redis.disconnect())
  const projector = new Projector(redis)
  projector.start()

  let lost = 0
  let failure: { error: unknown } | null = null
  /** Ends the reading when lines can no longer be stored, however long the log stays quiet. */
  const broken = new AbortController()
  /** Batches being written or waiting to be. */
  let underWay = 0
  let writing: Promise<void> = Promise.resolve()
  const write = async (batch: Batch, before: Promise<void>) => {
    await before
    try {
      if (!failure) lost += await writer.write(batch)
    } catch (error) {
      failure ??= { error }
      broken.abort()
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
    const ended = AbortSignal.any([stop, broken.signal])
    // A pipe may stay quiet for hours; a file is soon read.
    for await (const chunk of input instanceof Readable ? addAbortSignal(ended, input) : input) {
      ended.throwIfAborted()
      splitter.push(chunk)
      if (builder.isFull) await send()
      else if (!builder.isEmpty) sendSoon()
    }
    if (splitter.end()) say('The last line has no end; it is taken as it stands.')
  } catch (error) {
    if (!stop.aborted && !broken.signal.aborted)
      failure ??= { error: new PortalError('source_unavailable', { cause: error }) }
  }
  if (timer) clearTimeout(timer)
  if (!builder.isEmpty) void send()
  await writing
  await projector.stop()
  if (recent.forgottenEarly > 0)
    say(
      `${recent.forgottenEarly} seconds left the table of recent lines early, since the log jumps about in time; equal lines across such a cut merge.`,
    )
  // Also after a failure: what was stored before it is to be counted.
  if (failure) await projectAll(redis).catch(() => undefined)
  const confirmed = failure !== null || (await writer.finish())
  return { summary, lost, failure, confirmed }
}
