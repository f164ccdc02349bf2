import { backfillLogs, maintain } from './backfill-logs.ts'
import { expectSealed, startBenchRedis, usedBytes } from './bench-redis.ts'
import { prepareLogs } from './live-ingest.ts'
import { prepareReference } from './live-reference.ts'
import type { Bench, Measured, Row } from './row.ts'

/** What a line takes of Redis, sealed and joined, with its counters, against the same lines in sorted sets. */

async function run(bench: Bench): Promise<Measured> {
  const { logs, expected } = prepareLogs(bench)
  const reference = prepareReference(bench, expected)
  const plain = await startBenchRedis(bench)
  const emptyBytes = await usedBytes(plain.url)
  await reference(plain)
  const plainBytes = ((await usedBytes(plain.url)) - emptyBytes) / expected.distinct
  await plain.stop()
  const sealed = await startBenchRedis(bench)
  await backfillLogs({ bench, redisUrl: sealed.url, logs })
  const quickBytes = ((await usedBytes(sealed.url)) - emptyBytes) / expected.lines
  bench.log(`  ${quickBytes.toFixed(1)} bytes a line after backfill; maintain …`)
  await maintain({ bench, redisUrl: sealed.url })
  await expectSealed(sealed.url, expected.counts)
  const sealedBytes = ((await usedBytes(sealed.url)) - emptyBytes) / expected.lines
  await sealed.stop()
  return {
    value: plainBytes / sealedBytes,
    reference: `${plainBytes.toFixed(1)} B a line`,
    product: `${sealedBytes.toFixed(1)} B a line`,
    note: `what Redis has allocated over an empty one, a line (of text ${(expected.bytes / expected.lines).toFixed(0)} B); reference: the sorted sets and known: of live, by lines kept; product: after backfill (${quickBytes.toFixed(1)} B) and maintain, all keys counted but bodies that were replaced and wait for their end`,
    samples: { plainBytes: [plainBytes], backfilledBytes: [quickBytes], sealedBytes: [sealedBytes] },
  }
}

export const memory: Row = { name: 'memory', must: 12, goal: 30, better: 'higher', unit: '', run }
