import { join } from 'node:path'
import { runOnFile } from './bench-process.ts'
import { expectReference, startBenchRedis } from './bench-redis.ts'
import { prepareLogs, timeIngest } from './live-ingest.ts'
import { writeMergedLog } from './load-files.ts'
import { ensurePython } from './python.ts'
import { type Bench, expectEqual, type Measured, type Row } from './row.ts'
import { alternating, linesPerSecond, median } from './statistics.ts'

/** `ingest` against the way of the script of 2013. */

const SCRIPT = join(import.meta.dirname, 'seed_reference.py')

async function run(bench: Bench): Promise<Measured> {
  const python = await ensurePython(bench.log)
  const files = prepareLogs(bench)
  const merged = join(bench.folder, 'merged.log')
  writeMergedLog(merged, { lines: bench.lines })
  const reference = async () => {
    const redis = await startBenchRedis(bench)
    const { stdout, seconds } = await runOnFile({
      bench,
      command: [python.program, SCRIPT, String(redis.port), python.kind],
      input: merged,
    })
    expectEqual('lines sent', stdout.trim(), String(bench.lines))
    await expectReference(redis.url, files.expected)
    await redis.stop()
    return seconds
  }
  const times = await alternating(bench, { reference, product: () => timeIngest(bench, files) })
  const [script, ours] = [median(times.reference), median(times.product)]
  return {
    value: script / ours,
    reference: linesPerSecond(bench.lines, script),
    product: linesPerSecond(bench.lines, ours),
    note: `reference: ${python.note}, a ZADD and a HINCRBY a line in pipelines of 100, the whole load from one file; product: as in live, over all the lines with their order, identity and counters`,
    samples: { referenceSeconds: times.reference, productSeconds: times.product },
  }
}

export const seed: Row = { name: 'seed', must: 4, goal: 6, better: 'higher', unit: '', run }
