import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import { after, before, beforeEach, test } from 'node:test'
import type { Redis } from 'ioredis'
import {
  type CryptoKey,
  exportJWK,
  generateKeyPair,
  type JWTHeaderParameters,
  type JWTPayload,
  SignJWT,
  UnsecuredJWT,
} from 'jose'
import type { RedisServer } from '../../e2e/demo/redis-server.ts'
import { keysOf, startStoreServer } from '../../e2e/store-server.ts'
import { connectRedis, whenReady } from '../store/redis.ts'
import { createSession, readSession, type SessionRecord } from '../store/sessions.ts'
import { backchannelLogout } from './backchannel-logout.ts'
import { LOGOUT_TOKEN_SECONDS, type LogoutTokenTyp } from './logout-token.ts'
import { createProvider } from './provider.ts'

const EVENTS = { 'http://schemas.openid.net/event/backchannel-logout': {} }
const CLIENT_SECRET = 'a secret of the tests, long enough'
const JWKS = '/jwks'

let redisServer: RedisServer
let redis: Redis
/** Discovery and keys of a provider, and nothing else. */
let server: Server
let issuer: string
let signingKey: CryptoKey
let otherKey: CryptoKey
let keysStatus = 200
const published: object[] = []
let nowMs: number
let jti = 0

