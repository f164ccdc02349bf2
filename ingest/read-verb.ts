import { fstatSync } from 'node:fs'
import type { Redis } from 'ioredis'
import { PortalError } from '#lib/errors.ts'
import { loadAppendScript } from '#lib/store/append.ts'
import { writeClientField } from '#lib/store/client-fields.ts'
import { BatchWriter } from './batch-writer.ts'
import { EXIT, environment, INGEST_TIMEOUT_MS, say, stopOnSignals } from './command-line.ts'
import { chooseRedis, openRedis } from './connection.ts'
import { fileChunks } from './file-chunks.ts'
import type { ClientField, Command } from './options.ts'
import { type Outcome, readStream } from './read-stream.ts'
import { newSummary, summaryJson, summaryText } from './summary.ts'

/** Without a verb: reads a log from standard input. */

/**
 * Keeps what was said about the visitor's field, for those who show the lines; before the first line, so that none is
 * shown otherwise. Waits for Redis as lines do.
 * @throws PortalError `store_unavailable` when given up; what the store answers that no waiting mends.
 */
export async function keepClientField(
  redis: Redis,
  { source, clientField }: { source: string; clientField: ClientField },
  giveUp: AbortSignal,
): Promise<void> {
  if (clientField === 'as kept') return
  // An answer that hangs is not waited for either.
  giveUp.addEventListener('abort', () => redis.disconnect())
  const writer = new BatchWriter({ redis, summary: newSummary(), say, giveUp, replicaWaitMs: 0 })
  const kept = await writer.persist(() =>
    writeClientField(redis, source, clientField === 'by line' ? null : clientField),
  )
  if (!kept)
    throw new PortalError('store_unavailable', { detail: 'Stopped before Redis answered; no line was read.' })
  const lines = source === '' ? 'lines without a source' : `lines of ${source}`
  say(
    clientField === 'by line'
      ? `Where the visitor's address stands in ${lines} is decided line by line.`
      : `The visitor's address is field ${clientField} before the time in ${lines}.`,
  )
}

const STANDARD_INPUT = 0

function standardInput(): AsyncIterable<Buffer> {
  return fstatSync(STANDARD_INPUT).isFile() ? fileChunks(STANDARD_INPUT) : process.stdin
}

/** @returns the exit code */
export async function read({
  source,
  clientField,
  json,
  waitSeconds,
}: Extract<Command, { verb: 'read' }>): Promise<number> {
  const { stop, giveUp } = stopOnSignals()
  const choice = await chooseRedis(environment)
  say(`Redis at ${choice.name}`)
  const redis = await openRedis({ ...choice, waitSeconds, commandTimeoutMs: INGEST_TIMEOUT_MS, stop })
  const loadScript = () => void loadAppendScript(redis).catch(() => undefined)
  loadScript()
  redis.on('ready', loadScript)
  await keepClientField(redis, { source, clientField }, giveUp)
  const { summary, lost, failure, confirmed } = await readStream({
    input: standardInput(),
    source,
    redis,
    say,
    stop,
    giveUp,
    replicaWaitMs: waitSeconds * 1000,
  })
  redis.disconnect()
  return concluded({ summary, lost, failure, confirmed }, { json })
}

/** Prints the summary. @returns the exit code */
export function concluded(
  { summary, lost, failure, confirmed }: Outcome,
  { json }: { json: boolean },
): number {
  process.stdout.write(`${json ? summaryJson(summary) : summaryText(summary)}\n`)
  if (failure) throw failure.error
  if (lost > 0) {
    say(`${lost} lines were read but not stored, since Redis did not answer in time. Send the log again.`)
    return EXIT.unavailable
  }
  if (!confirmed) {
    say(
      'All lines were stored, but no replica of Redis is known to have the last of them: they are lost if the master is lost before one has. Sending the log again does no harm, and tells.',
    )
    return EXIT.unavailable
  }
  return summary.rejected > 0 ? EXIT.rejected : EXIT.done
}
