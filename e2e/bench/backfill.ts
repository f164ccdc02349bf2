import { backfillLogs } from './backfill-logs.ts'
import { expectSealed, startBenchRedis } from './bench-redis.ts'
import { prepareLogs } from './live-ingest.ts'
import { prepareReference, timeReference } from './live-reference.ts'
import type { Bench, Measured, Row } from './row.ts'
import { alternating, linesPerSecond, median } from './statistics.ts'

/** Files into segments, with identity, counters and projections, against the bare commands that `live` is measured against. */

async function run(bench: Bench): Promise<Measured> {
  const { logs, expected } = prepareLogs(bench)
  const reference = prepareReference(bench, expected)
  const product = async () => {
    const redis = await startBenchRedis(bench)
    const { seconds } = await backfillLogs({ bench, redisUrl: redis.url, logs })
    await expectSealed(redis.url, expected.counts)
    await redis.stop()
    return seconds
  }
  const times = await alternating(bench, { reference: () => timeReference(bench, reference), product })
  const [bare, ours] = [median(times.reference), median(times.product)]
  return {
    value: bare / ours,
    reference: linesPerSecond(bench.lines, bare),
    product: linesPerSecond(bench.lines, ours),
    note: 'reference: as of live; product: one ingest backfill for the plain logs of three servers, from its start to its end',
    samples: { referenceSeconds: times.reference, productSeconds: times.product },
  }
}

export const backfill: Row = { name: 'backfill', must: 2.5, goal: 4, better: 'higher', unit: '', run }
