import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Redis } from 'ioredis'
import { type RedisServerOptions, startRedisServer } from './redis-server.ts'

async function server(context: TestContext, options: RedisServerOptions = {}) {
  const started = await startRedisServer(options)
  context.after(() => started.stop())
  return started
}

async function ask<T>(url: string, question: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url)
  try {
    return await question(redis)
  } finally {
    redis.disconnect()
  }
}

test('starts several at once on free ports, each empty', async (context) => {
  const servers = await Promise.all(Array.from({ length: 3 }, () => server(context)))
  assert.equal(new Set(servers.map(({ port }) => port)).size, 3)
  for (const { url } of servers) assert.equal(await ask(url, (redis) => redis.dbsize()), 0)
})

test('asks for its password and takes directives', async (context) => {
  const { url } = await server(context, {
    password: 'a "secret" / @',
    directives: { 'maxmemory-policy': 'allkeys-lru' },
  })
  const policy = await ask(url, (redis) => redis.config('GET', 'maxmemory-policy'))
  assert.deepEqual(policy, ['maxmemory-policy', 'allkeys-lru'])
})

test('keeps its data over a restart when told to', async (context) => {
  const directory = await mkdtemp(join(tmpdir(), 'log-portal-redis-test-'))
  context.after(() => rm(directory, { recursive: true, force: true }))
  const first = await server(context, { directory, persist: true })
  await ask(first.url, (redis) => redis.set('key', 'value'))
  await first.stop()
  const second = await server(context, { directory, persist: true })
  assert.equal(await ask(second.url, (redis) => redis.get('key')), 'value')
})

test('a port that is taken is an error with the words of Redis, not the other server', async (context) => {
  const { port } = await server(context)
  await assert.rejects(startRedisServer({ port }), /Address already in use/)
})
