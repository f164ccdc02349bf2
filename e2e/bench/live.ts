import { join } from 'node:path'
import { runOnFile } from './bench-process.ts'
import { expectReference, startBenchRedis } from './bench-redis.ts'
import { prepareLogs, timeEmptyIngest, timeIngest } from './live-ingest.ts'
import { writeCommands } from './load-files.ts'
import { type Bench, expectEqual, type Measured, type Row } from './row.ts'
import { alternating, linesPerSecond, median } from './statistics.ts'

/** Standard input to answered by Redis, with identity, counters and projections, against the bare commands. */

async function run(bench: Bench): Promise<Measured> {
  const files = prepareLogs(bench)
  const commands = join(bench.folder, 'commands.resp')
  writeCommands(commands, { lines: bench.lines })
  const reference = async () => {
    const redis = await startBenchRedis(bench)
    const { stdout, seconds } = await runOnFile({
      bench,
      command: ['redis-cli', '-s', redis.socket, '--pipe'],
      input: commands,
    })
    expectEqual('answers', /errors: 0, replies: ([0-9]+)/.exec(stdout)?.[1], String(2 * bench.lines))
    await expectReference(redis.url, files.expected)
    await redis.stop()
    return seconds
  }
  const start = await alternating(bench, {
    reference: () => timeEmptyIngest(bench, files),
    product: () => timeEmptyIngest(bench, files),
  })
  const startSeconds = median([...start.reference, ...start.product])
  const times = await alternating(bench, { reference, product: () => timeIngest(bench, files) })
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
