import { join } from 'node:path'
import { PROJECT_ROOT } from '../../lib/build.ts'
import { backfillLogs } from './backfill-logs.ts'
import { runOnFile } from './bench-process.ts'
import { expectSealed, expectStored, startBenchRedis } from './bench-redis.ts'
import { type ExpectedLoad, writeLogs, writeMergedLog } from './load-files.ts'
import { MemoryWatch } from './process-memory.ts'
import type { Bench, Measured, Row } from './row.ts'

/** The memory of `ingest` and of `ingest backfill` while ten times the load goes through each. */

const MIB = 1024 * 1024
const TIMES_THE_LOAD = 10
/** 250 MB. */
const MUST_MIB = 238

interface Watched {
  readonly peakMib: number
  /** By how much the peak of the last quarter lies above that of the second: 0 for memory that does not grow. */
  readonly riseMib: number
  readonly samplesMib: readonly number[]
}

/** Looks at the process that `start` tells about until it has ended. */
async function watched(start: (onStart: (pid: number) => void) => Promise<unknown>): Promise<Watched> {
  let watch: MemoryWatch | undefined
  await start((pid) => {
    watch = new MemoryWatch(pid)
  })
  watch?.stop()
  const samplesMib = (watch?.samples ?? []).map((bytes) => bytes / MIB)
  const peakOf = (from: number, to: number) =>
    Math.max(0, ...samplesMib.slice(Math.floor(samplesMib.length * from), Math.ceil(samplesMib.length * to)))
  return { peakMib: peakOf(0, 1), riseMib: peakOf(0.75, 1) - peakOf(0.25, 0.5), samplesMib }
}

async function ofBackfill(bench: Bench, lines: number): Promise<Watched> {
  const { logs, expected } = writeLogs(bench.folder, { lines })
  const redis = await startBenchRedis(bench)
  const seen = await watched((onStart) => backfillLogs({ bench, redisUrl: redis.url, logs, onStart }))
  await expectSealed(redis.url, expected.counts)
  await redis.stop()
  return seen
}

async function ofIngest(bench: Bench, lines: number): Promise<Watched> {
  const input = join(bench.folder, 'merged.log')
  const expected: ExpectedLoad = writeMergedLog(input, { lines })
  const redis = await startBenchRedis(bench)
  const command = [process.execPath, join(PROJECT_ROOT, 'ingest/main.ts'), '--source', 'web1'] as const
  const env = { REDIS_URL: redis.url }
  const seen = await watched((onStart) => runOnFile({ bench, command, input, env, onStart }))
  await expectStored(redis.url, expected.counts)
  await redis.stop()
  return seen
}

async function run(bench: Bench): Promise<Measured> {
  const lines = TIMES_THE_LOAD * bench.lines
  bench.log(`  backfill of ${lines} lines …`)
  const backfill = await ofBackfill(bench, lines)
  bench.log(`  ${backfill.peakMib.toFixed(0)} MiB at most; ingest of as many …`)
  const ingest = await ofIngest(bench, lines)
  const told = ({ peakMib, riseMib }: Watched) =>
    `${peakMib.toFixed(0)} (${riseMib.toFixed(0)} more at the end)`
  return {
    value: Math.max(backfill.peakMib, ingest.peakMib),
    reference: 'none',
    product: `ingest ${told(ingest)}, backfill ${told(backfill)} MiB`,
    note: `resident memory over ${lines} lines, looked at every 100 ms; the larger of two: one ingest with all lines on standard input, and one backfill of three files; in brackets by how much the most of the last quarter of the time lies above that of the second`,
    samples: { ingestMib: ingest.samplesMib, backfillMib: backfill.samplesMib },
  }
}

export const ingestRss: Row = {
  name: 'ingest-rss',
  must: MUST_MIB,
  goal: MUST_MIB,
  better: 'lower',
  unit: 'MiB',
  run,
}
