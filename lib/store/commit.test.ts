import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  append,
  at,
  everyLine,
  FIRST_SECOND,
  hotLines,
  member,
  merge,
  sealedLines,
  type TestMember,
} from '../../e2e/segments.ts'
import { collectionId, openStoreServer } from '../../e2e/store-server.ts'
import {
  arrivalsKey,
  countsKey,
  dayCountsKey,
  floorKey,
  linesKey,
  segmentKey,
  segmentsKey,
  sourcesKey,
  utcDay,
} from './keys.ts'
import { mastersOf } from './redis-client.ts'
import { scoreText } from './score.ts'
import type { Descriptor } from './segment-descriptor.ts'
import { readWholeIndex } from './standing-segments.ts'

const servers = openStoreServer()
const T = FIRST_SECOND
type Argument = string | Buffer | number
let lastId = 0
const newId = () => String(++lastId)

test('a floor set while the segments are built is heeded', async () => {
  const { redis } = servers.current()
  const id = newId()
  const key = floorKey(collectionId(id))
  const lines = [0, 1, 2, 3].map((n) => member(n))
  const outcome = await at(
    'before commit',
    id,
    () => void redis.set(key, String(T + 2)),
    () => merge(redis, id, lines, 'backfill'),
  )
  assert.deepEqual(outcome, { stored: 2, duplicates: 0, belowRetention: [0, 1] })
  assert.deepEqual(await everyLine(redis, id), lines.slice(2))
})

test('hot lines that another sealer moved are not moved twice', async () => {
  const { redis } = servers.current()
  const id = newId()
  const lines = Array.from({ length: 100 }, (_, n) => member(n))
  await append(redis, id, lines)
  const outcomes = await Promise.all([
    merge(redis, id, lines, 'hot'),
    merge(redis, id, lines.slice(30), 'hot'),
    merge(redis, id, lines.slice(0, 60), 'hot'),
  ])
  assert.equal(
    outcomes.reduce((sum, { stored }) => sum + stored, 0),
    100,
  )
  assert.deepEqual(await everyLine(redis, id), lines)
})

test('a hot line whose score was changed meanwhile stays hot', async () => {
  const { redis } = servers.current()
  const id = newId()
  const lines = Array.from({ length: 10 }, (_, n) => member(n))
  await append(redis, id, lines)
  const moved: TestMember = [(lines[4]?.[0] ?? 0) + 5, lines[4]?.[1] ?? '']
  await redis.zadd(linesKey(collectionId(id)), scoreText(moved[0]), moved[1])
  assert.equal((await merge(redis, id, lines, 'hot')).stored, 9)
  assert.deepEqual(await hotLines(redis, id), [moved])
})

test('a hot line that is gone by the time of the commit is not brought back by it', async () => {
  const { redis } = servers.current()
  const id = newId()
  const lines = Array.from({ length: 10 }, (_, n) => member(n))
  await append(redis, id, lines)
  const remove = () => void redis.zrem(linesKey(collectionId(id)), lines[4]?.[1] ?? '')
  const outcome = await at('before commit', id, remove, () => merge(redis, id, lines, 'hot'))
  assert.equal(outcome.stored, 9)
  assert.deepEqual(
    await sealedLines(redis, id),
    lines.filter((_, n) => n !== 4),
  )
})

test('a line stored hot while backfill builds its segment is not stored twice', async () => {
  const { redis } = servers.current()
  const id = newId()
  const lines = Array.from({ length: 10 }, (_, n) => member(n))
  const [micros, hot] = lines[3] ?? [0, '']
  // Down the same connection, so that Redis has the line before the commit.
  const store = () => {
    void redis.zadd(linesKey(collectionId(id)), scoreText(micros), hot)
    void redis.hincrby(countsKey(collectionId(id)), 'hits', 1)
  }
  const outcome = await at('before commit', id, store, () => merge(redis, id, lines, 'backfill'))
  assert.deepEqual(outcome, { stored: 9, duplicates: 1, belowRetention: [] })
  assert.deepEqual(await everyLine(redis, id), lines)
})

test('a segment that appears under a merge is merged with, not written over', async () => {
  const { redis } = servers.current()
  const id = newId()
  const lines = Array.from({ length: 400 }, (_, n) => member(n % 40, T + n))
  // Each starts from the same index, of which only one can be right.
  const parts = [0, 1, 2, 3].map((part) => lines.filter((_, n) => n % 4 === part))
  await Promise.all(parts.map((part) => merge(redis, id, part, 'backfill')))
  assert.deepEqual(await everyLine(redis, id), lines)
  assert.equal((await readWholeIndex(redis, collectionId(id))).length, 1)
})

