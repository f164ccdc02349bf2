import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countsKey, MAINTAIN_LEASE_KEY } from '#lib/store/keys.ts'
import {
  collectStderr,
  type IngestRun,
  type IngestSurroundings,
  runIngest,
  startIngest,
} from '../e2e/ingest.ts'
import { everyLine, hotLines, sealedLines } from '../e2e/segments.ts'
import { collectionId, openStoreServer } from '../e2e/store-server.ts'
import { until } from '../e2e/waiting.ts'

/** The verb as operators run it: a process of its own, beside others. Killed where it hurts it is in `e2e/at-size/kills.ts`. */

const servers = openStoreServer()

const MONTH = 'May/2013'
function logLine(id: string, n: number, second: number): string {
  const [hour, minute, rest] = [Math.floor(second / 3600) % 24, Math.floor(second / 60) % 60, second % 60]
  const time = [hour, minute, rest].map((part) => String(part).padStart(2, '0')).join(':')
  return `192.0.2.${n % 250} - - [06/${MONTH}:${time} +0000] "GET /page/${n} HTTP/1.1" 200 ${n} "-" "agent" ${id}`
}

function maintain(args: readonly string[] = [], surroundings: IngestSurroundings = {}): Promise<IngestRun> {
  const run = startIngest(servers.current().server.url, ['maintain', ...args], surroundings)
  run.stdin.end()
  return run.done
}

test('one round says in words, or as one object, what was done', async () => {
  const { server, redis } = servers.current()
  await redis.flushall()
  const lines = Array.from({ length: 3000 }, (_, n) => logLine('41', n, n))
  await runIngest(server.url, ['--source', 'web1'], lines.join('\n'))
  const first = await maintain()
  assert.deepEqual(
    [first.exitCode, first.stdout],
    [0, '1 collection: 3,000 lines sealed, 0 segments joined, 0 compressed anew\n'],
  )
  assert.equal((await sealedLines(redis, '41')).length, 3000)
  const second = await maintain(['--json'])
  assert.equal(
    second.stdout,
    '{"collections":1,"sealed":0,"joined":0,"recompressed":0,"removed":0,"faults":[],"notes":[]}\n',
  )
  const replay = await runIngest(server.url, ['--source', 'web1', '--json'], lines.join('\n'))
  assert.equal(replay.stdout, '{"read":3000,"stored":0,"duplicates":3000,"rejected":0,"unassigned":0}\n')
})

test('SEAL_AFTER says when lines settle, never that they do not, and anything else is refused', async () => {
  const { server, redis } = servers.current()
  await redis.flushall()
  await runIngest(server.url, [], logLine('42', 1, 1))
  await maintain([], { env: { SEAL_AFTER: 'never' } })
  assert.equal((await hotLines(redis, '42')).length, 1)
  const years = await maintain(['--json'], { env: { SEAL_AFTER: '365d' } })
  assert.equal(JSON.parse(years.stdout).sealed, 1)
  const wrong = await maintain([], { env: { SEAL_AFTER: 'soon' } })
  assert.equal(wrong.exitCode, 2)
  assert.match(wrong.stderr, /SEAL_AFTER: takes a duration such as 90s, 60m, 8h or 1d, up to 365d, or never/)
})

test('a fault of a collection is said and makes the exit code 1', async () => {
  const { server, redis } = servers.current()
  await redis.flushall()
  await runIngest(server.url, [], [logLine('43', 1, 1), logLine('44', 1, 1)].join('\n'))
  await redis.hincrby(countsKey(collectionId('43')), 'hits', 1)
  const run = await maintain()
  assert.equal(run.exitCode, 1)
  assert.match(run.stderr, /Collection 43: 2 lines were counted, but 0 hot \+ 1 sealed \+ 0 removed are 1/)
  assert.match(run.stdout, /2 lines sealed.*; 1 fault$/m)
})

test('it waits for another one, and says so when that was too long', async () => {
  const { redis } = servers.current()
  await redis.flushall()
  await redis.set(MAINTAIN_LEASE_KEY, 'another', 'PX', 60_000)
  const run = await maintain(['--wait', '1'])
  assert.deepEqual([run.exitCode, run.stdout], [3, ''])
  assert.match(run.stderr, /Another maintain is at work/)
  const waiting = maintain(['--json', '--wait', '30'])
  await redis.set(MAINTAIN_LEASE_KEY, 'another', 'PX', 500)
  assert.equal((await waiting).exitCode, 0)
  assert.equal(await redis.exists(MAINTAIN_LEASE_KEY), 0, 'it gives the lease back')
})

test('with --every it goes on until it is told to stop, over an outage of Redis as well', async () => {
  const { server, redis } = servers.current()
  await redis.flushall()
  const run = startIngest(server.url, ['maintain', '--every', '1s', '--json'])
  const details = collectStderr(run)
  await runIngest(server.url, [], logLine('45', 1, 1))
  await until('the first line is sealed', async () => (await hotLines(redis, '45')).length === 0, { details })
  await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
  await runIngest(server.url, [], logLine('45', 2, 2))
  await until('the second line is sealed', async () => (await hotLines(redis, '45')).length === 0, {
    details,
  })
  run.signal('SIGTERM')
  const { exitCode, stdout } = await run.done
  assert.equal(exitCode, 0)
  assert.equal(JSON.parse(stdout).sealed, 2)
  assert.equal((await everyLine(redis, '45')).length, 2)
})