before(async () => {
  redisServer = await startStoreServer()
  redis = connectRedis({ url: redisServer.url, commandTimeoutMs: 1_500 })
  assert.ok(await whenReady(redis, 5_000))
  signingKey = await publish('first')
  otherKey = (await generateKeyPair('ES256')).privateKey
  server = createServer((request, response) => {
    const isKeys = request.url === JWKS
    response.writeHead(isKeys ? keysStatus : 200, { 'content-type': 'application/json' })
    response.end(
      JSON.stringify(
        isKeys
          ? { keys: published }
          : { issuer, jwks_uri: `${issuer}${JWKS}`, response_types_supported: ['code'] },
      ),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  assert.ok(typeof address === 'object' && address)
  issuer = `http://127.0.0.1:${address.port}`
})

after(async () => {
  server.close()
  redis.disconnect()
  await redisServer.stop()
})

beforeEach(async () => {
  nowMs = Date.now()
  keysStatus = 200
  await redis.flushall()
})

async function publish(kid: string): Promise<CryptoKey> {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  published.push({ ...(await exportJWK(publicKey)), kid, use: 'sig', alg: 'ES256' })
  return privateKey
}

function freshProvider() {
  return createProvider(
    {
      issuer,
      clientId: 'portal',
      clientSecret: CLIENT_SECRET,
      authMethod: 'client_secret_basic',
      scope: 'openid',
      name: 'the test',
    },
    () => undefined,
  )
}

/** Posts to a portal that has just started. */
function logout(token: string, { typ = 'strict' as LogoutTokenTyp, provider = freshProvider() } = {}) {
  return backchannelLogout(token, { redis, provider, clientId: 'portal', typ, now: () => nowMs })
}

interface Made {
  readonly header?: Partial<JWTHeaderParameters>
  readonly key?: CryptoKey | Uint8Array
}

/** A good token that names nobody, but for what is changed; `undefined` takes a claim out. */
function signed(
  claims: Readonly<Record<string, unknown>>,
  { header, key = signingKey }: Made = {},
): Promise<string> {
  return new SignJWT({ ...goodClaims(), ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: 'first', typ: 'logout+jwt', ...header })
    .sign(key)
}

function goodClaims(): JWTPayload {
  const iat = Math.floor(nowMs / 1000)
  jti += 1
  return { iss: issuer, aud: 'portal', iat, exp: iat + 120, jti: `jti-${jti}`, events: EVENTS }
}

function startSession(subject: string, providerSid: string | null): Promise<string> {
  const session: SessionRecord = {
    issuer,
    subject,
    providerSid,
    name: subject,
    claims: {},
    idTokenOnly: [],
    idToken: null,
    refreshToken: null,
    accessToken: null,
    checkedAtMs: nowMs,
    refreshFault: null,
    retryAtMs: 0,
    createdAtMs: nowMs,
  }
  return createSession(redis, session)
}

/** @param subject where the token says whose sessions they are */
const ended = (sessions: number, subject = 'hr-owner') => ({
  kind: 'ended',
  sessions,
  person: sessions === 0 ? null : { issuer, subject, name: subject },
})

const isThere = async (sid: string) => (await readSession(redis, sid)) !== null

test('attempt 33: a token with a sid ends the sessions of that sid and no other of the person', async () => {
  const [first, same, other] = await Promise.all([
    startSession('hr-owner', 'p1'),
    startSession('hr-owner', 'p1'),
    startSession('hr-owner', 'p2'),
  ])
  assert.deepEqual(await logout(await signed({ sid: 'p1', sub: 'hr-owner' })), ended(2, 'hr-owner'))
  assert.deepEqual(await Promise.all([first, same, other].map(isThere)), [false, false, true])
  assert.deepEqual(await keysOf(redis, 'sessions:provider:*|p1'), [])
  assert.deepEqual(await logout(await signed({ sid: 'p2' })), ended(1))
  assert.equal(await isThere(other), false)
})

test('attempt 33: a token with a sub alone ends all sessions of that person and nobody else’s', async () => {
  const hers = await Promise.all([startSession('hr-owner', 'p1'), startSession('hr-owner', null)])
  const his = await startSession('hans', 'p3')
  const expired = await startSession('hr-owner', 'p4')
  await redis.del(`session:${expired}`)
  assert.deepEqual(await logout(await signed({ sub: 'hr-owner' })), ended(2, 'hr-owner'))
  assert.deepEqual(await Promise.all([...hers, his].map(isThere)), [false, false, true])
  assert.deepEqual(await keysOf(redis, 'sessions:subject:*|hr-owner'), [])
})

test('attempt 33: a session that ended before is no fault, and a token without exp is taken', async () => {
  assert.deepEqual(await logout(await signed({ sid: 'nobody', exp: undefined })), ended(0))
})

const iatSecondsAgo = (seconds: number) => {
  const iat = Math.floor(nowMs / 1000) - seconds
  return { iat, exp: iat + 3600 }
}
const clientSecret = new TextEncoder().encode(CLIENT_SECRET)

/** What is wrong -> the token, and what is said about it. */
const BAD: Readonly<Record<string, readonly [() => string | Promise<string>, RegExp]>> = {
  'an ID token': [
    () => signed({ sid: 'p1', sub: 'hr-owner', events: undefined }, { header: { typ: 'JWT' } }),
    /typ/,
  ],
  'a nonce': [() => signed({ sid: 'p1', nonce: 'n' }), /nonce/],
  'a nonce of null': [() => signed({ sid: 'p1', nonce: null }), /nonce/],
  'no event': [() => signed({ sid: 'p1', events: {} }), /events/],
  'another event': [() => signed({ sid: 'p1', events: { 'urn:x': {} } }), /events/],
  'an event of no form': [
    () => signed({ sid: 'p1', events: { 'http://schemas.openid.net/event/backchannel-logout': 'yes' } }),
    /events/,
  ],
  'no jti': [() => signed({ sid: 'p1', jti: undefined }), /jti/],
  'an old iat': [() => signed({ sid: 'p1', ...iatSecondsAgo(7 * 60) }), /iat/],
  'an iat to come': [() => signed({ sid: 'p1', ...iatSecondsAgo(-2 * 60) }), /iat/],
  'no iat': [() => signed({ sid: 'p1', iat: undefined }), /iat/],
  'an exp that is over': [() => signed({ sid: 'p1', exp: Math.floor(nowMs / 1000) - 61 }), /exp/],
  'another client’s aud': [() => signed({ sid: 'p1', aud: 'another' }), /aud/],
  'another iss': [() => signed({ sid: 'p1', iss: 'https://evil.example' }), /iss/],
  'neither sid nor sub': [() => signed({}), /neither/],
  'an empty sid beside a sub': [() => signed({ sid: '', sub: 'hr-owner' }), /sid/],
  'alg none': [() => new UnsecuredJWT({ ...goodClaims(), sid: 'p1' }).encode(), /signed/],
  'HS256 with the client’s secret': [
    () => signed({ sid: 'p1' }, { header: { alg: 'HS256' }, key: clientSecret }),
    /signed in a way/,
  ],
  'a key of somebody else': [() => signed({ sid: 'p1' }, { key: otherKey }), /not signed with a key/],
  'a key that is not published': [
    () => signed({ sid: 'p1' }, { header: { kid: 'unknown' }, key: otherKey }),
    /not signed with a key/,
  ],
  'another typ': [() => signed({ sid: 'p1' }, { header: { typ: 'at+jwt' } }), /typ/],
  'no token at all': [() => 'x', /no signed token/],
}

for (const [what, [make, reason]] of Object.entries(BAD))
  test(`attempt 34: ${what} is refused and ends nothing, and the token without that is taken`, async () => {
    const sid = await startSession('hr-owner', 'p1')
    const outcome = await logout(await make())
    assert.equal(outcome.kind, 'refused')
    assert.match(outcome.reason, reason)
    assert.equal(await isThere(sid), true)
    assert.deepEqual(await logout(await signed({ sid: 'p1' })), ended(1))
  })

test('attempt 34: a token is taken once, also after the portal started anew, and another one again', async () => {
  const token = await signed({ sub: 'hr-owner' })
  assert.equal((await logout(token)).kind, 'ended')
  const later = await startSession('hr-owner', 'p2')
  assert.deepEqual(await logout(token), { kind: 'refused', reason: 'was used before' })
  assert.equal(await isThere(later), true)
  const [key = ''] = await keysOf(redis, 'logout-token:*')
  const ttlSeconds = await redis.ttl(key)
  assert.ok(ttlSeconds > LOGOUT_TOKEN_SECONDS - 30 && ttlSeconds <= LOGOUT_TOKEN_SECONDS)
  assert.equal((await logout(await signed({ sub: 'hr-owner' }))).kind, 'ended')
  assert.equal(await isThere(later), false)
})

test('a token is remembered for as long as its iat is young enough', async () => {
  const ahead = await signed({ sub: 'hr-owner', ...iatSecondsAgo(-60) })
  assert.equal((await logout(ahead)).kind, 'ended')
  nowMs += LOGOUT_TOKEN_SECONDS * 1000 + 1_000
  await redis.flushall()
  const outcome = await logout(ahead)
  assert.equal(outcome.kind === 'refused' && /iat/.test(outcome.reason), true)
})

test('the header typ may be another where the setting says so, and an ID token is still none', async () => {
  const sid = await startSession('hr-owner', 'p1')
  const idToken = await signed({ sid: 'p1', events: undefined, nonce: 'n' }, { header: { typ: 'JWT' } })
  assert.equal((await logout(idToken, { typ: 'any' })).kind, 'refused')
  assert.equal(await isThere(sid), true)
  const old = await signed({ sid: 'p1' }, { header: { typ: 'JWT' } })
  assert.equal((await logout(old)).kind, 'refused')
  assert.deepEqual(await logout(old, { typ: 'any' }), ended(1))
})

test('keys that cannot be had are a fault of the provider, and the same token is taken when they can', async () => {
  const sid = await startSession('hr-owner', 'p1')
  const token = await signed({ sid: 'p1' })
  const provider = freshProvider()
  keysStatus = 503
  await assert.rejects(logout(token, { provider }), { code: 'provider_unavailable' })
  assert.equal(await isThere(sid), true)
  keysStatus = 200
  assert.deepEqual(await logout(token, { provider }), ended(1))
})

test('a store that does not answer is said, and the same token is taken when it does', async () => {
  const sid = await startSession('hr-owner', 'p1')
  const token = await signed({ sid: 'p1' })
  redisServer.process.kill('SIGSTOP')
  try {
    await assert.rejects(logout(token), { code: 'store_unavailable' })
  } finally {
    redisServer.process.kill('SIGCONT')
  }
  assert.equal(await isThere(sid), true)
  assert.deepEqual(await logout(token), ended(1))
})
