import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import { after, before, beforeEach, test } from 'node:test'
import type { Redis } from 'ioredis'
import { encode } from 'next-auth/jwt'
import {
  generateProviderKeys,
  type IdentityProvider,
  type IdentityProviderOptions,
  type ProviderKeys,
  startIdentityProvider,
} from '../../e2e/demo/identity-provider.ts'
import { type RedisServer, startRedisServer } from '../../e2e/demo/redis-server.ts'
import { CALLBACK, CLIENT_SECRET, settingsFor, signInAt } from '../../e2e/provider-sign-in.ts'
import { PortalError } from '../errors.ts'
import { connectRedis, whenReady } from '../store/redis.ts'
import { endSession, readSession, takeRefreshLock } from '../store/sessions.ts'
import {
  CLAIMS_FRESH_MS,
  CLAIMS_MAX_AGE_MS,
  currentSession,
  endCurrentSession,
  type SessionDeps,
} from './current.ts'
import { createProvider } from './provider.ts'
import { startSession } from './sign-in.ts'

const SECRET = 'a secret of the tests, long enough'
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

let server: RedisServer
let redis: Redis
let nowMs = Date.now()
const logged: string[] = []

let jwks: ProviderKeys

before(async () => {
  jwks = await generateProviderKeys()
  server = await startRedisServer()
  redis = connectRedis({ url: server.url, commandTimeoutMs: 1_500 })
  assert.ok(await whenReady(redis, 5_000))
})

after(async () => {
  redis.disconnect()
  await server.stop()
})

beforeEach(async () => {
  logged.length = 0
  await redis.flushall()
})

interface Portal {
  readonly idp: IdentityProvider
  readonly deps: SessionDeps
  /** Signs a person in. @returns the cookie's value and the session's id */
  signIn(name: string): Promise<{ cookie: string; sid: string }>
}

/** A provider of its own for each test, since most of them break it. */
async function withPortal(
  options: Partial<IdentityProviderOptions>,
  run: (portal: Portal) => Promise<void>,
): Promise<void> {
  const idp = await startIdentityProvider({
    clientId: 'portal',
    clientSecret: CLIENT_SECRET,
    redirectUris: [CALLBACK],
    rotateRefreshTokens: true,
    jwks,
    ...options,
  })
  try {
    const deps: SessionDeps = {
      redis,
      provider: createProvider(settingsFor(idp), (line) => logged.push(line)),
      secret: SECRET,
      idleSeconds: 3600,
      log: (line) => logged.push(line),
      now: () => nowMs,
    }
    await run({
      idp,
      deps,
      async signIn(name) {
        const { tokens, sources } = await signInAt(idp, name)
        const started = await startSession(
          { sources, tokens, issuer: idp.issuer },
          { redis, now: () => nowMs },
        )
        assert.ok(started)
        const token = { sub: started.subject, sid: started.sid }
        return { cookie: await encode({ token, secret: SECRET }), sid: started.sid }
      },
    })
  } finally {
    await idp.close()
  }
}

const groupsOf = (session: Awaited<ReturnType<typeof currentSession>>) => session?.claims.groups

test('a cookie leads to the person, and fresh claims ask nobody', () =>
  withPortal({}, async ({ idp, deps, signIn }) => {
    const { cookie } = await signIn('hr-owner')
    idp.events.clear()
    const session = await currentSession(cookie, deps)
    assert.equal(session?.subject, 'hr-owner')
    assert.equal(session.name, 'HR owner')
    assert.equal(session.issuer, idp.issuer)
    assert.deepEqual(groupsOf(session), ['/hr/owners'])
    assert.ok(!JSON.stringify(session).includes('ey'), 'no token leaves with the session')
    assert.equal(idp.events.requests.length, 0)
  }))

test('whoever admits a session is asked about its id and no other; a refusal is thrown, but a store that is away comes first', () =>
  withPortal({}, async ({ deps, signIn }) => {
    const { cookie, sid } = await signIn('hr-owner')
    const asked: string[] = []
    const admit = async (one: string) => {
      asked.push(one)
      return new PortalError('too_many')
    }
    await assert.rejects(currentSession(cookie, { ...deps, admit }), { code: 'too_many' })
    assert.ok(await currentSession(cookie, { ...deps, admit: async () => null }))
    await currentSession('forged', { ...deps, admit })
    assert.deepEqual(asked, [sid])
    const away = connectRedis({ url: 'redis://127.0.0.1:1' })
    await assert.rejects(currentSession(cookie, { ...deps, redis: away, admit }), {
      code: 'store_unavailable',
    })
    away.disconnect()
  }))

