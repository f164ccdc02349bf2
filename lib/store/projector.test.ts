import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  adminGrant,
  collectionId,
  openStoreServer,
  packLines,
  readGrant,
  store,
} from '../../e2e/store-server.ts'
import { readAllHits, readGrantedHits } from './counts.ts'
import { countsKey, DIRTY_KEY, KNOWN_KEY, PROJECTING_KEY, PROJECTOR_LEASE_KEY } from './keys.ts'
import { Projector, projectAll, projectDirty, writeProjections } from './projector.ts'
import { microsOfSecond } from './score.ts'

const servers = openStoreServer()
const T = 1_763_906_100

const some = (id: string, from: number, count: number) =>
  packLines(
    id,
    'web1',
    Array.from({ length: count }, (_, i) => ({ line: `l${from + i}`, micros: microsOfSecond(T) + from + i })),
  )

test('after a run the projections equal the counters and nothing is left to do', async () => {
  const { redis } = servers.current()
  for (let id = 100; id < 2600; id += 50) await store(redis, some(String(id), 0, (id % 7) + 1))
  await projectAll(redis)
  const known = await redis.hgetall(KNOWN_KEY)
  for (let id = 100; id < 2600; id += 50) assert.equal(known[`hits:${id}`], String((id % 7) + 1))
  assert.equal(await redis.exists(DIRTY_KEY, PROJECTING_KEY), 0)
})

test('a projection that somebody changed is right again after the next line', async () => {
  const { redis } = servers.current()
  await store(redis, some('31', 0, 2))
  await redis.hset(KNOWN_KEY, 'hits:31', 999)
  await store(redis, some('31', 2, 1))
  await projectAll(redis)
  assert.equal(await redis.hget(KNOWN_KEY, 'hits:31'), '3')
})

test('what a projector that died had taken is done by the next', async () => {
  const { redis } = servers.current()
  await store(redis, some('32', 0, 2))
  await redis.smove(DIRTY_KEY, PROJECTING_KEY, '32')
  await projectAll(redis)
  assert.equal(await redis.hget(KNOWN_KEY, 'hits:32'), '2')
})

test('only the holder of the lease projects, and a lease given back is free', async () => {
  const { redis } = servers.current()
  await redis.set(PROJECTOR_LEASE_KEY, 'other', 'PX', 60_000)
  assert.equal(await projectDirty(redis, 'me'), null)
  await redis.del(PROJECTOR_LEASE_KEY)
  assert.equal(await projectDirty(redis, 'me'), 0)
  assert.equal(await projectDirty(redis, 'me'), 0)
  assert.equal(await projectDirty(redis, 'other'), null)
  await redis.del(PROJECTOR_LEASE_KEY)
  const projector = new Projector(redis)
  projector.start(5)
  await store(redis, some('33', 0, 1))
  while ((await redis.hget(KNOWN_KEY, 'hits:33')) !== '1')
    await new Promise((resolve) => setImmediate(resolve))
  await projector.stop()
  assert.equal(await redis.exists(PROJECTOR_LEASE_KEY), 0)
})

test('counts tell the total, the lines stamped today and the newest second', async () => {
  const { redis } = servers.current()
  await store(
    redis,
    packLines('34', 'web1', [
      { line: 'yesterday', micros: microsOfSecond(T - 86_400) },
      { line: 'today', micros: microsOfSecond(T) },
    ]),
  )
  const [hits, none] = await readGrantedHits(redis, [readGrant('34'), readGrant('35')], T)
  assert.deepEqual(hits, { collection: collectionId('34'), total: 2, today: 1, lastSeen: T })
  assert.deepEqual(none, { collection: collectionId('35'), total: 0, today: 0, lastSeen: null })
  const all = await readAllHits(redis, adminGrant(), T)
  assert.deepEqual(
    all.find(({ collection }) => collection === '34'),
    hits,
  )
})

test('counts of all collections take an admin grant and no other', async () => {
  const { redis } = servers.current()
  await assert.rejects(readAllHits(redis, readGrant('34') as never, T), /grant/)
  await assert.rejects(readGrantedHits(redis, [{ collection: '34' } as never], T), /grant/)
})

test('a projector that writes what it read long ago is put right, although another finished in between', async () => {
  const { redis } = servers.current()
  const id = collectionId('36')
  await store(redis, some('36', 0, 2))
  const stale = new Map([[id, '2']])
  await store(redis, some('36', 2, 2))
  await projectAll(redis)
  assert.equal(await redis.hget(KNOWN_KEY, 'hits:36'), '4')
  // The slow one wakes up, writes, and dies.
  await writeProjections(redis, stale)
  assert.equal(await redis.hget(KNOWN_KEY, 'hits:36'), '2')
  await projectAll(redis)
  assert.equal(await redis.hget(KNOWN_KEY, 'hits:36'), '4')
})

test('one collection whose counts are of another type keeps no other from being projected or shown', async () => {
  const { redis } = servers.current()
  await redis.set(countsKey(collectionId('37')), 'mine')
  const outcome = await store(redis, [...some('37', 0, 1), ...some('38', 0, 1)])
  assert.equal(outcome.stored, 1)
  await projectAll(redis)
  assert.equal(await redis.hget(KNOWN_KEY, 'hits:38'), '1')
  assert.equal(await redis.exists(DIRTY_KEY, PROJECTING_KEY), 0)
  const all = await readAllHits(redis, adminGrant(), T)
  assert.equal(all.find(({ collection }) => collection === '37')?.unreadable, true)
  assert.equal(all.find(({ collection }) => collection === '38')?.total, 1)
})
