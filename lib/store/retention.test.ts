import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { test } from 'node:test'
import { add, DAY, descriptors, linesOf, seal, standing } from '../../e2e/retention.ts'
import { collectionId, openStoreServer } from '../../e2e/store-server.ts'
import {
  countsKey,
  dayCountsKey,
  floorKey,
  linesKey,
  removalsKey,
  segmentKey,
  segmentsKey,
  sourcesKey,
} from './keys.ts'
import { applyRetention, type RetentionOptions } from './retention.ts'
import { STORAGE_CHANNEL } from './storage-points.ts'

const servers = openStoreServer()
/** Noon of a UTC day. */
const NOON = 1_763_899_200
const NOW = NOON + 10 * DAY
/** With ten days of retention, lines before {@link NOON} go. */
const DAYS = 10

function retain(id: string, options: Partial<RetentionOptions> = {}) {
  const { redis } = servers.current()
  return applyRetention({
    redis,
    collection: collectionId(id),
    nowSeconds: NOW,
    retentionDays: DAYS,
    archiveDir: null,
    grainSeconds: 0,
    ...options,
  })
}

const range = (from: number, to: number, step = 1) =>
  Array.from({ length: Math.ceil((to - from) / step) }, (_, n) => from + n * step)

test('whole seconds older than the days go, hot and sealed, and the line of the first second kept stays', async () => {
  const { redis } = servers.current()
  await add(redis, '1', linesOf(range(NOON - 100, NOON + 100)))
  const old = await seal(redis, '1', NOON - 100, NOON - 60)
  await seal(redis, '1', NOON - 20, NOON + 20)
  const outcome = await retain('1')
  assert.deepEqual(outcome, { lines: 100, problem: null, isFinished: true, notes: [] })
  assert.deepEqual(
    await standing(redis, '1'),
    linesOf(range(NOON, NOON + 100)).map(({ text }) => text),
  )
  assert.equal(await redis.get(floorKey(collectionId('1'))), String(NOON))
  // Readers that took the index before may still come for it.
  const ttl = await redis.ttl(segmentKey(collectionId('1'), old.name))
  assert.ok(ttl > 0 && ttl <= 600, `${ttl}`)
  const [rest, ...others] = await descriptors(redis, '1')
  assert.deepEqual([rest?.lines, others.length], [20, 0])
  assert.equal(await redis.ttl(segmentKey(collectionId('1'), rest?.name ?? '')), -1)
})

test('what was removed is in no way new: the log sent again is refused, with that reason', async () => {
  const { redis } = servers.current()
  const lines = linesOf(range(NOON - 5, NOON + 5))
  await add(redis, '2', lines)
  await retain('2')
  const before = await redis.hgetall(countsKey(collectionId('2')))
  const again = await add(redis, '2', lines)
  assert.equal(again.stored, 0)
  assert.equal(again.duplicates, 5)
  assert.deepEqual(
    again.refused.map(({ lines, reason }) => [lines.count, reason]),
    [[5, 'below retention']],
  )
  assert.deepEqual(await redis.hgetall(countsKey(collectionId('2'))), before)
  assert.equal(before.hits, '10')
  assert.equal(before.removed, '5')
  assert.deepEqual(await redis.hgetall(sourcesKey(collectionId('2'))), { web1: String(NOON + 4) })
})

test('every change of the index has its word, and none where no segment changed', async () => {
  const { redis } = servers.current()
  const word = () => redis.hget(countsKey(collectionId('3')), 'index')
  await add(redis, '3', linesOf(range(NOON - 40, NOON + 10)))
  await seal(redis, '3', NOON - 20, NOON + 10)
  const before = await word()
  await retain('3', { nowSeconds: NOW - 30 })
  assert.equal(await word(), before)
  await retain('3')
  assert.notEqual(await word(), before)
})

