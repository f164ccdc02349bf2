import { join } from 'node:path'
import { Redis } from 'ioredis'
import { type RedisServer, startRedisServer } from '../demo/redis-server.ts'
import type { ExpectedLoad } from './load-files.ts'
import { type Bench, expectEqual } from './row.ts'

/** Redis as every row gets it: empty, its own, without persistence. */

export interface BenchRedis extends RedisServer {
  /** Path of its unix socket. */
  readonly socket: string
}

/** Starts one for a single run; `stop` ends it, and so does the end of the bench. */
export async function startBenchRedis(bench: Bench): Promise<BenchRedis> {
  const socket = join(bench.folder, 'redis.sock')
  const server = await startRedisServer({ directives: { unixsocket: socket } })
  bench.defer(() => server.stop())
  return { ...server, socket }
}

async function asking<T>(url: string, question: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url)
  try {
    return await question(redis)
  } finally {
    redis.disconnect()
  }
}

async function linesStored(redis: Redis, ids: Iterable<string>): Promise<number> {
  const pipeline = redis.pipeline()
  for (const id of ids) pipeline.zcard(`logs:collid:${id}`)
  const replies = (await pipeline.exec()) ?? []
  return replies.reduce((sum, [, count]) => sum + Number(count), 0)
}

async function expectKnown(redis: Redis, counts: ReadonlyMap<string, number>): Promise<void> {
  const known = await redis.hgetall('known:')
  expectEqual('collections in known:', Object.keys(known).length, counts.size)
  for (const [id, lines] of counts) expectEqual(`known: of ${id}`, known[`hits:${id}`], String(lines))
}

/**
 * After the product's run: every line of every collection stands there, and counters and projections say so.
 * @throws WrongCounts
 */
export function expectStored(url: string, counts: ReadonlyMap<string, number>): Promise<void> {
  return asking(url, async (redis) => {
    await expectKnown(redis, counts)
    for (const [id, lines] of counts) {
      expectEqual(`lines of ${id}`, await redis.zcard(`logs:collid:${id}`), lines)
      expectEqual(`hits of ${id}`, await redis.hget(`{logs:collid:${id}}:counts`, 'hits'), String(lines))
    }
  })
}

/**
 * After a backfill: every line of every collection stands in a segment, and counters and projections say so.
 * @throws WrongCounts
 */
export function expectSealed(url: string, counts: ReadonlyMap<string, number>): Promise<void> {
  return asking(url, async (redis) => {
    await expectKnown(redis, counts)
    for (const [id, lines] of counts) {
      const index = await redis.zrange(`{logs:collid:${id}}:segments`, '0', '-1')
      const sealed = index.reduce((sum, entry) => sum + Number(entry.split(':')[2]), 0)
      expectEqual(`lines in segments of ${id}`, sealed, lines)
      expectEqual(`lines of ${id} outside of segments`, await redis.zcard(`logs:collid:${id}`), 0)
      expectEqual(`hits of ${id}`, await redis.hget(`{logs:collid:${id}}:counts`, 'hits'), String(lines))
    }
  })
}

/** @returns bytes that Redis has allocated, without what leaves by itself: bodies that a commit replaced. */
export function usedBytes(url: string): Promise<number> {
  return asking(url, async (redis) => {
    for await (const keys of redis.scanStream({ match: '*:segment:*', count: 1000 }) as AsyncIterable<
      string[]
    >)
      for (const key of keys) if ((await redis.pttl(key)) >= 0) await redis.unlink(key)
    await redis.call('MEMORY', 'PURGE')
    return Number(/^used_memory:([0-9]+)/m.exec(await redis.info('memory'))?.[1])
  })
}

/**
 * After a reference run: it counted every line, and kept those that differ.
 * @throws WrongCounts
 */
export function expectReference(url: string, { counts, distinct }: ExpectedLoad): Promise<void> {
  return asking(url, async (redis) => {
    await expectKnown(redis, counts)
    expectEqual('lines in the sorted sets', await linesStored(redis, counts.keys()), distinct)
  })
}