test('a sign-in keeps where it came from, cleaned', () =>
  withPortal({}, async ({ idp, signIn }) => {
    const { tokens, sources } = await signInAt(idp, 'hr-owner')
    const from = { address: '192.0.2.7', userAgent: 'agent\r\n of the test' }
    const started = await startSession(
      { sources, tokens, issuer: idp.issuer, from },
      { redis, now: () => nowMs },
    )
    const stored = await readSession(redis, started?.sid ?? '')
    assert.deepEqual([stored?.address, stored?.browser], ['192.0.2.7', 'agent of the test'])
    const { sid } = await signIn('hr-owner')
    assert.equal((await readSession(redis, sid))?.address, undefined)
  }))

test('a sign-in that names another issuer, or a subject that no cookie holds, starts no session', () =>
  withPortal({}, async ({ idp, deps }) => {
    const { tokens, sources } = await signInAt(idp, 'hr-owner')
    const start = (idToken: Readonly<Record<string, unknown>>) =>
      startSession({ sources: { ...sources, idToken }, tokens, issuer: idp.issuer }, deps)
    assert.equal(await start({ ...sources.idToken, iss: 'https://evil' }), null)
    assert.equal(await start({ ...sources.idToken, sub: '' }), null)
    assert.equal(await start({ ...sources.idToken, sub: 'x'.repeat(256) }), null)
    assert.deepEqual(await redis.keys('session*'), [])
    assert.ok(await start(sources.idToken))
  }))

test('attempt 27: forged, cut and foreign cookies are nobody', () =>
  withPortal({}, async ({ deps, signIn }) => {
    const { cookie, sid } = await signIn('hr-owner')
    const forged = [
      undefined,
      '',
      'x',
      cookie.slice(0, -4),
      `${cookie}A`,
      await encode({ token: { sub: 'hr-owner', sid }, secret: `${SECRET}!` }),
      // As the cookies of a sign-in under way are made.
      await encode({ token: { sub: 'hr-owner', sid }, secret: SECRET, salt: 'log-portal.state' }),
      await encode({ token: { sub: 'hr-owner', sid }, secret: SECRET, maxAge: -60 }),
      await encode({ token: { sub: 'admin', sid }, secret: SECRET }),
      await encode({ token: { sub: 'hr-owner', sid: `${sid}*` }, secret: SECRET }),
      await encode({ token: { sub: 'hr-owner' }, secret: SECRET }),
    ]
    for (const value of forged) assert.equal(await currentSession(value, deps), null)
    assert.ok(await currentSession(cookie, deps))
  }))

test('attempt 17: a group taken away is gone once the claims are five minutes old, and not much later', () =>
  withPortal({}, async ({ idp, deps, signIn }) => {
    const { cookie } = await signIn('hr-owner')
    idp.accounts.set('hr-owner', { name: 'HR lead' })
    nowMs += CLAIMS_FRESH_MS - 1
    assert.deepEqual(groupsOf(await currentSession(cookie, deps)), ['/hr/owners'])
    nowMs += 1
    const session = await currentSession(cookie, deps)
    assert.equal(groupsOf(session), undefined)
    assert.equal(session?.name, 'HR lead')
    assert.equal(session.checkedAtMs, nowMs)
  }))

test('attempt 20: twenty requests at once refresh once, and all see the result', () =>
  withPortal({}, async ({ idp, deps, signIn }) => {
    const { cookie } = await signIn('hr-owner')
    for (const group of ['/a', '/b']) {
      idp.accounts.set('hr-owner', { name: 'HR', groups: [group] })
      idp.events.clear()
      nowMs += CLAIMS_FRESH_MS
      const sessions = await Promise.all(Array.from({ length: 20 }, () => currentSession(cookie, deps)))
      for (const session of sessions) assert.deepEqual(groupsOf(session), [group])
      assert.equal(idp.events.tokenCalls('refresh_token'), 1)
      assert.equal(idp.events.userinfoCalls(), 1)
    }
  }))

