import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Redis } from 'ioredis'
import type { RedisServer } from '../../e2e/demo/redis-server.ts'
import { keysOf, startStoreServer } from '../../e2e/store-server.ts'
import { connectRedis, whenReady } from './redis.ts'
import {
  createSession,
  endSession,
  endSessionOf,
  endSessionsOf,
  isRefreshLocked,
  isSessionId,
  listSessionsOf,
  readSession,
  releaseRefreshLock,
  replaceSession,
  SESSION_SECONDS,
  type SessionRecord,
  sessionHandle,
  takeRefreshLock,
  touchSession,
} from './sessions.ts'

let server: RedisServer
let redis: Redis

before(async () => {
  server = await startStoreServer()
  redis = connectRedis({ url: server.url, commandTimeoutMs: 1_500 })
  assert.ok(await whenReady(redis, 5_000))
})

after(async () => {
  redis.disconnect()
  await server.stop()
})

const RECORD: SessionRecord = {
  issuer: 'https://sso.foo.com',
  subject: 'hr-owner',
  providerSid: 'p1',
  name: 'HR',
  claims: { groups: ['/hr/owners'] },
  idTokenOnly: [],
  idToken: 'id',
  refreshToken: 'refresh',
  accessToken: 'access',
  checkedAtMs: 1_000,
  refreshFault: null,
  retryAtMs: 0,
  createdAtMs: 1_000,
}

test('each session has an id of its own, an end, and is found by person and by session at the provider', async () => {
  const sids = await Promise.all([createSession(redis, RECORD), createSession(redis, RECORD)])
  assert.notEqual(sids[0], sids[1])
  for (const sid of sids) {
    assert.ok(isSessionId(sid))
    assert.deepEqual(await readSession(redis, sid), { ...RECORD, lastSeenAtMs: 1_000 })
    const ttl = await redis.ttl(`session:${sid}`)
    assert.ok(ttl > SESSION_SECONDS - 60 && ttl <= SESSION_SECONDS)
  }
  for (const index of [
    'sessions:subject:https://sso.foo.com|hr-owner',
    'sessions:provider:https://sso.foo.com|p1',
  ]) {
    assert.deepEqual(new Set(await redis.smembers(index)), new Set(sids))
    assert.ok((await redis.ttl(index)) > 0)
  }
})

test('a session that is made while all of its person are ended is not there afterwards', async () => {
  const person = { ...RECORD, subject: 'meanwhile', providerSid: null }
  const making = connectRedis({ url: server.url })
  assert.ok(await whenReady(making, 5_000))
  const set = making.set.bind(making) as (...args: unknown[]) => Promise<unknown>
  let ended = 0
  // The moment between standing in the indexes and being there.
  making.set = (async (key: string, ...args: unknown[]) => {
    if (key.startsWith('session:')) ended += 1 + (await endSessionsOf(redis, person))
    return set(key, ...args)
  }) as typeof making.set
  const made = createSession(making, person).finally(() => making.disconnect())
  await assert.rejects(made, { code: 'store_unavailable', message: /sign in again/ })
  assert.equal(ended, 1)
  assert.equal((await listSessionsOf(redis, person)).sessions.length, 0)
  const left = await Promise.all((await redis.keys('session:*')).map((key) => redis.get(key)))
  assert.ok(left.every((text) => !text?.includes('meanwhile')))
  assert.ok(await readSession(redis, await createSession(redis, person)))
})

test('what goes on in a session is written to a full Redis too', async () => {
  const sid = await createSession(redis, RECORD)
  await redis.config('SET', 'maxmemory', '1mb')
  try {
    await assert.rejects(redis.set('any', 'x'), /OOM/)
    await touchSession(redis, sid, 5_000)
    const lock = await takeRefreshLock(redis, sid)
    assert.ok(lock)
    assert.equal(await takeRefreshLock(redis, sid), null)
    assert.equal(await replaceSession(redis, sid, { ...RECORD, name: 'renewed' }), true)
    await releaseRefreshLock(redis, sid, lock)
    const { name, lastSeenAtMs } = (await readSession(redis, sid)) ?? {}
    assert.deepEqual([name, lastSeenAtMs], ['renewed', 5_000])
  } finally {
    await redis.config('SET', 'maxmemory', '0')
  }
})

