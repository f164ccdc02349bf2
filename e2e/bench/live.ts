import { prepareLogs, timeEmptyIngest, timeIngest } from './live-ingest.ts'
import { prepareReference, timeReference } from './live-reference.ts'
import type { Bench, Measured, Row } from './row.ts'
import { alternating, linesPerSecond, median } from './statistics.ts'

/** Standard input to answered by Redis, with identity, counters and projections, against the bare commands. */

async function run(bench: Bench): Promise<Measured> {
  const files = prepareLogs(bench)
  const reference = prepareReference(bench, files.expected)
  const start = await alternating(bench, {
    reference: () => timeEmptyIngest(bench, files),
    product: () => timeEmptyIngest(bench, files),
  })
  const startSeconds = median([...start.reference, ...start.product])
  const times = await alternating(bench, {
    reference: () => timeReference(bench, reference),
    product: () => timeIngest(bench, files),
  })
  const [bare, ours] = [median(times.reference), median(times.product)]
  return {
    value: bare / ours,
    reference: linesPerSecond(bench.lines, bare),
    product: linesPerSecond(bench.lines, ours),
    note: `reference: redis-cli --pipe over a unix socket, a ZADD and a HINCRBY a line, encoded beforehand; product: one ingest for each of three logs, all at the same time, over TCP, from their start to the end of the last; ${startSeconds.toFixed(2)} s of its ${ours.toFixed(2)} s is what they take with empty logs`,
    samples: {
      referenceSeconds: times.reference,
      productSeconds: times.product,
      startSeconds: start.product,
    },
  }
}

export const live: Row = { name: 'live', must: 0.8, goal: 1, better: 'higher', unit: '', run }
