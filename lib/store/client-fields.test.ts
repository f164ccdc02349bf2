import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { openStoreServer } from '../../e2e/store-server.ts'
import { PortalError } from '../errors.ts'
import { readClientFields, writeClientField } from './client-fields.ts'
import { connectRedis } from './redis.ts'

const store = openStoreServer()
const KEY = 'ingest:client-fields'

beforeEach(async () => {
  await store.current().redis.del(KEY)
})

test('nothing kept is an empty map', async () => {
  assert.deepEqual(await readClientFields(store.current().redis), new Map())
})

test('a number is kept for each source, also for none, and the last one written holds', async () => {
  const { redis } = store.current()
  for (const [source, field] of [
    ['web1', 3],
    ['', 2],
    ['__proto__', 4],
    ['web1', 9],
  ] as const)
    await writeClientField(redis, source, field)
  const kept = await readClientFields(redis)
  assert.deepEqual(
    ['web1', '', '__proto__', 'web2', 'toString'].map((source) => kept.get(source)),
    [9, 2, 4, undefined, undefined],
  )
  assert.deepEqual(await redis.hgetall(KEY).then(Object.keys), ['web1', '', '__proto__'])
})

test('a number is forgotten for its source alone, and what is not kept can be forgotten too', async () => {
  const { redis } = store.current()
  await writeClientField(redis, 'web1', 2)
  await writeClientField(redis, 'web2', 2)
  for (const source of ['web1', 'web1', 'web3']) await writeClientField(redis, source, null)
  assert.deepEqual(await readClientFields(redis), new Map([['web2', 2]]))
})

test('entries that ingest cannot have written are left out, and the others stay', async () => {
  const { redis } = store.current()
  const garbage = ['0', '10', '-1', '1.5', '1e0', ' 1', '1\n', '', 'x', '١']
  for (const [index, value] of garbage.entries()) await redis.hset(KEY, `web${index}`, value)
  await redis.hset(KEY, 'a b', '1', 'a#1', '1', 's'.repeat(33), '1', Buffer.from([0xff]), '1', 'good', '1')
  assert.deepEqual(await readClientFields(redis), new Map([['good', 1]]))
})

test('a key of another type and a Redis that is away are errors with their codes', async () => {
  const { redis } = store.current()
  await redis.set(KEY, 'mine')
  await assert.rejects(
    readClientFields(redis),
    (error) => error instanceof PortalError && error.code === 'internal',
  )
  const away = connectRedis({ url: 'redis://127.0.0.1:1' })
  await assert.rejects(
    readClientFields(away),
    (error) => error instanceof PortalError && error.code === 'store_unavailable',
  )
  away.disconnect()
})
