import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Redis } from 'ioredis'
import { openStoreServer } from '../../e2e/store-server.ts'
import { askEach } from './ask-each.ts'
import { KNOWN_KEY } from './keys.ts'
import { Maintainer } from './maintain.ts'
import { KEEP_ALL, newReport } from './maintain-report.ts'
import { mastersOf } from './redis-client.ts'

/** Rounds over very many collections with nothing to do. */

const servers = openStoreServer()
const T = 1_763_906_100
const DAY = 86_400
const COLLECTIONS = 5000
const AT_ONCE = 1000

/** Two hot lines each, counted and projected. */
async function fill(redis: Redis): Promise<void> {
  for (let from = 1; from <= COLLECTIONS; from += AT_ONCE) {
    const ids = Array.from({ length: AT_ONCE }, (_, n) => from + n)
    await askEach(
      redis,
      ids.flatMap((id) => [
        ['zadd', `logs:collid:${id}`, T - 10, 'a\tweb1', T - 5, 'b\tweb1'] as const,
        ['hset', `{logs:collid:${id}}:counts`, 'hits', 2, 'last', T - 5] as const,
      ]),
    )
    await redis.hset(KNOWN_KEY, ...ids.flatMap((id) => [`hits:${id}`, '2']))
  }
}

/** Requests that the servers read, whatever they hold: reads of a socket. */
async function readsOf(redis: Redis): Promise<number> {
  const stats = await Promise.all(mastersOf(redis).map((node) => node.info('stats')))
  return stats.reduce((sum, text) => sum + Number(/^total_reads_processed:(\d+)/m.exec(text)?.[1]), 0)
}

test('an idle round over many collections asks in bulk, whatever is to be looked at', async () => {
  const { redis } = servers.current()
  await fill(redis)
  const maintainer = new Maintainer(redis)
  const retention = {
    ...KEEP_ALL,
    daysOf: () => 30,
    budgetBytes: 2 ** 40,
    archiveDir: '/nowhere',
    grainSeconds: 600,
  }
  const stop = new AbortController().signal
  const round = async (nowSeconds: number) => {
    const report = newReport()
    const before = await readsOf(redis)
    await maintainer.round({ nowSeconds, sealAfterSeconds: 900, retention, stop }, report)
    assert.deepEqual({ ...report, collections: 0 }, newReport())
    assert.equal(report.collections, COLLECTIONS)
    return (await readsOf(redis)) - before
  }
  await round(T)
  const reads = await round(T + 30)
  assert.ok(reads < COLLECTIONS / 4, `${reads} reads`)
  // They are looked at nevertheless.
  for (const id of [7, COLLECTIONS]) {
    await redis.zadd(`logs:collid:${id}`, T - DAY, 'old\tweb1')
    await redis.hincrby(`{logs:collid:${id}}:counts`, 'hits', 1)
  }
  const report = newReport()
  await maintainer.round({ nowSeconds: T + 60, sealAfterSeconds: 900, retention, stop }, report)
  assert.deepEqual([report.sealed, report.faults], [2, []])
})
