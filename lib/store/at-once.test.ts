import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openStoreServer } from '../../e2e/store-server.ts'
import { atOnce } from './at-once.ts'
import { isCluster } from './redis-client.ts'

const servers = openStoreServer()

test('commands given at once are answered in their order, also after one that threw, and the next ones as ever', async () => {
  const { redis } = servers.current()
  const answers = atOnce(redis, () =>
    Promise.all([redis.set('{a}one', '1'), redis.get('{a}one'), redis.ping()]),
  )
  assert.deepEqual(await answers, ['OK', '1', 'PONG'])
  assert.throws(
    () =>
      atOnce(redis, () => {
        throw new Error('mine')
      }),
    /mine/,
  )
  assert.equal(await redis.get('{a}one'), '1')
})

test('what is held back goes out when all is given', async () => {
  const { redis } = servers.current()
  if (isCluster(redis)) return
  atOnce(redis, () => assert.equal(redis.stream.writableCorked, 1))
  assert.equal(redis.stream.writableCorked, 0)
})
