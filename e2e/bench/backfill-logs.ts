import { join } from 'node:path'
import { PROJECT_ROOT } from '../../lib/build.ts'
import { type FileRun, runOnFile } from './bench-process.ts'
import { type Bench, expectEqual } from './row.ts'

/** The product's other way in: `ingest backfill`, one process for all servers' files, and `ingest maintain` after it. */

const program = join(PROJECT_ROOT, 'ingest/main.ts')

/** @param logs file by source */
export async function backfillLogs(options: {
  bench: Bench
  redisUrl: string
  logs: ReadonlyMap<string, string>
  onStart?: (pid: number) => void
}): Promise<FileRun> {
  const { bench, redisUrl, logs, ...rest } = options
  const files = [...logs].map(([source, path]) => `${source}=${path}`)
  const run = await runOnFile({
    bench,
    command: [process.execPath, program, 'backfill', '--json', ...files],
    input: '/dev/null',
    env: { REDIS_URL: redisUrl },
    ...rest,
  })
  const { read, stored } = JSON.parse(run.stdout) as { read: number; stored: number }
  expectEqual('lines stored', stored, read)
  return run
}

/** Joins small segments, once. */
export async function maintain({ bench, redisUrl }: { bench: Bench; redisUrl: string }): Promise<void> {
  await runOnFile({
    bench,
    command: [process.execPath, program, 'maintain'],
    input: '/dev/null',
    env: { REDIS_URL: redisUrl },
  })
}
