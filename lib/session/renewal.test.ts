import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import type { Redis } from 'ioredis'
import { encode } from 'next-auth/jwt'
import { type IdentityProvider, startIdentityProvider } from '../../e2e/demo/identity-provider.ts'
import { type RedisServer, startRedisServer } from '../../e2e/demo/redis-server.ts'
import { CALLBACK, CLIENT_SECRET, settingsFor, signInAt } from '../../e2e/provider-sign-in.ts'
import { connectRedis, whenReady } from '../store/redis.ts'
import { endSession, readSession, replaceSession, SESSION_SECONDS } from '../store/sessions.ts'
import { CLAIMS_MAX_AGE_MS, currentSession, type SessionDeps } from './current.ts'
import { createProvider } from './provider.ts'
import { claimRenewal, isStale, sessionToRenew } from './renewal.ts'
import { startSession } from './sign-in.ts'

const SECRET = 'a secret of the tests, long enough'
const MINUTE_MS = 60_000

/** One that gives no refresh token. */
let idp: IdentityProvider
let server: RedisServer
let redis: Redis
let deps: SessionDeps
let nowMs = Date.now()

before(async () => {
  idp = await startIdentityProvider({
    clientId: 'portal',
    clientSecret: CLIENT_SECRET,
    redirectUris: [CALLBACK],
    refreshTokens: false,
  })
  server = await startRedisServer()
  redis = connectRedis({ url: server.url, commandTimeoutMs: 1_500 })
  assert.ok(await whenReady(redis, 5_000))
  const provider = createProvider(settingsFor(idp), () => undefined)
  deps = { redis, provider, secret: SECRET, idleSeconds: 3600, log: () => undefined, now: () => nowMs }
})

after(async () => {
  redis.disconnect()
  await server.stop()
  await idp.close()
})

beforeEach(() => redis.flushall())

/** As the portal does it when the browser comes back from the provider, with the cookie it holds by then. */
async function signIn(name: string, held?: string): Promise<{ cookie: string; sid: string }> {
  const { tokens, sources } = await signInAt(idp, name)
  const renews = await sessionToRenew(held, deps)
  const started = await startSession({ sources, tokens, issuer: idp.issuer, renews }, deps)
  assert.ok(started)
  const token = { sub: started.subject, sid: started.sid }
  return { cookie: await encode({ token, secret: SECRET }), sid: started.sid }
}

test('a session is stale when its claims are too old, and has one try by itself', async () => {
  const { cookie } = await signIn('hr-owner')
  nowMs += CLAIMS_MAX_AGE_MS - 1
  assert.equal(await isStale(cookie, deps), false)
  assert.equal(await claimRenewal(cookie, deps), 'none')
  nowMs += 1
  assert.equal(await isStale(cookie, deps), true)
  const claims = await Promise.all(Array.from({ length: 10 }, () => claimRenewal(cookie, deps)))
  assert.deepEqual([...claims].sort(), ['claimed', ...Array.from({ length: 9 }, () => 'tried')])
})

test('nobody else has a try: no cookie, a forged one, a session that ended, idled away or is past its end', async () => {
  const ended = await signIn('hr-owner')
  const idle = await signIn('hr-owner')
  const stale = await signIn('hr-owner')
  nowMs += CLAIMS_MAX_AGE_MS
  await endSession(redis, ended.sid)
  const forged = await encode({ token: { sub: 'admin', sid: stale.sid }, secret: SECRET })
  for (const cookie of [undefined, 'x', forged, ended.cookie]) {
    assert.equal(await isStale(cookie, deps), false)
    assert.equal(await claimRenewal(cookie, deps), 'none')
    assert.equal(await sessionToRenew(cookie, deps), null)
  }
  assert.equal(await isStale(stale.cookie, deps), true)
  nowMs += 45 * MINUTE_MS
  assert.equal(await isStale(idle.cookie, deps), false)
})

test('a session that the provider refreshes is not stale, nor one whose provider is away, but one it does not settle is', async () => {
  const { cookie, sid } = await signIn('hr-owner')
  const stored = await readSession(redis, sid)
  assert.ok(stored)
  nowMs += CLAIMS_MAX_AGE_MS
  for (const [refreshFault, expected] of [
    [null, false],
    ['unavailable', false],
    ['unsettled', true],
  ] as const) {
    await replaceSession(redis, sid, { ...stored, refreshToken: 'r', refreshFault })
    assert.equal(await isStale(cookie, deps), expected, String(refreshFault))
  }
})

test('a sign-in that came of a try renews: the old session ends, and the absolute end stays where it was', async () => {
  let held = await signIn('hr-owner')
  const beganAtMs = nowMs
  const first = held
  while (nowMs + CLAIMS_MAX_AGE_MS < beganAtMs + SESSION_SECONDS * 1000) {
    nowMs += CLAIMS_MAX_AGE_MS
    assert.equal(await currentSession(held.cookie, deps), null)
    assert.equal(await claimRenewal(held.cookie, deps), 'claimed')
    held = await signIn('hr-owner', held.cookie)
    const session = await currentSession(held.cookie, deps)
    assert.equal(session?.createdAtMs, beganAtMs)
    assert.equal(session.checkedAtMs, nowMs)
  }
  assert.equal(await readSession(redis, first.sid), null)
  assert.equal((await redis.keys('session:*')).length, 1)
  nowMs = beganAtMs + SESSION_SECONDS * 1000
  assert.equal(await currentSession(held.cookie, deps), null)
  assert.equal(await isStale(held.cookie, deps), false)
  assert.equal(
    (await currentSession((await signIn('hr-owner', held.cookie)).cookie, deps))?.createdAtMs,
    nowMs,
  )
})

test('a sign-in of another person, or one that no try came before, begins a session of its own', async () => {
  const { cookie, sid } = await signIn('hr-owner')
  nowMs += CLAIMS_MAX_AGE_MS
  const byHand = await signIn('hr-owner', cookie)
  assert.equal((await readSession(redis, byHand.sid))?.createdAtMs, nowMs)
  assert.equal(await claimRenewal(cookie, deps), 'claimed')
  const other = await signIn('web-owner', cookie)
  assert.equal((await readSession(redis, other.sid))?.createdAtMs, nowMs)
  assert.ok(await readSession(redis, sid))
})
