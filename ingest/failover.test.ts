import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import type { Redis } from 'ioredis'
import { countsKey, segmentsKey } from '#lib/store/keys.ts'
import { streamLines } from '#lib/store/line-stream.ts'
import { EVERYTHING } from '#lib/store/reading.ts'
import { connectRedis, whenReady } from '#lib/store/redis.ts'
import { type RedisServer, startRedisServer } from '../e2e/demo/redis-server.ts'
import { collectStderr, counts, type RunningIngest, runIngest, startIngest } from '../e2e/ingest.ts'
import { startRedisCluster } from '../e2e/redis-cluster.ts'
import { startRedisSentinel } from '../e2e/redis-sentinel.ts'
import { collectionId, readGrant } from '../e2e/store-server.ts'
import { until } from '../e2e/waiting.ts'

/** A master is killed while `ingest` writes to it and `maintain` seals on it, and its replica takes over. */

const COLLECTIONS = 30
const LINES = 60_000
const TEST_MS = 100_000
/** Lines written between two looks at whether the pipe takes more. */
const STEP_LINES = 500

const idOf = (n: number) => String(9000 + (n % COLLECTIONS))

/** Every tenth line comes twice, as true repeats do. */
function logLine(n: number): string {
  const what = n - (n % 10 === 9 ? COLLECTIONS : 0)
  const seconds = String(Math.floor(n / 1500) % 60).padStart(2, '0')
  return `192.0.2.${what % 250} - - [06/May/2013:09:54:${seconds} +0000] "GET /page/${what} HTTP/1.1" 200 ${n % 7} "-" "agent" ${idOf(n)}`
}

async function feed(run: RunningIngest, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at += STEP_LINES) {
    const lines = Array.from({ length: Math.min(STEP_LINES, to - at) }, (_, i) => `${logLine(at + i)}\n`)
    if (!run.stdin.write(lines.join(''))) await Promise.race([once(run.stdin, 'drain'), run.done])
  }
}

/** What the store holds of each collection, lines sorted, with its counters. */
async function everything(redis: Redis) {
  const held = new Map<string, { lines: string[]; hits: string | null; known: string | null }>()
  for (let n = 0; n < COLLECTIONS; n++) {
    const id = idOf(n)
    const lines: string[] = []
    for await (const stretch of streamLines(redis, readGrant(id), EVERYTHING))
      for (const { line, source } of stretch.lines()) lines.push(`${line.toString('latin1')}\t${source}`)
    const hits = await redis.hget(countsKey(collectionId(id)), 'hits')
    held.set(id, { lines: lines.sort(), hits, known: await redis.hget('known:', `hits:${id}`) })
  }
  return held
}

function assertComplete(held: Awaited<ReturnType<typeof everything>>): void {
  const expected = Map.groupBy(
    Array.from({ length: LINES }, (_, n) => n),
    (n) => idOf(n),
  )
  for (const [id, { lines, hits, known }] of held) {
    const wanted = (expected.get(id) ?? []).map(logLine).sort()
    const bare = lines.map((member) => member.split('\t')[0] ?? '').sort()
    assert.deepEqual(bare, wanted, `lines of ${id}`)
    assert.deepEqual([hits, known], [String(wanted.length), String(wanted.length)], `counts of ${id}`)
  }
}

/**
 * Kills the master that holds one of the collections in the middle of a run, while lines are sealed on it, then sends the
 * log a second time.
 */
async function surviveFailover(url: string, masterOf: (key: string) => Promise<RedisServer>): Promise<void> {
  const redis = connectRedis({ url })
  try {
    assert.ok(await whenReady(redis, 10_000))
    const run = startIngest(url, ['--source', 'web1', '--json'])
    // The lines are old, so they are sealed as they come.
    const maintenance = startIngest(url, ['maintain', '--every', '1s', '--json'])
    const stderr = collectStderr(run)
    const third = Math.floor(LINES / 3)
    await feed(run, 0, third)
    const key = segmentsKey(collectionId(idOf(0)))
    await until('lines are sealed', async () => (await redis.zcard(key)) > 0)
    const master = await masterOf(key)
    const feeding = feed(run, third, 2 * third)
    master.process.kill('SIGKILL')
    await until('it says that it waits', () => stderr().includes('Waiting; nothing is lost'))
    await until('it says that it goes on', () => stderr().includes('takes lines again'))
    await feeding
    await feed(run, 2 * third, LINES)
    run.stdin.end()
    const end = await run.done
    assert.equal(end.exitCode, 0, end.stderr)
    assert.equal(counts(end).read, LINES)
    // This connection has not heard of the failover yet.
    await until('the new master is found', () => everything(redis).then(Boolean, () => false))
    assertComplete(await everything(redis))
    maintenance.signal('SIGTERM')
    const maintained = await maintenance.done
    assert.equal(maintained.exitCode, 0, maintained.stderr)
    const looked = await runIngest(url, ['maintain', '--json'])
    assert.equal(looked.exitCode, 0, looked.stderr)
    const held = await everything(redis)
    assertComplete(held)

    const log = Array.from({ length: LINES }, (_, n) => `${logLine(n)}\n`)
    const again = await runIngest(url, ['--source', 'web1', '--json'], [log.join('')])
    assert.equal(again.exitCode, 0, again.stderr)
    assert.deepEqual(counts(again), {
      read: LINES,
      stored: 0,
      duplicates: LINES,
      rejected: 0,
      unassigned: 0,
    })
    assert.deepEqual(await everything(redis), held)
  } finally {
    redis.disconnect()
  }
}

test('a cluster whose master is killed during a run loses no line and doubles none, the log sent again included', {
  timeout: TEST_MS,
}, async (t) => {
  const cluster = await startRedisCluster()
  t.after(() => cluster.stop())
  await surviveFailover(cluster.url, cluster.masterOf)
})

test('a master that Sentinel replaces during a run takes no line along, and none is doubled', {
  timeout: TEST_MS,
}, async (t) => {
  const sentinel = await startRedisSentinel({ password: 'a b', sentinelPassword: 'c@d' })
  t.after(() => sentinel.stop())
  await surviveFailover(sentinel.url, async () => sentinel.master)
})

test('replicas that do not confirm hold a run up for --wait, are named, and make the exit code 3', async (t) => {
  const master = await startRedisServer({ directives: { 'repl-diskless-sync-delay': '0' } })
  t.after(() => master.stop())
  const replica = await startRedisServer({ directives: { replicaof: `127.0.0.1 ${master.port}` } })
  t.after(() => replica.stop())
  const redis = connectRedis({ url: master.url })
  t.after(() => redis.disconnect())
  assert.ok(await whenReady(redis, 10_000))
  await until('the replica is in step', async () =>
    (await redis.info('replication')).includes('state=online'),
  )
  const input = Array.from({ length: 100 }, (_, n) => `${logLine(n)}\n`).join('')

  replica.process.kill('SIGSTOP')
  const held = await runIngest(master.url, ['--wait', '1', '--json'], input).finally(() =>
    replica.process.kill('SIGCONT'),
  )
  assert.equal(held.exitCode, 3)
  assert.match(held.stderr, /No replica of Redis confirms the lines within 1 s/)
  assert.match(held.stderr, /no replica of Redis is known to have the last of them/)
  assert.equal(counts(held).stored, 100, 'they stand all the same')

  const told = await runIngest(master.url, ['--wait', '20', '--json'], input)
  assert.deepEqual([told.exitCode, counts(told).duplicates], [0, 100])
  assert.doesNotMatch(told.stderr, /replica/)
})
