import type { Redis } from 'ioredis'
import { asPortalError, type ErrorCode, PortalError } from '#lib/errors.ts'
import { parseSealAfter } from '#lib/settings.ts'
import { loadAppendScript } from '#lib/store/append.ts'
import { writeClientField } from '#lib/store/client-fields.ts'
import { backfill } from './backfill.ts'
import { findSourceFiles } from './backfill-files.ts'
import { BatchWriter, messageOf } from './batch-writer.ts'
import { chooseRedis, openRedis } from './connection.ts'
import { maintain, maintainJson, maintainText } from './maintain.ts'
import { type ClientField, type Command, HELP, parseCommand } from './options.ts'
import { printLines } from './print.ts'
import { type Outcome, readStream } from './read-stream.ts'
import { newSummary, summaryJson, summaryText } from './summary.ts'

/** The command line. Results go to standard output, everything else to standard error. */

const EXIT = { done: 0, rejected: 1, usage: 2, unavailable: 3 } as const
const EXIT_OF_ERROR: Partial<Record<ErrorCode, number>> = {
  bad_usage: EXIT.usage,
  bad_settings: EXIT.usage,
  bad_parameter: EXIT.usage,
}
/** A run told to end has this long to store what it read, within the five seconds it is given in all. */
const FLUSH_MS = 3500
const INGEST_TIMEOUT_MS = 30_000
const PRINT_TIMEOUT_MS = 5000

const say = (text: string) => process.stderr.write(`ingest: ${text}\n`)

/** The first signal ends the reading and stores what was read, the second ends the process. */
function stopOnSignals(): { stop: AbortSignal; giveUp: AbortSignal } {
  const stop = new AbortController()
  const giveUp = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(signal === 'SIGINT' ? 130 : 143)
      stop.abort()
      setTimeout(() => giveUp.abort(), FLUSH_MS).unref()
    })
  return { stop: stop.signal, giveUp: giveUp.signal }
}

type ReadCommand = Extract<Command, { verb: 'read' }>

/**
 * Keeps what was said about the visitor's field, for those who show the lines; before the first line, so that none is
 * shown otherwise. Waits for Redis as lines do.
 * @throws PortalError `store_unavailable` when given up; what the store answers that no waiting mends.
 */
async function keepClientField(
  redis: Redis,
  { source, clientField }: { source: string; clientField: ClientField },
  giveUp: AbortSignal,
): Promise<void> {
  if (clientField === 'as kept') return
  // An answer that hangs is not waited for either.
  giveUp.addEventListener('abort', () => redis.disconnect())
  const writer = new BatchWriter({ redis, summary: newSummary(), say, giveUp })
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

async function read({ source, clientField, json, waitSeconds }: ReadCommand): Promise<number> {
  const { stop, giveUp } = stopOnSignals()
  const choice = chooseRedis(process.env)
  say(`Redis at ${choice.name}`)
  const redis = await openRedis({ ...choice, waitSeconds, commandTimeoutMs: INGEST_TIMEOUT_MS, stop })
  const loadScript = () => void loadAppendScript(redis).catch(() => undefined)
  loadScript()
  redis.on('ready', loadScript)
  await keepClientField(redis, { source, clientField }, giveUp)
  const { summary, lost, failure } = await readStream({
    input: process.stdin,
    source,
    redis,
    say,
    stop,
    giveUp,
  })
  redis.disconnect()
  return concluded({ summary, lost, failure }, { json })
}

/** Prints the summary. @returns the exit code */
function concluded({ summary, lost, failure }: Outcome, { json }: { json: boolean }): number {
  process.stdout.write(`${json ? summaryJson(summary) : summaryText(summary)}\n`)
  if (failure) throw failure.error
  if (lost > 0) {
    say(`${lost} lines were read but not stored, since Redis did not answer in time. Send the log again.`)
    return EXIT.unavailable
  }
  return summary.rejected > 0 ? EXIT.rejected : EXIT.done
}

async function readFiles(command: Extract<Command, { verb: 'backfill' }>): Promise<number> {
  const { clientField, json, waitSeconds } = command
  const { stop, giveUp } = stopOnSignals()
  const sources = await findSourceFiles(command.sources, say)
  const choice = chooseRedis(process.env)
  say(`Redis at ${choice.name}`)
  const redis = await openRedis({ ...choice, waitSeconds, commandTimeoutMs: INGEST_TIMEOUT_MS, stop })
  for (const { source } of sources) await keepClientField(redis, { source, clientField }, giveUp)
  const { faults, ...outcome } = await backfill({
    sources,
    redis,
    merge: { redisUrl: choice.url, commandTimeoutMs: INGEST_TIMEOUT_MS },
    output: process.stderr,
    word: (text) => `ingest: ${text}`,
    stop,
    giveUp,
  })
  redis.disconnect()
  const exitCode = concluded(outcome, { json })
  return faults.length > 0 ? EXIT.unavailable : exitCode
}

async function maintainStore(command: Extract<Command, { verb: 'maintain' }>): Promise<number> {
  const { everySeconds, json, waitSeconds } = command
  const sealAfterSeconds = parseSealAfter(process.env)
  const { stop, giveUp } = stopOnSignals()
  const choice = chooseRedis(process.env)
  say(`Redis at ${choice.name}`)
  const redis = await openRedis({ ...choice, waitSeconds, commandTimeoutMs: INGEST_TIMEOUT_MS, stop })
  // A commit that hangs is not waited for: whether it was done or not, the next round goes on from there.
  giveUp.addEventListener('abort', () => redis.disconnect())
  const report = await maintain({ redis, sealAfterSeconds, everySeconds, waitSeconds, stop, say })
  redis.disconnect()
  if (!report) return everySeconds === null ? EXIT.unavailable : EXIT.done
  process.stdout.write(`${json ? maintainJson(report) : maintainText(report)}\n`)
  return report.faults.length > 0 ? EXIT.rejected : EXIT.done
}

async function print({ collection, from, to }: Extract<Command, { verb: 'print' }>): Promise<number> {
  const choice = chooseRedis(process.env)
  say(`Redis at ${choice.name}`)
  const redis = await openRedis({
    ...choice,
    waitSeconds: PRINT_TIMEOUT_MS / 1000,
    commandTimeoutMs: PRINT_TIMEOUT_MS,
  })
  // Whoever reads may have seen enough, as `head` does.
  process.stdout.on('error', (error: NodeJS.ErrnoException) =>
    process.exit(error.code === 'EPIPE' ? 0 : EXIT.unavailable),
  )
  await printLines({ redis, collection, from, to, output: process.stdout })
  redis.disconnect()
  return EXIT.done
}

async function run(command: Command): Promise<number> {
  if (command.verb === 'help') {
    process.stdout.write(HELP)
    return EXIT.done
  }
  if (command.verb === 'backfill') return readFiles(command)
  if (command.verb === 'maintain') return maintainStore(command)
  return command.verb === 'print' ? print(command) : read(command)
}

try {
  process.exitCode = await run(parseCommand(process.argv.slice(2)))
} catch (thrown) {
  const error = asPortalError(thrown)
  const cause = error.cause === undefined ? '' : ` (${messageOf(error.cause)})`
  say(`${error.publicMessage}${cause}`)
  process.exitCode = EXIT_OF_ERROR[error.code] ?? EXIT.unavailable
  if (error instanceof PortalError && error.code === 'internal' && error.cause instanceof Error)
    process.stderr.write(`${error.cause.stack ?? ''}\n`)
}
// Standard input may still be open, and a connection trying to come back: neither is waited for.
process.stdout.write('', () => process.exit())