test('the lock of a process that died while refreshing goes by itself', () =>
  withPortal({}, async ({ idp, deps, signIn }) => {
    const { cookie, sid } = await signIn('hr-owner')
    nowMs += CLAIMS_FRESH_MS
    assert.ok(await takeRefreshLock(redis, sid))
    await redis.pexpire(`session-lock:${sid}`, 200)
    idp.events.clear()
    const sessions = await Promise.all(Array.from({ length: 5 }, () => currentSession(cookie, deps)))
    for (const session of sessions) assert.equal(session?.checkedAtMs, nowMs)
    assert.equal(idp.events.tokenCalls('refresh_token'), 1)
  }))

test('attempt 19: a revoked grant ends the session, also by a bare 4xx', () =>
  withPortal({}, async ({ idp, deps, signIn }) => {
    const gone = await signIn('hr-owner')
    const refused = await signIn('web-owner')
    nowMs += CLAIMS_FRESH_MS
    idp.accounts.delete('hr-owner')
    assert.equal(await currentSession(gone.cookie, deps), null)
    assert.equal(await redis.exists(`session:${gone.sid}`), 0)
    idp.faults.set('/token', 400)
    assert.equal(await currentSession(refused.cookie, deps), null)
    idp.faults.clear()
    assert.equal(await currentSession(refused.cookie, deps), null)
    assert.equal(logged.filter((line) => line.includes('session ended')).length, 2)
  }))

test('an overloaded provider revokes nothing', () =>
  withPortal({}, async ({ idp, deps, signIn }) => {
    const { cookie } = await signIn('hr-owner')
    for (const status of [429, 500, 503]) {
      nowMs += CLAIMS_FRESH_MS
      idp.faults.set('/token', status)
      assert.ok(await currentSession(cookie, deps), String(status))
      idp.faults.clear()
      nowMs += MINUTE_MS
      assert.equal((await currentSession(cookie, deps))?.checkedAtMs, nowMs)
    }
  }))

test('attempt 18: while the provider is down claims go on for fifteen minutes, are then refused, and come back with it', () =>
  withPortal({}, async ({ idp, deps, signIn }) => {
    const { cookie } = await signIn('hr-owner')
    const signedInAtMs = nowMs
    idp.faults.set('/token', 'hang')
    nowMs += CLAIMS_FRESH_MS
    const sessions = await Promise.all(Array.from({ length: 20 }, () => currentSession(cookie, deps)))
    for (const session of sessions) assert.equal(session?.checkedAtMs, signedInAtMs)
    // Left alone for a while, rather than asked by every request in turn.
    assert.equal(idp.events.tokenCalls('refresh_token'), 1)
    idp.faults.set('/token', 503)
    nowMs = signedInAtMs + CLAIMS_MAX_AGE_MS - 1
    assert.deepEqual(groupsOf(await currentSession(cookie, deps)), ['/hr/owners'])
    nowMs += 1
    await assert.rejects(currentSession(cookie, deps), { code: 'provider_unavailable' })
    nowMs += HOUR_MS / 2
    await assert.rejects(currentSession(cookie, deps), { code: 'provider_unavailable' })
    idp.faults.clear()
    nowMs += MINUTE_MS
    assert.equal((await currentSession(cookie, deps))?.checkedAtMs, nowMs)
  }))

test('a refresh token that was already rotated is kept when userinfo fails after it', () =>
  withPortal({}, async ({ idp, deps, signIn }) => {
    const { cookie, sid } = await signIn('hr-owner')
    const before = await readSession(redis, sid)
    nowMs += CLAIMS_FRESH_MS
    idp.faults.set('/userinfo', 500)
    assert.ok(await currentSession(cookie, deps))
    const between = await readSession(redis, sid)
    assert.notEqual(between?.refreshToken, before?.refreshToken)
    assert.equal(between?.checkedAtMs, before?.checkedAtMs)
    idp.faults.clear()
    nowMs += MINUTE_MS
    assert.equal((await currentSession(cookie, deps))?.checkedAtMs, nowMs)
  }))