test('a step takes so much and no more, and steps follow until all is gone', async () => {
  const { redis } = servers.current()
  const lines = linesOf(range(NOON - 60_000, NOON, 3))
  for (let from = 0; from < lines.length; from += 5000) await add(redis, '4', lines.slice(from, from + 5000))
  for (const from of range(NOON - 30_000, NOON, 1000)) await seal(redis, '4', from, from + 1000)
  const outcome = await retain('4')
  assert.deepEqual(outcome, { lines: 20_000, problem: null, isFinished: true, notes: [] })
  assert.deepEqual(await standing(redis, '4'), [])
  assert.equal(await redis.get(floorKey(collectionId('4'))), String(NOON))
  const events = await redis.xrange(removalsKey(collectionId('4')), '-', '+')
  assert.deepEqual(
    events.map(([, fields]) => fields),
    [
      [
        ...['from', String(NOON - 60_000), 'floor', String(NOON), 'lines', '20000'],
        ...['reason', 'age', 'days', '10', 'at', String(NOW)],
      ],
    ],
  )
})

test('a second with more segments than a step takes goes whole', async () => {
  const { redis } = servers.current()
  const second = NOON - 10
  const collection = collectionId('5')
  for (const n of range(0, 40)) {
    const micros = second * 1e6 + n
    await redis.zadd(
      segmentsKey(collection),
      micros / 1e6,
      `${second}.0000${n + 10}:${second}.0000${n + 10}:1:10:10:1:n${n}`,
    )
    await redis.hincrby(countsKey(collection), 'hits', 1)
  }
  assert.equal((await retain('5')).lines, 40)
  assert.equal(await redis.zcard(segmentsKey(collection)), 0)
})

test('after each step no line stands below the floor, also where a segment holds days', async () => {
  const { redis } = servers.current()
  const collection = collectionId('14')
  await add(redis, '14', linesOf(range(NOON - 4 * DAY, NOON + DAY, 3600)))
  await seal(redis, '14', NOON - 4 * DAY, NOON + DAY)
  const looks: Promise<[string | null, string[]]>[] = []
  const look = () => {
    // Down the same connection, and so before the next step.
    const first = redis.zrange(segmentsKey(collection), '0', '0', 'WITHSCORES')
    looks.push(Promise.all([redis.get(floorKey(collection)), first]))
  }
  subscribe(STORAGE_CHANNEL, look)
  const outcome = await retain('14').finally(() => unsubscribe(STORAGE_CHANNEL, look))
  assert.equal(outcome.lines, 96)
  assert.equal(looks.length, 5)
  for (const [floor, [, score]] of await Promise.all(looks))
    assert.ok(Number(score) >= Number(floor), `${score} ${floor}`)
})

test('two retentions at once remove each line once', async () => {
  const { redis } = servers.current()
  await add(redis, '6', linesOf(range(NOON - 3000, NOON + 100)))
  await seal(redis, '6', NOON - 2000, NOON - 1000)
  await seal(redis, '6', NOON - 500, NOON + 50)
  const outcomes = await Promise.all([retain('6'), retain('6'), retain('6')])
  assert.equal(
    outcomes.reduce((sum, { lines }) => sum + lines, 0),
    3000,
  )
  assert.deepEqual(
    outcomes.map(({ problem }) => problem),
    [null, null, null],
  )
  assert.equal((await standing(redis, '6')).length, 100)
  assert.equal(await redis.hget(countsKey(collectionId('6')), 'removed'), '3000')
})

test('less than a grain is left to a later round, and then all that is due goes', async () => {
  const { redis } = servers.current()
  await add(redis, '7', linesOf(range(NOON - 500, NOON + 100)))
  assert.equal((await retain('7', { grainSeconds: 600 })).lines, 0)
  assert.equal(await redis.exists(floorKey(collectionId('7'))), 0)
  assert.equal((await retain('7', { grainSeconds: 600, nowSeconds: NOW + 102 })).lines, 600)
})

test('without days nothing is removed', async () => {
  const { redis } = servers.current()
  await add(redis, '8', linesOf([1]))
  assert.equal((await retain('8', { retentionDays: null })).lines, 0)
  assert.equal((await standing(redis, '8')).length, 1)
})

