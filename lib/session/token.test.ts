import assert from 'node:assert/strict'
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
import { type CollectionId, parseCollectionId } from '../collection-id.ts'
import { connectRedis, whenReady } from '../store/redis.ts'
import { endSession, endSessionsOf, readSession, replaceSession, SESSION_SECONDS } from '../store/sessions.ts'
import { MAX_TOKENS_EACH } from '../store/tokens.ts'
import {
  CLAIMS_FRESH_MS,
  CLAIMS_MAX_AGE_MS,
  currentSession,
  endCurrentSession,
  type SessionDeps,
} from './current.ts'
import { createProvider } from './provider.ts'
import { claimRenewal, sessionToRenew } from './renewal.ts'
import { startSession } from './sign-in.ts'
import {
  bearerToken,
  issueToken,
  listTokens,
  type NewToken,
  revokeOwnToken,
  tokenDays,
  tokenHolder,
  tokenName,
  tokenUse,
} from './token.ts'

const SECRET = 'a secret of the tests, long enough'
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

let server: RedisServer
let redis: Redis
let jwks: ProviderKeys
let nowMs = Date.now()
const logged: string[] = []

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
  nowMs = Date.now()
  await redis.flushall()
})

interface Portal {
  readonly idp: IdentityProvider
  readonly deps: SessionDeps
  signIn(name: string, held?: string): Promise<{ cookie: string; sid: string }>
  /** Makes a token in a session. */
  make(sid: string, asked?: Partial<NewToken>): Promise<string>
}

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
  const deps: SessionDeps = {
    redis,
    provider: createProvider(settingsFor(idp), (line) => logged.push(line)),
    secret: SECRET,
    idleSeconds: 3600,
    log: (line) => logged.push(line),
    now: () => nowMs,
  }
  try {
    await run({
      idp,
      deps,
      async signIn(name, held) {
        const { tokens, sources } = await signInAt(idp, name)
        const renews = await sessionToRenew(held, deps)
        const started = await startSession({ sources, tokens, issuer: idp.issuer, renews }, deps)
        assert.ok(started)
        const token = { sub: started.subject, sid: started.sid }
        return { cookie: await encode({ token, secret: SECRET }), sid: started.sid }
      },
      async make(sid, asked = {}) {
        const issued = await issueToken(
          sid,
          { name: 'nightly', collections: null, days: 30, origin: 'account', ...asked },
          deps,
        )
        assert.ok(issued)
        return issued.token
      },
    })
  } finally {
    await idp.close()
  }
}

const ids = (...texts: string[]): CollectionId[] => texts.flatMap((text) => parseCollectionId(text) ?? [])
const everyValue = async () => {
  const keys = await redis.keys('*')
  const values = await Promise.all(
    keys.map(async (key) =>
      (await redis.type(key)) === 'string' ? redis.get(key) : JSON.stringify(await redis.dump(key)),
    ),
  )
  return [...keys, ...values].join('\n')
}

test('a token leads to the person and to what it was made for, and the store holds it as a digest alone', () =>
  withPortal({}, async ({ deps, signIn, make }) => {
    const { sid } = await signIn('hr-owner')
    const token = await make(sid, { collections: ids('1824', '5') })
    assert.match(token, /^prt_[A-Za-z0-9_-]{43}$/)
    const use = await tokenUse(token, deps)
    assert.deepEqual(use?.collections, ['1824', '5'])
    assert.equal(use.session.subject, 'hr-owner')
    assert.deepEqual(use.session.claims.groups, ['/hr/owners'])
    assert.ok(!(await everyValue()).includes(token.slice('prt_'.length)))
    assert.ok(!JSON.stringify([await listTokens(use.session, deps), logged]).includes(token.slice(4)))
  }))

test('attempt 53: what is no token of the portal leads to nobody, and what has not its form never reaches the store', () =>
  withPortal({}, async ({ deps, signIn, make }) => {
    const { cookie, sid } = await signIn('hr-owner')
    const token = await make(sid)
    const stored = await readSession(redis, sid)
    const other = `prt_${'A'.repeat(43)}`
    const commands: string[] = []
    const monitor = await redis.monitor()
    monitor.on('monitor', (_time: string, args: string[]) => commands.push(args.join(' ')))
    const strangers = [
      '',
      'prt_',
      token.slice(0, -1),
      `${token}A`,
      token.toUpperCase(),
      token.slice('prt_'.length),
      `prt_${token.slice(5)}*`,
      sid,
      cookie,
      stored?.idToken ?? '',
      stored?.accessToken ?? '',
      'x'.repeat(100_000),
    ]
    try {
      for (const text of strangers) assert.equal(await tokenUse(text, deps), null)
      await redis.ping()
      assert.deepEqual(
        commands.filter((one) => one !== 'ping'),
        [],
      )
      assert.equal(await tokenUse(other, deps), null)
    } finally {
      monitor.disconnect()
    }
    assert.ok(!commands.join().includes(other))
    assert.ok(await tokenUse(token, deps))
  }))