test('a session that ends while it is refreshed does not come back', () =>
  withPortal({}, async ({ deps, signIn }) => {
    const { cookie, sid } = await signIn('hr-owner')
    nowMs += CLAIMS_FRESH_MS
    const provider = {
      ...deps.provider,
      async refresh(refreshToken: string, subject: string) {
        const outcome = await deps.provider.refresh(refreshToken, subject)
        await endSession(redis, sid)
        return outcome
      },
    }
    assert.equal(await currentSession(cookie, { ...deps, provider }), null)
    assert.deepEqual(await redis.keys('session*'), [])
  }))

test('attempt 24: a refresh that brings tokens or userinfo of another person ends the session', () =>
  withPortal({}, async ({ idp, deps, signIn }) => {
    const other = await signInAt(idp, 'web-owner')
    const lies = {
      '/token': async (answer: object) => ({ ...answer, id_token: other.tokens.id_token }),
      '/userinfo': async (answer: object) => ({ ...answer, sub: 'web-owner' }),
    }
    const discovery = '/.well-known/openid-configuration'
    for (const [path, lie] of Object.entries(lies)) {
      const [told, lied] = [await signIn('hr-owner'), await signIn('hr-owner')]
      // Each has to be seen by itself: with userinfo, the person of new tokens is compared there too.
      if (path === '/token')
        idp.lies.set(discovery, async (answer) => ({ ...answer, userinfo_endpoint: undefined }))
      const provider = createProvider(settingsFor(idp), (line) => logged.push(line))
      nowMs += CLAIMS_FRESH_MS
      assert.equal((await currentSession(told.cookie, { ...deps, provider }))?.checkedAtMs, nowMs, path)
      idp.lies.set(path, lie)
      assert.equal(await currentSession(lied.cookie, { ...deps, provider }), null, path)
      assert.equal(await redis.exists(`session:${lied.sid}`), 0, path)
      idp.lies.clear()
    }
    assert.equal(logged.filter((line) => line.includes('another subject')).length, 2)
  }))

test('a provider without refresh tokens is asked again by signing in, after fifteen minutes', () =>
  withPortal({ refreshTokens: false }, async ({ deps, signIn }) => {
    const { cookie } = await signIn('hr-owner')
    nowMs += CLAIMS_MAX_AGE_MS - 1
    assert.ok(await currentSession(cookie, deps))
    nowMs += 1
    assert.equal(await currentSession(cookie, deps), null)
  }))

test('claims that stand in the ID token alone are refreshed too', () =>
  withPortal({ claimsInIdToken: true }, async ({ idp, deps, signIn }) => {
    const { cookie } = await signIn('hr-owner')
    idp.accounts.set('hr-owner', { name: 'HR', groups: ['/new'] })
    nowMs += CLAIMS_FRESH_MS
    assert.deepEqual(groupsOf(await currentSession(cookie, deps)), ['/new'])
  }))

test('attempt 29: a session ends after an hour without a request, and after eight hours with them', () =>
  withPortal({}, async ({ deps, signIn }) => {
    const idle = await signIn('hr-owner')
    nowMs += HOUR_MS
    assert.equal(await currentSession(idle.cookie, deps), null)
    assert.equal(await redis.exists(`session:${idle.sid}`), 0)

    const busy = await signIn('hr-owner')
    const endMs = nowMs + 8 * HOUR_MS
    for (; nowMs < endMs; nowMs += HOUR_MS / 2) assert.ok(await currentSession(busy.cookie, deps))
    assert.equal(await currentSession(busy.cookie, deps), null)
  }))

test('signing out ends the session and gives the tokens to sign out with at the provider', () =>
  withPortal({ postLogoutRedirectUris: ['http://127.0.0.1:1/signin'] }, async ({ idp, deps, signIn }) => {
    const { cookie } = await signIn('hr-owner')
    const tokens = await endCurrentSession(cookie, deps)
    assert.ok(tokens?.idToken && tokens.refreshToken)
    assert.equal(await currentSession(cookie, deps), null)
    assert.equal(await endCurrentSession(cookie, deps), null)
    assert.deepEqual(await redis.keys('session*'), [])

    const url = await deps.provider.endSessionUrl(tokens.idToken, 'http://127.0.0.1:1/signin')
    assert.equal(url?.origin, idp.issuer)
    assert.equal(url.searchParams.get('id_token_hint'), tokens.idToken)
    assert.equal(url.searchParams.get('post_logout_redirect_uri'), 'http://127.0.0.1:1/signin')
    assert.equal(url.searchParams.get('state'), '')
    await deps.provider.revoke(tokens)
    const refreshed = await deps.provider.refresh(tokens.refreshToken, 'hr-owner')
    assert.equal(refreshed.kind, 'revoked')
  }))