test('a key that holds something else keeps its collection from being touched, and is named', async () => {
  const { redis } = servers.current()
  const keys = [linesKey, segmentsKey, countsKey, floorKey, removalsKey]
  for (const [index, keyOf] of keys.entries()) {
    const id = `9${index}`
    const collection = collectionId(id)
    await add(redis, id, linesOf(range(NOON - 4, NOON)))
    await redis.del(keyOf(collection))
    await (keyOf === floorKey ? redis.lpush(keyOf(collection), 'mine') : redis.set(keyOf(collection), 'mine'))
    const outcome = await retain(id)
    assert.equal(outcome.lines, 0)
    assert.ok(
      outcome.problem?.includes(`the key ${keyOf(collection)} holds a `),
      outcome.problem ?? 'no problem',
    )
    if (keyOf !== linesKey) assert.equal(await redis.zcard(linesKey(collection)), 4)
  }
})

test('a segment that cannot be read goes whole, counted by its entry; across the floor it waits and is named', async () => {
  const { redis } = servers.current()
  await add(redis, '10', linesOf(range(NOON - 100, NOON + 100)))
  const first = await seal(redis, '10', NOON - 90, NOON - 60)
  const across = await seal(redis, '10', NOON - 20, NOON + 20)
  for (const { name } of [first, across]) await redis.set(segmentKey(collectionId('10'), name), 'broken')
  const outcome = await retain('10')
  assert.equal(outcome.lines, 80)
  assert.match(outcome.problem ?? '', /segment:.*: it does not begin like a segment/)
  assert.equal(await redis.get(floorKey(collectionId('10'))), String(NOON - 20))
  const later = await retain('10', { nowSeconds: NOW + 30 })
  assert.deepEqual([later.lines, later.problem], [50, null])
})

test('a line that comes late below the cut while its segments are read goes with the rest, counted', async () => {
  const { redis } = servers.current()
  await add(redis, '11', linesOf(range(NOON - 50, NOON + 50)))
  await seal(redis, '11', NOON - 30, NOON + 30)
  const [outcome] = await Promise.all([retain('11'), add(redis, '11', linesOf([NOON - 45], 'late'), 'web2')])
  assert.ok(outcome.lines === 51 || outcome.lines === 50)
  assert.equal((await standing(redis, '11')).length, 50)
})

test('days that are gone whole are folded once, and the day of the floor stays', async () => {
  const { redis } = servers.current()
  const collection = collectionId('12')
  const day = (second: number) =>
    dayCountsKey(collection, new Date(second * 1000).toISOString().slice(0, 10).replaceAll('-', ''))
  for (const ago of [25, 3, 1, 0]) {
    await add(redis, '12', linesOf(range(NOON - ago * DAY - 5, NOON - ago * DAY + 5)))
    await redis.hset(day(NOON - ago * DAY), { 'c:US': 3, 'l:US-VA-Ashburn': 2, 'c:--': 7 })
  }
  await redis.hset(countsKey(collection), 'c:US', 100)
  assert.equal((await retain('12')).lines, 35)
  const counts = await redis.hgetall(countsKey(collection))
  assert.deepEqual(
    [counts['c:US'], counts['l:US-VA-Ashburn'], counts['c:--'], counts.hits],
    ['109', '6', '21', '40'],
  )
  assert.deepEqual(
    await Promise.all([25, 3, 1, 0].map((ago) => redis.exists(day(NOON - ago * DAY)))),
    [0, 0, 0, 1],
  )
  assert.equal(await redis.hget(day(NOON), 'c:US'), '3')
  await retain('12', { nowSeconds: NOW + DAY })
  assert.deepEqual(await redis.hget(countsKey(collection), 'c:US'), '112')
  assert.equal(await redis.exists(day(NOON)), 0)
})

test('a day whose places are no numbers is left as it is, and is named', async () => {
  const { redis } = servers.current()
  const collection = collectionId('13')
  await add(redis, '13', linesOf(range(NOON - DAY, NOON - DAY + 5)))
  const key = dayCountsKey(collection, '20251122')
  await redis.hset(key, { 'c:US': 'many', 'c:FR': 2 })
  const outcome = await retain('13')
  assert.equal(outcome.lines, 5)
  assert.match(outcome.problem ?? '', /c:US of the key .*:20251122 is no whole number/)
  assert.equal(await redis.hexists(countsKey(collection), 'c:FR'), 0)
  assert.equal(await redis.exists(key), 1)
})