test('an ended session is gone with its index entries and cannot be written again', async () => {
  const person = { ...RECORD, subject: 'ended', providerSid: null }
  const sid = await createSession(redis, person)
  await endSession(redis, sid)
  assert.equal(await readSession(redis, sid), null)
  assert.equal(await replaceSession(redis, sid, person), false)
  await touchSession(redis, sid, 2_000)
  assert.deepEqual(await keysOf(redis, `*${sid}*`), [])
  assert.equal(await redis.exists('sessions:subject:https://sso.foo.com|ended'), 0)
  await endSession(redis, sid)
})

test('a person’s sessions are listed and ended by handles that are no ids, and those of others are not', async () => {
  const person = { ...RECORD, subject: 'listed', providerSid: null, address: '192.0.2.7', browser: 'b' }
  const sids = [await createSession(redis, person), await createSession(redis, person)]
  const other = await createSession(redis, { ...person, subject: 'other' })
  const gone = await createSession(redis, person)
  await redis.del(`session:${gone}`)
  const { sessions, more } = await listSessionsOf(redis, person)
  assert.equal(more, 0)
  assert.deepEqual(new Set(sessions.map(({ handle }) => handle)), new Set(sids.map(sessionHandle)))
  assert.deepEqual(sessions[0], { ...person, lastSeenAtMs: 1_000, handle: sessions[0]?.handle })
  for (const sid of sids) assert.ok(!JSON.stringify(sessions).includes(sid))

  const [first = '', second = ''] = sids
  for (const handle of ['', first, sessionHandle(other), sessionHandle(gone)])
    assert.equal(await endSessionOf(redis, person, handle), false, handle)
  assert.equal(await endSessionOf(redis, person, sessionHandle(first)), true)
  assert.equal(await readSession(redis, first), null)
  assert.ok((await readSession(redis, second)) && (await readSession(redis, other)))
})

test('all of a person’s sessions end but the one that is to stay', async () => {
  const person = { ...RECORD, subject: 'but one', providerSid: null }
  const stays = await createSession(redis, person)
  for (let n = 0; n < 3; n++) await createSession(redis, person)
  assert.equal(await endSessionsOf(redis, person, { except: sessionHandle(stays) }), 3)
  const { sessions } = await listSessionsOf(redis, person)
  assert.deepEqual(
    sessions.map(({ handle }) => handle),
    [sessionHandle(stays)],
  )
  assert.equal(await endSessionsOf(redis, person), 1)
})

test('of a person with very many sessions some are listed, and how many more there may be is said', async () => {
  const person = { ...RECORD, subject: 'busy', providerSid: null }
  await Promise.all(Array.from({ length: 203 }, () => createSession(redis, person)))
  const { sessions, more } = await listSessionsOf(redis, person)
  assert.deepEqual([sessions.length, more], [200, 3])
})

test('replacing keeps the absolute end and the time of the last request', async () => {
  const sid = await createSession(redis, RECORD)
  await redis.expire(`session:${sid}`, 100)
  await touchSession(redis, sid, 5_000)
  assert.equal(await replaceSession(redis, sid, { ...RECORD, refreshToken: 'next' }), true)
  const stored = await readSession(redis, sid)
  assert.equal(stored?.refreshToken, 'next')
  assert.equal(stored.lastSeenAtMs, 5_000)
  assert.ok((await redis.ttl(`session:${sid}`)) <= 100)
})

test('what is no session is none, and what is no id never names a key', async () => {
  const sid = await createSession(redis, RECORD)
  for (const text of ['{', '[]', '{"subject":"hr-owner"}', JSON.stringify({ ...RECORD, checkedAtMs: 'x' })]) {
    await redis.set(`session:${sid}`, text)
    assert.equal(await readSession(redis, sid), null)
  }
  for (const text of ['', '*', `${sid}x`, `${sid.slice(1)}:`, 'a'.repeat(42)]) {
    assert.equal(isSessionId(text), false)
    assert.equal(await readSession(redis, text), null)
  }
})

test('the refresh lock has one holder, who alone can give it back', async () => {
  const sid = await createSession(redis, RECORD)
  const attempts = await Promise.all(Array.from({ length: 10 }, () => takeRefreshLock(redis, sid)))
  const [token, ...others] = attempts.filter((attempt) => attempt !== null)
  assert.ok(token)
  assert.equal(others.length, 0)
  await releaseRefreshLock(redis, sid, 'somebody else')
  assert.equal(await isRefreshLocked(redis, sid), true)
  assert.ok((await redis.pttl(`session-lock:${sid}`)) > 0)
  await releaseRefreshLock(redis, sid, token)
  assert.equal(await isRefreshLocked(redis, sid), false)
})
