import { join } from 'node:path'
import { runOnFile } from './bench-process.ts'
import { type BenchRedis, expectReference, startBenchRedis } from './bench-redis.ts'
import { type ExpectedLoad, writeCommands } from './load-files.ts'
import { type Bench, expectEqual } from './row.ts'

/** What feeding is measured against: `redis-cli --pipe` over a unix socket, a ZADD and a HINCRBY a line, encoded beforehand. */

/** Prepares the commands. @returns what runs them once into a Redis, and gives the seconds that it took */
export function prepareReference(
  bench: Bench,
  expected: ExpectedLoad,
): (redis: BenchRedis) => Promise<number> {
  const commands = join(bench.folder, 'commands.resp')
  writeCommands(commands, { lines: bench.lines })
  return async (redis) => {
    const { stdout, seconds } = await runOnFile({
      bench,
      command: ['redis-cli', '-s', redis.socket, '--pipe'],
      input: commands,
    })
    expectEqual('answers', /errors: 0, replies: ([0-9]+)/.exec(stdout)?.[1], String(2 * bench.lines))
    await expectReference(redis.url, expected)
    return seconds
  }
}

/** @returns seconds of one run into a Redis of its own */
export async function timeReference(
  bench: Bench,
  reference: (redis: BenchRedis) => Promise<number>,
): Promise<number> {
  const redis = await startBenchRedis(bench)
  const seconds = await reference(redis)
  await redis.stop()
  return seconds
}
