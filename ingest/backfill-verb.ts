import { setFlagsFromString } from 'node:v8'
import { backfill } from './backfill.ts'
import { findSourceFiles } from './backfill-files.ts'
import { EXIT, environment, INGEST_TIMEOUT_MS, say, stopOnSignals } from './command-line.ts'
import { chooseRedis, openRedis } from './connection.ts'
import type { Command } from './options.ts'
import { concluded, keepClientField } from './read-verb.ts'

/**
 * The space of young objects stays as small as it is: it would grow to 50 MiB while all that a line leaves behind is a
 * few hundred bytes, which are clear of use when the collector comes, however soon.
 */
setFlagsFromString('--semi-space-growth-factor=1')
// Of the threads that merge, which begin with it.
setFlagsFromString('--min-semi-space-size=2')

/** @returns the exit code */
export async function readFiles(command: Extract<Command, { verb: 'backfill' }>): Promise<number> {
  const { clientField, json, waitSeconds } = command
  const { stop, giveUp } = stopOnSignals()
  const sources = await findSourceFiles(command.sources, say)
  const choice = await chooseRedis(environment)
  say(`Redis at ${choice.name}`)
  const redis = await openRedis({ ...choice, waitSeconds, commandTimeoutMs: INGEST_TIMEOUT_MS, stop })
  for (const { source } of sources) await keepClientField(redis, { source, clientField }, giveUp)
  const { faults, ...outcome } = await backfill({
    sources,
    redis,
    merge: {
      redisUrl: choice.url,
      commandTimeoutMs: INGEST_TIMEOUT_MS,
      replicaWaitMs: waitSeconds * 1000,
    },
    output: process.stderr,
    word: (text) => `ingest: ${text}`,
    stop,
    giveUp,
  })
  redis.disconnect()
  // Else it is said with the advice to send the log again, which would not help here.
  if (outcome.failure && outcome.lost > 0) say(`${outcome.lost} lines were read but not stored.`)
  const exitCode = concluded(outcome, { json })
  return faults.length > 0 ? EXIT.unavailable : exitCode
}
