import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PROJECT_ROOT } from '../../lib/build.ts'
import { runOnFile } from './bench-process.ts'
import { expectStored, startBenchRedis } from './bench-redis.ts'
import { type ExpectedLoad, writeLogs } from './load-files.ts'
import { type Bench, expectEqual } from './row.ts'

/** The product's side of `live` and `seed`: one `ingest` for each server's log, all at the same time. */

export interface LogFiles {
  readonly logs: ReadonlyMap<string, string>
  readonly expected: ExpectedLoad
}

export function prepareLogs(bench: Bench): LogFiles {
  return writeLogs(bench.folder, { lines: bench.lines })
}

async function ingestAll(bench: Bench, url: string, logs: ReadonlyMap<string, string>): Promise<number> {
  const startedMs = performance.now()
  const runs = await Promise.all(
    [...logs].map(([source, input]) =>
      runOnFile({
        bench,
        command: [process.execPath, join(PROJECT_ROOT, 'ingest/main.ts'), '--source', source, '--json'],
        input,
        env: { REDIS_URL: url },
      }),
    ),
  )
  const seconds = (performance.now() - startedMs) / 1000
  for (const { stdout } of runs) {
    const { read, stored } = JSON.parse(stdout) as { read: number; stored: number }
    expectEqual('lines stored', stored, read)
  }
  return seconds
}

/** @returns seconds from the start of the processes to the end of the last; the store has been looked through. */
export async function timeIngest(bench: Bench, { logs, expected }: LogFiles): Promise<number> {
  const redis = await startBenchRedis(bench)
  const seconds = await ingestAll(bench, redis.url, logs)
  await expectStored(redis.url, expected.counts)
  await redis.stop()
  return seconds
}

/** @returns how long the same takes with empty logs: what of it is the start and the end of the processes. */
export async function timeEmptyIngest(bench: Bench, { logs }: LogFiles): Promise<number> {
  const empty = join(bench.folder, 'empty.log')
  writeFileSync(empty, '')
  const redis = await startBenchRedis(bench)
  const seconds = await ingestAll(
    bench,
    redis.url,
    new Map([...logs.keys()].map((source) => [source, empty])),
  )
  await redis.stop()
  return seconds
}
