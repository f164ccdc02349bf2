import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Redis } from 'ioredis'
import { add, DAY, linesOf } from '../../e2e/retention.ts'
import { adminGrant, collectionId, openStoreServer, readGrant } from '../../e2e/store-server.ts'
import type { AdminGrant, CollectionGrant } from '../access/decide.ts'
import { REMOVED_FROM_KEY, REMOVING_FROM_KEY, removalsKey } from './keys.ts'
import { removeStep } from './removal.ts'
import { markRemoving, readFloor, readRecentRemovals, readRemovals } from './removals.ts'
import { applyRetention } from './retention.ts'

const servers = openStoreServer()
const T = 1_763_899_200

function retain(id: string, nowSeconds: number, retentionDays = 1) {
  const { redis } = servers.current()
  const collection = collectionId(id)
  return applyRetention({ redis, collection, nowSeconds, retentionDays, archiveDir: null, grainSeconds: 0 })
}

test('owners read the floor and what was removed, one event for each UTC day and reason', async () => {
  const { redis } = servers.current()
  assert.equal(await readFloor(redis, readGrant('1')), null)
  assert.deepEqual(await readRemovals(redis, readGrant('1'), 10), [])
  await add(redis, '1', linesOf([T, T + 10, T + 20, T + DAY]))
  await retain('1', T + DAY + 5)
  await retain('1', T + DAY + 15)
  await retain('1', T + DAY + 50_000)
  assert.equal(await readFloor(redis, readGrant('1')), T + 50_000)
  const day = { fromSecond: T, floorSecond: T + 15, lines: 2, reason: 'age', days: 1, atSecond: T + DAY + 15 }
  assert.deepEqual(await readRemovals(redis, readGrant('1'), 10), [
    { ...day, fromSecond: T + 20, floorSecond: T + 50_000, lines: 1, atSecond: T + DAY + 50_000 },
    day,
  ])
  assert.equal((await readRemovals(redis, readGrant('1'), 1)).length, 1)
})

test('other days of retention are another event', async () => {
  const { redis } = servers.current()
  await add(redis, '2', linesOf([T, T + DAY]))
  await retain('2', T + 2 * DAY + 5, 2)
  await retain('2', T + 2 * DAY + 5, 1)
  const removals = await readRemovals(redis, readGrant('2'), 10)
  assert.deepEqual(
    removals.map(({ days, lines }) => [days, lines]),
    [
      [1, 1],
      [2, 1],
    ],
  )
})

test('admins read the newest event of the collections that lines were removed from last, and no more than asked', async () => {
  const { redis } = servers.current()
  await forgetRemovals(redis)
  for (const [index, id] of ['11', '12', '13'].entries()) {
    await add(redis, id, linesOf([T, T + 1]))
    await retain(id, T + 2 * DAY + index)
  }
  // What holds something else tells nothing.
  await redis.set(removalsKey(collectionId('15')), 'mine')
  await redis.zadd(REMOVED_FROM_KEY, T, '15', T, 'x')
  assert.deepEqual(await recent(2), [
    ['13', 2],
    ['12', 2],
  ])
  assert.equal((await recent(5)).length, 3)
})

/** Keys of two slots. */
const forgetRemovals = (redis: Redis) =>
  Promise.all([REMOVED_FROM_KEY, REMOVING_FROM_KEY].map((key) => redis.del(key)))

async function recent(limit: number) {
  const removals = await readRecentRemovals(servers.current().redis, adminGrant(), limit)
  return removals.map(({ collection, lines }) => [collection, lines])
}

test('removals that fail in each round, however many, hide none that was done', async () => {
  const { redis } = servers.current()
  await forgetRemovals(redis)
  await add(redis, '21', linesOf([T, T + 1]))
  await retain('21', T + 2 * DAY)
  for (const id of ['22', '23', '24']) {
    await add(redis, id, linesOf([T]))
    const collection = collectionId(id)
    const archiveDir = '/nowhere at all'
    const { problem } = await applyRetention({
      redis,
      collection,
      nowSeconds: T + 3 * DAY,
      retentionDays: 1,
      archiveDir,
    })
    assert.match(problem ?? '', /could not be archived/)
  }
  assert.deepEqual(await recent(2), [['21', 2]])
})

test('a removal whose run died right after it is read, and still when later ones removed nothing more', async () => {
  const { redis } = servers.current()
  await forgetRemovals(redis)
  await add(redis, '31', linesOf([T, T + 1]))
  await markRemoving(redis, collectionId('31'), T + 2 * DAY)
  const { kind } = await removeStep({
    redis,
    collection: collectionId('31'),
    cutSecond: T + 1,
    reason: 'age',
    days: 1,
    nowSeconds: T + 2 * DAY,
    archiveDir: null,
  })
  assert.equal(kind, 'removed')
  assert.deepEqual(await recent(2), [['31', 1]])
  await retain('31', T + 2 * DAY)
  assert.deepEqual(await redis.zrange(REMOVING_FROM_KEY, '0', '-1'), [])
  assert.deepEqual(await recent(2), [['31', 2]])
})

test('without the right grant nothing is read', async () => {
  const { redis } = servers.current()
  const forged = { collection: '1' } as unknown as CollectionGrant
  await assert.rejects(readFloor(redis, forged), TypeError)
  await assert.rejects(readRemovals(redis, forged, 1), TypeError)
  await assert.rejects(readRecentRemovals(redis, readGrant('1') as unknown as AdminGrant, 1), TypeError)
})