test('a commit whose answer got lost and that is run again doubles nothing', async () => {
  const { redis } = servers.current()
  const call = redis.callBuffer.bind(redis)
  for (const origin of ['hot', 'backfill'] as const) {
    const id = newId()
    const lines = Array.from({ length: 50 }, (_, n) => member(n))
    if (origin === 'hot') await append(redis, id, lines)
    let runs = 0
    const callTwice = async (command: string, args: Argument[]) => {
      const answer = await call(command, args)
      if (String(answer).startsWith('committed')) {
        runs++
        // As it is sent again by a client whose connection broke, or by a network that delivers twice.
        assert.equal(String(await call(command, args)), 'committed')
        throw new Error('Connection is closed.')
      }
      return answer
    }
    redis.callBuffer = callTwice as typeof redis.callBuffer
    try {
      await assert.rejects(merge(redis, id, lines, origin), { code: 'store_unavailable' })
    } finally {
      redis.callBuffer = call
    }
    assert.equal(runs, 1)
    assert.deepEqual(await everyLine(redis, id), lines)
    const again = await merge(redis, id, lines, origin)
    assert.equal(again.stored, 0)
    assert.deepEqual(await everyLine(redis, id), lines)
  }
})

test('a body that expired before its commit is built again', async () => {
  const { redis } = servers.current()
  const id = newId()
  const lines = Array.from({ length: 50 }, (_, n) => member(n))
  const removeBodies = () =>
    void redis.eval(
      "for _, key in ipairs(redis.call('KEYS', ARGV[1])) do redis.call('DEL', key) end",
      1,
      linesKey(collectionId(id)),
      `*{logs:collid:${id}}:segment:*`,
    )
  const outcome = await at('before commit', id, removeBodies, () => merge(redis, id, lines, 'backfill'))
  assert.deepEqual(outcome, { stored: 50, duplicates: 0, belowRetention: [] })
  assert.deepEqual(await everyLine(redis, id), lines)
})

test('bodies expire until they are committed, and again once they are replaced', async () => {
  const { redis } = servers.current()
  const id = newId()
  const key = ({ name }: Descriptor) => segmentKey(collectionId(id), name)
  let expiries: Promise<unknown> = Promise.resolve([])
  // In one script, so that Redis answers before it is given the commit.
  const look = () => {
    expiries = redis.eval(
      "local all = {} for i, key in ipairs(redis.call('KEYS', ARGV[1])) do all[i] = redis.call('TTL', key) end return all",
      1,
      linesKey(collectionId(id)),
      `*{logs:collid:${id}}:segment:*`,
    )
  }
  await at('bodies built', id, look, () => merge(redis, id, [member(1), member(9)], 'backfill'))
  const [expiry = -1, ...more] = (await expiries) as number[]
  assert.ok(expiry > 500 && expiry <= 600 && more.length === 0)
  const [first] = await readWholeIndex(redis, collectionId(id))
  assert.ok(first)
  assert.equal(await redis.ttl(key(first)), -1)
  await merge(redis, id, [member(5)], 'backfill')
  const ttl = await redis.ttl(key(first))
  assert.ok(ttl > 500 && ttl <= 600, 'readers that hold the old index still find it')
  assert.equal((await readWholeIndex(redis, collectionId(id))).length, 1)
})

test('a segment that is gone or broken stops the lines that touch it, names its key, and moves nothing', async () => {
  const { redis } = servers.current()
  for (const harm of ['gone', 'broken'] as const) {
    const id = newId()
    await merge(redis, id, [member(1), member(9)], 'backfill')
    const [first] = await readWholeIndex(redis, collectionId(id))
    const key = segmentKey(collectionId(id), first?.name ?? '')
    if (harm === 'gone') await redis.del(key)
    else await redis.setrange(key, 70, 'xx')
    const hot = [member(5), member(20)]
    await append(redis, id, hot.slice(1))
    await redis.zadd(linesKey(collectionId(id)), scoreText(hot[0]?.[0] ?? 0), hot[0]?.[1] ?? '')
    await assert.rejects(merge(redis, id, hot, 'hot'), (error: Error) => error.message.includes(key))
    assert.deepEqual(await hotLines(redis, id), hot)
  }
})

test('a key of a wrong type is named, and nothing is written', async () => {
  const { redis } = servers.current()
  const keyOf = [segmentsKey, countsKey, sourcesKey, arrivalsKey, (id: never) => dayCountsKey(id, utcDay(T))]
  for (const keyFor of keyOf) {
    const id = newId()
    const key = keyFor(collectionId(id) as never)
    await redis.set(key, 'mine')
    await assert.rejects(merge(redis, id, [member(0)], 'backfill'), (error: Error) =>
      `${error.message} ${error.cause}`.includes(
        keyFor === segmentsKey ? 'WRONGTYPE' : `the key ${key} holds a string`,
      ),
    )
    const keys = await Promise.all(mastersOf(redis).map((node) => node.keys(`*${id}}*`)))
    assert.deepEqual(keys.flat(), [key])
  }
})