test('a bearer is told from other schemes, and one without a token is a bearer still', () => {
  for (const [header, expected] of [
    [null, null],
    ['', null],
    ['Basic eDp5', null],
    ['Bearerish x', null],
    ['Bearer prt_x', 'prt_x'],
    ['bearer   prt_x ', 'prt_x'],
    ['BEARER', ''],
    ['Bearer ', ''],
    ['Bearer,prt_x', ',prt_x'],
  ] as const)
    assert.equal(bearerToken(header), expected, String(header))
})

test('names and days are taken as they are said to be', () => {
  assert.equal(tokenName('  nightly '), 'nightly')
  for (const text of ['', '  ', 'x'.repeat(65), 'a\nb', 'a\u202eb', 'a\u0000'])
    assert.equal(tokenName(text), null)
  assert.deepEqual(['1', '90'].map(tokenDays), [1, 90])
  for (const text of ['0', '91', '', '1.5', '-1', '1e1', '007']) assert.equal(tokenDays(text), null)
})

test('a group taken away is gone for the token once the claims are five minutes old', () =>
  withPortal({}, async ({ idp, deps, signIn, make }) => {
    const { sid } = await signIn('hr-owner')
    const token = await make(sid)
    idp.accounts.set('hr-owner', { name: 'HR lead' })
    nowMs += CLAIMS_FRESH_MS - 1
    assert.deepEqual((await tokenUse(token, deps))?.session.claims.groups, ['/hr/owners'])
    nowMs += 1
    const use = await tokenUse(token, deps)
    assert.ok(use)
    assert.equal(use.session.claims.groups, undefined)
  }))

test('token and browser at once refresh once, though the provider rotates', () =>
  withPortal({}, async ({ idp, deps, signIn, make }) => {
    const { cookie, sid } = await signIn('hr-owner')
    const token = await make(sid)
    for (const _ of [1, 2]) {
      nowMs += CLAIMS_FRESH_MS
      idp.events.clear()
      const all = await Promise.all(
        Array.from({ length: 20 }, (_, n) =>
          n % 2 === 0 ? tokenUse(token, deps) : currentSession(cookie, deps),
        ),
      )
      assert.ok(all.every((one) => one !== null))
      assert.equal(idp.events.tokenCalls('refresh_token'), 1)
    }
  }))

test('the browser idles away and comes to its absolute end as before, and the token goes on till its day', () =>
  withPortal({}, async ({ deps, signIn, make }) => {
    const { cookie, sid } = await signIn('hr-owner')
    const token = await make(sid, { days: 2 })
    const endMs = nowMs + 2 * DAY_MS
    nowMs += 50 * MINUTE_MS
    assert.ok(await tokenUse(token, deps))
    nowMs += 10 * MINUTE_MS
    assert.equal(await currentSession(cookie, deps), null)
    assert.ok(await tokenUse(token, deps))
    for (const key of await redis.keys('*session*'))
      assert.ok((await redis.pexpiretime(key)) >= endMs, `${key} is kept`)
    nowMs = endMs - 1
    assert.equal(await currentSession(cookie, deps), null)
    assert.ok(await tokenUse(token, deps))
    nowMs = endMs
    assert.equal(await tokenUse(token, deps), null)
    // The neighbour: without a token that lives, the same look at the cookie ends the session.
    assert.equal(await currentSession(cookie, deps), null)
    assert.equal(await readSession(redis, sid), null)
  }))

test('claims past their bound open nothing: a fault while the provider is away, nobody once it says so', () =>
  withPortal({}, async ({ idp, deps, signIn, make }) => {
    const { sid } = await signIn('hr-owner')
    const token = await make(sid)
    idp.faults.set('/token', 503)
    nowMs += CLAIMS_MAX_AGE_MS
    await assert.rejects(tokenUse(token, deps), { code: 'provider_unavailable' })
    idp.faults.clear()
    nowMs += MINUTE_MS
    assert.ok(await tokenUse(token, deps))
    idp.accounts.delete('hr-owner')
    nowMs += CLAIMS_FRESH_MS
    assert.equal(await tokenUse(token, deps), null)
    assert.deepEqual(await redis.keys('*'), [])
  }))

