import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keysOf, openStoreServer } from '../../e2e/store-server.ts'
import { connectRedis } from '../store/redis.ts'
import { ANSWER_MS, createRateLimits, LIMITS, type RateLimits, tooMany } from './rate-limits.ts'

const servers = openStoreServer()
const { points } = LIMITS.signIns

async function takeTimes(limits: RateLimits, who: string, times: number) {
  const refusals = []
  for (let n = 0; n < times; n++) refusals.push(await limits.take('signIns', who))
  return refusals
}

test('so many are allowed in a minute and no more; the refusal says when, and only the first of them that it is the first', async () => {
  const limits = createRateLimits(servers.current().redis)
  const refusals = await takeTimes(limits, 'a', points + 3)
  assert.deepEqual(refusals.slice(0, points), new Array(points).fill(null))
  assert.deepEqual(
    refusals.slice(points).map((refusal) => refusal?.isFirst),
    [true, false, false],
  )
  for (const refusal of refusals.slice(points)) {
    assert.ok(refusal && Number.isInteger(refusal.retryAfterSeconds))
    assert.ok(refusal.retryAfterSeconds > 30 && refusal.retryAfterSeconds <= 60)
  }
  // The neighbours: somebody else, and something else.
  assert.equal(await limits.take('signIns', 'b'), null)
  assert.equal(await limits.take('callbacks', 'a'), null)
})

test('processes count together, and the time to wait is what is left of the minute', async () => {
  const { redis } = servers.current()
  const [one, other] = [createRateLimits(redis), createRateLimits(redis)]
  const before = new Set(await keysOf(redis, 'limit:*'))
  await takeTimes(one, 'together', points)
  const [key = ''] = (await keysOf(redis, 'limit:*')).filter((name) => !before.has(name))
  await redis.pexpire(key, 20_000)
  const refusal = await other.take('signIns', 'together')
  assert.ok(refusal && refusal.retryAfterSeconds <= 20 && refusal.retryAfterSeconds > 10)
})

test('keys have a prefix of their own, expire, and hold nothing of who it is', async () => {
  const { redis } = servers.current()
  await createRateLimits(redis).take('downloads', 'https://sso.foo.com|canary')
  assert.deepEqual(await keysOf(redis, '*canary*'), [])
  const keys = await keysOf(redis, 'limit:downloads:*')
  assert.equal(keys.length, 1)
  const ttl = await redis.ttl(keys[0] ?? '')
  assert.ok(ttl > 0 && ttl <= 60)
})

test('a Redis that hangs, or is not there, keeps nobody waiting and refuses nobody; a flood is still seen', async () => {
  const { server, redis } = servers.current()
  const limits = createRateLimits(redis)
  server.process.kill('SIGSTOP')
  try {
    const startedMs = performance.now()
    const refusals = await Promise.all(
      Array.from({ length: points + 1 }, () => limits.take('signIns', 'while it hangs')),
    )
    assert.ok(performance.now() - startedMs < ANSWER_MS + 500)
    assert.equal(refusals.filter((refusal) => refusal === null).length, points)
  } finally {
    server.process.kill('SIGCONT')
  }
  const away = connectRedis({ url: 'redis://127.0.0.1:1' })
  const refusals = await takeTimes(createRateLimits(away), 'while it is away', points + 1)
  away.disconnect()
  assert.equal(refusals.filter((refusal) => refusal === null).length, points)
})

test('the error says when in words and in seconds', () => {
  const error = tooMany(1)
  assert.deepEqual([error.status, error.retryAfterSeconds], [429, 1])
  assert.match(error.publicMessage, /Try again in 1 second\.$/)
  assert.match(tooMany(34).publicMessage, /Try again in 34 seconds\.$/)
})