test('a provider that is down holds up no sign-out', () =>
  withPortal({ endSession: false }, async ({ idp, deps, signIn }) => {
    const { cookie } = await signIn('hr-owner')
    assert.ok(await deps.provider.metadata())
    assert.equal(await deps.provider.endSessionUrl(null, 'http://127.0.0.1:1/signin'), null)
    idp.faults.set('/token/revocation', 'hang')
    const tokens = await endCurrentSession(cookie, deps)
    assert.ok(tokens)
    const startedAtMs = performance.now()
    await deps.provider.revoke(tokens)
    assert.ok(performance.now() - startedAtMs < 2_500)
  }))

test('attempt 56: a provider that names another issuer is not taken, and discovery is tried again after a failure', () =>
  withPortal({}, async ({ idp, deps }) => {
    const settings = { issuer: `http://localhost:${idp.port}`, clientId: 'portal', clientSecret: 'x' }
    const other = createProvider(
      { ...settings, authMethod: 'client_secret_basic', scope: 'openid', name: 'x' },
      (line) => logged.push(line),
    )
    assert.equal(await other.metadata(), null)
    assert.match(logged.join(), /discovery failed/)

    idp.faults.set('/.well-known/openid-configuration', 503)
    assert.equal(await deps.provider.metadata(), null)
    idp.faults.clear()
    assert.equal((await deps.provider.metadata())?.issuer, idp.issuer)
    assert.deepEqual(deps.provider.origins, [idp.issuer])
  }))

test('attempt 56: discovery that leads elsewhere is not followed', async () => {
  let asked = 0
  const inside = createServer((_, response) => {
    asked++
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })
  const metadataAddress = `${await listening(inside)}/latest/meta-data`
  const outside = createServer((_, response) => response.writeHead(302, { location: metadataAddress }).end())
  const issuer = await listening(outside)
  try {
    const settings = { issuer, clientId: 'portal', clientSecret: 'x', scope: 'openid', name: 'x' } as const
    const provider = createProvider({ ...settings, authMethod: 'client_secret_basic' }, (line) =>
      logged.push(line),
    )
    assert.equal(await provider.metadata(), null)
    assert.equal(asked, 0)
    assert.equal((await fetch(issuer)).status, 200)
    assert.equal(asked, 1, 'what follows it would have come through')
  } finally {
    for (const server of [inside, outside]) {
      server.closeAllConnections()
      server.close()
    }
  }
})

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
}

test('attempt 50: no token, code or secret is ever logged', () =>
  withPortal({}, async ({ idp, deps, signIn }) => {
    const { cookie, sid } = await signIn('hr-owner')
    const stored = await readSession(redis, sid)
    nowMs += CLAIMS_FRESH_MS
    idp.faults.set('/token', 500)
    await currentSession(cookie, deps)
    nowMs += MINUTE_MS
    idp.faults.set('/token', 401)
    await currentSession(cookie, deps)
    assert.ok(logged.length >= 2)
    for (const secret of [stored?.refreshToken, stored?.accessToken, stored?.idToken, sid, CLIENT_SECRET])
      assert.ok(secret && !logged.join('\n').includes(secret))
  }))

test(
  'attempt 52: a hung Redis is a fault of the store within two seconds, never a person signed out',
  { timeout: 20_000 },
  () =>
    withPortal({}, async ({ deps, signIn }) => {
      const { cookie } = await signIn('hr-owner')
      server.process.kill('SIGSTOP')
      try {
        const startedAtMs = performance.now()
        await assert.rejects(currentSession(cookie, deps), { code: 'store_unavailable' })
        await assert.rejects(endCurrentSession(cookie, deps), { code: 'store_unavailable' })
        assert.ok(performance.now() - startedAtMs < 2 * 2_000)
      } finally {
        server.process.kill('SIGCONT')
      }
      assert.ok(await currentSession(cookie, deps))
    }),
)