test('attempt 30: whoever ends the session ends its tokens: sign-out, back-channel, all of the person; another one lives', () =>
  withPortal(
    { backchannelLogoutUri: 'http://127.0.0.1:1/signout/backchannel' },
    async ({ idp, deps, signIn, make }) => {
      const { issuer } = idp
      const ways: ((cookie: string, sid: string) => Promise<unknown>)[] = [
        (cookie) => endCurrentSession(cookie, deps),
        (_, sid) => endSession(redis, sid),
        async (_, sid) =>
          endSessionsOf(redis, { issuer, providerSid: (await readSession(redis, sid))?.providerSid ?? '' }),
      ]
      const neighbour = await signIn('hr-owner')
      const kept = await make(neighbour.sid)
      for (const end of ways) {
        const { cookie, sid } = await signIn('hr-owner')
        const token = await make(sid)
        // Also after the browser's part is over.
        nowMs += 2 * HOUR_MS
        assert.ok(await tokenUse(token, deps))
        await end(cookie, sid)
        assert.equal(await tokenUse(token, deps), null)
        assert.ok(await tokenUse(kept, deps))
      }
      assert.equal((await redis.keys('token:*')).length, 1)
      const stranger = await make((await signIn('web-owner')).sid)
      await endSessionsOf(redis, { issuer, subject: 'hr-owner' })
      assert.equal(await tokenUse(kept, deps), null)
      assert.ok(await tokenUse(stranger, deps))
    },
  ))

test('a token that is taken back is gone at once, and nobody takes back that of somebody else', () =>
  withPortal({}, async ({ idp, deps, signIn, make }) => {
    const { sid } = await signIn('hr-owner')
    const [token, other] = [await make(sid), await make(sid, { name: 'other' })]
    const me = { issuer: idp.issuer, subject: 'hr-owner' }
    const listed = await listTokens(me, deps)
    assert.deepEqual(listed.map(({ name }) => name).sort(), ['nightly', 'other'])
    const digest = listed.find(({ name }) => name === 'nightly')?.digest ?? ''
    assert.equal(await revokeOwnToken(digest, { ...me, subject: 'web-owner' }, deps), null)
    assert.equal(await revokeOwnToken('nonsense*', me, deps), null)
    assert.ok(await tokenUse(token, deps))
    assert.equal((await revokeOwnToken(digest, me, deps))?.digest, digest)
    assert.equal(await tokenUse(token, deps), null)
    assert.ok(await tokenUse(other, deps))
    assert.deepEqual(
      (await listTokens(me, deps)).map(({ name }) => name),
      ['other'],
    )
  }))

test('the last use is written once a minute', () =>
  withPortal({}, async ({ idp, deps, signIn, make }) => {
    const { sid } = await signIn('hr-owner')
    const token = await make(sid)
    const lastUse = async () =>
      (await listTokens({ issuer: idp.issuer, subject: 'hr-owner' }, deps))[0]?.lastUsedAtMs
    assert.equal(await lastUse(), null)
    await tokenUse(token, deps)
    const first = nowMs
    nowMs += MINUTE_MS - 1
    await tokenUse(token, deps)
    assert.equal(await lastUse(), first)
    nowMs += 1
    await tokenUse(token, deps)
    assert.equal(await lastUse(), nowMs)
    // And it never counts as a request of the browser.
    assert.equal((await readSession(redis, sid))?.lastSeenAtMs, first)
  }))

test('a session that goes on through a new sign-in hands its tokens on, and they end with the new one', () =>
  withPortal({ refreshTokens: false }, async ({ deps, signIn, make }) => {
    const first = await signIn('hr-owner')
    const token = await make(first.sid)
    const back = await make(first.sid, { name: 'taken back' })
    nowMs += CLAIMS_MAX_AGE_MS
    assert.equal(await tokenUse(token, deps), null)
    assert.equal(await claimRenewal(first.cookie, deps), 'claimed')
    const second = await signIn('hr-owner', first.cookie)
    assert.equal(await readSession(redis, first.sid), null)
    assert.ok(await tokenUse(token, deps))
    const use = await tokenUse(back, deps)
    assert.ok(use)
    const digest = (await listTokens(use.session, deps)).find(({ name }) => name === 'taken back')?.digest
    assert.ok(await revokeOwnToken(digest ?? '', use.session, deps))
    assert.equal(await tokenUse(back, deps), null)
    await endSession(redis, second.sid)
    assert.equal(await tokenUse(token, deps), null)
    assert.deepEqual(await redis.keys('token*'), [])
  }))

test('a session that somebody ended while it was renewed leaves no token behind', () =>
  withPortal({ refreshTokens: false }, async ({ idp, deps, signIn, make }) => {
    const first = await signIn('hr-owner')
    const token = await make(first.sid)
    const { issuer, subject, createdAtMs } = (await readSession(redis, first.sid)) ?? {}
    const renews = {
      sid: first.sid,
      issuer: issuer ?? '',
      subject: subject ?? '',
      createdAtMs: createdAtMs ?? 0,
    }
    // As far as the one who ends it has come when the tokens are handed on.
    await redis.del(`session:${first.sid}`)
    const { tokens, sources } = await signInAt(idp, 'hr-owner')
    const second = await startSession({ sources, tokens, issuer: idp.issuer, renews }, deps)
    assert.ok(await readSession(redis, second?.sid ?? ''))
    assert.equal(await tokenUse(token, deps), null)
    assert.deepEqual(await redis.keys('token*'), [])
  }))

test('without refresh tokens a token says when its sign-in ends, and ends by then', () =>
  withPortal({ refreshTokens: false }, async ({ deps, signIn }) => {
    const { cookie, sid } = await signIn('hr-owner')
    const endMs = nowMs + SESSION_SECONDS * 1000
    assert.equal((await tokenHolder(cookie, deps))?.endMs, endMs)
    const asked = { name: 'x', collections: null, days: 30, origin: 'account' } as const
    assert.equal((await issueToken(sid, asked, deps))?.expiresAtMs, endMs)
    // Nothing can use the session once its claims are too old and its browser is gone, so nothing keeps it.
    nowMs += HOUR_MS
    assert.equal(await currentSession(cookie, deps), null)
    assert.equal(await readSession(redis, sid), null)
  }))

test('with refresh tokens it says no end; and nobody has a holder without a session', () =>
  withPortal({}, async ({ deps, signIn }) => {
    const { cookie, sid } = await signIn('hr-owner')
    const holder = await tokenHolder(cookie, deps)
    assert.equal(holder?.sid, sid)
    assert.equal(holder.endMs, null)
    assert.equal(await tokenHolder('x', deps), null)
    await endSession(redis, sid)
    const asked = { name: 'x', collections: null, days: 1, origin: 'account' } as const
    assert.equal(await issueToken(sid, asked, deps), null)
  }))

test('a refresh that settles nothing is not tried again by each request of a token', () =>
  withPortal({}, async ({ idp, deps, signIn, make }) => {
    const { sid } = await signIn('hr-owner')
    const token = await make(sid)
    const stored = await readSession(redis, sid)
    assert.ok(stored)
    // Claims that only an ID token ever carried, which this provider's refreshes leave out of userinfo.
    await replaceSession(redis, sid, { ...stored, idTokenOnly: ['gone'] })
    const provider: SessionDeps['provider'] = {
      ...deps.provider,
      refresh: async (...args) => {
        const outcome = await deps.provider.refresh(...args)
        return outcome.kind === 'refreshed'
          ? { ...outcome, sources: { ...outcome.sources, idToken: null } }
          : outcome
      },
    }
    idp.events.clear()
    nowMs += 2 * DAY_MS
    for (const _ of [1, 2, 3]) assert.equal(await tokenUse(token, { ...deps, provider }), null)
    assert.equal(idp.events.tokenCalls('refresh_token'), 1)
  }))

test('there is a number of tokens past which one has to be taken back first', () =>
  withPortal({}, async ({ idp, deps, signIn, make }) => {
    const sids = [(await signIn('hr-owner')).sid, (await signIn('hr-owner')).sid]
    for (let n = 0; n < MAX_TOKENS_EACH; n++) await make(sids[n % 2] ?? '')
    await assert.rejects(make(sids[0] ?? ''), { code: 'bad_parameter' })
    const me = { issuer: idp.issuer, subject: 'hr-owner' }
    const [first] = await listTokens(me, deps)
    await revokeOwnToken(first?.digest ?? '', me, deps)
    assert.ok(await make(sids[0] ?? ''))
  }))

test('a token never speaks for another person than its own, whoever its session belongs to', () =>
  withPortal({}, async ({ deps, signIn, make }) => {
    const { sid } = await signIn('hr-owner')
    const token = await make(sid)
    const stored = await readSession(redis, sid)
    assert.ok(stored)
    for (const other of [{ subject: 'web-owner' }, { issuer: 'https://evil.example' }]) {
      assert.ok(await replaceSession(redis, sid, { ...stored, ...other }))
      assert.equal(await tokenUse(token, deps), null, JSON.stringify(other))
    }
    assert.ok(await replaceSession(redis, sid, stored))
    assert.equal((await tokenUse(token, deps))?.session.subject, 'hr-owner')
  }))
