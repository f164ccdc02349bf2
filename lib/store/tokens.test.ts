import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keysOf, openStoreServer } from '../../e2e/store-server.ts'
import {
  createSession,
  endSession,
  keepSession,
  readSession,
  SESSION_SECONDS,
  type SessionRecord,
  sessionIdsOf,
} from './sessions.ts'
import {
  handOverTokens,
  hasTokens,
  readToken,
  revokeToken,
  type TokenRecord,
  tokensOf,
  touchToken,
  writeToken,
} from './tokens.ts'

const store = openStoreServer()
const DAY_MS = 24 * 3_600_000
const ISSUER = 'https://sso.foo.com'

const session = (subject: string): SessionRecord => ({
  issuer: ISSUER,
  subject,
  providerSid: `p-${subject}`,
  name: 'HR',
  claims: {},
  idTokenOnly: [],
  idToken: null,
  refreshToken: 'refresh',
  accessToken: null,
  checkedAtMs: 1_000,
  refreshFault: null,
  retryAtMs: 0,
  createdAtMs: 1_000,
})

const digest = (letter: string) => letter.repeat(43)

const token = (sid: string, fields: Partial<TokenRecord> = {}): TokenRecord => ({
  sid,
  issuer: ISSUER,
  subject: 'hr-owner',
  name: 'nightly',
  collections: null,
  createdAtMs: Date.now(),
  expiresAtMs: Date.now() + DAY_MS,
  origin: 'account',
  ...fields,
})

test('a session and all ways to it are kept for its tokens, and a later sign-in or token shortens nothing', async () => {
  const { redis } = store.current()
  const record = session('kept')
  const sid = await createSession(redis, record)
  const untilMs = Date.now() + 30 * DAY_MS
  await keepSession(redis, sid, { session: record, untilMs })
  await keepSession(redis, sid, { session: record, untilMs: Date.now() + DAY_MS })
  const other = await createSession(redis, record)
  const keys = [
    `session:${sid}`,
    `session-seen:${sid}`,
    `sessions:subject:${ISSUER}|kept`,
    `sessions:provider:${ISSUER}|p-kept`,
  ]
  for (const key of keys) assert.equal(await redis.pexpiretime(key), untilMs, key)
  assert.ok((await redis.ttl(`session:${other}`)) <= SESSION_SECONDS)
})

test('entries of sessions that expired go when somebody with many of them signs in, and none that lives', async () => {
  const { redis } = store.current()
  const sids = []
  for (let n = 0; n < 40; n++) sids.push(await createSession(redis, session('many')))
  for (const sid of sids.slice(0, 30)) {
    await redis.del(`session:${sid}`)
    await redis.del(`session-seen:${sid}`)
  }
  sids.push(await createSession(redis, session('many')))
  const left = await sessionIdsOf(redis, { issuer: ISSUER, subject: 'many' })
  assert.deepEqual(left.sort(), sids.slice(30).sort())
})

test('a token and what belongs to it expire by themselves', async () => {
  const { redis } = store.current()
  const sid = await createSession(redis, session('hr-owner'))
  const record = token(sid)
  await writeToken(redis, digest('a'), record)
  const read = await readToken(redis, digest('a'))
  assert.deepEqual(read, { ...record, digest: digest('a'), lastUsedAtMs: null })
  await touchToken(redis, read, 5_000)
  for (const key of [`token:${digest('a')}`, `token-used:${digest('a')}`, `tokens:${sid}`])
    assert.equal(await redis.pexpiretime(key), record.expiresAtMs, key)
  await writeToken(redis, digest('b'), token(sid, { expiresAtMs: record.expiresAtMs - 1_000 }))
  assert.equal(await redis.pexpiretime(`tokens:${sid}`), record.expiresAtMs)
  assert.equal(await hasTokens(redis, sid, record.expiresAtMs - 1), true)
  assert.equal(await hasTokens(redis, sid, record.expiresAtMs), false)
  await endSession(redis, sid)
  assert.deepEqual(await keysOf(redis, `*${sid}*`), [])
  assert.deepEqual(await keysOf(redis, 'token*'), [])
})

test('what is no token, or no digest, is none', async () => {
  const { redis } = store.current()
  for (const text of ['{', '[]', '{"sid":"x"}', JSON.stringify(token('x', { origin: 'x' as 'device' }))]) {
    await redis.set(`token:${digest('c')}`, text)
    assert.equal(await readToken(redis, digest('c')), null)
  }
  const odd = { ...token('x'), collections: ['01'] }
  await redis.set(`token:${digest('c')}`, JSON.stringify(odd))
  assert.equal(await readToken(redis, digest('c')), null)
  for (const text of ['', '*', digest('c').slice(1), `${digest('c')}c`])
    assert.equal(await readToken(redis, text), null)
})

test('handed on, tokens are in the other session alone; one taken back meanwhile does not come back', async () => {
  const { redis } = store.current()
  const [from, to] = [
    await createSession(redis, session('hr-owner')),
    await createSession(redis, session('hr-owner')),
  ]
  const late = token(from, { expiresAtMs: Date.now() + 2 * DAY_MS })
  await writeToken(redis, digest('d'), token(from))
  await writeToken(redis, digest('e'), late)
  const back = await readToken(redis, digest('d'))
  assert.ok(back)
  await revokeToken(redis, back)
  await writeToken(redis, digest('f'), token(from))
  assert.equal(await handOverTokens(redis, { from, to, nowMs: Date.now() }), late.expiresAtMs)
  assert.deepEqual(await tokensOf(redis, from, 0), [])
  const moved = await tokensOf(redis, to, 0)
  assert.deepEqual(moved.map((one) => [one.digest, one.sid]).sort(), [
    [digest('e'), to],
    [digest('f'), to],
  ])
  assert.equal(await redis.pexpiretime(`token:${digest('e')}`), late.expiresAtMs)
  await endSession(redis, from)
  assert.ok(await readToken(redis, digest('e')))
  assert.equal(await handOverTokens(redis, { from, to, nowMs: Date.now() }), null)
  assert.ok(await readSession(redis, to))
})

test('a token that is taken back in the middle of being handed on does not come back either', async () => {
  const { redis } = store.current()
  const [from, to] = [
    await createSession(redis, session('hr-owner')),
    await createSession(redis, session('hr-owner')),
  ]
  const record = token(from)
  await writeToken(redis, digest('g'), record)
  await writeToken(redis, digest('h'), record)
  const back = await readToken(redis, digest('g'))
  assert.ok(back)
  // By the time a token enters the other session's set, it was read.
  const between: typeof redis = Object.create(redis, {
    zadd: {
      async value(key: string, score: number, member: string) {
        if (member === back.digest) await revokeToken(redis, back)
        return redis.zadd(key, score, member)
      },
    },
  })
  await handOverTokens(between, { from, to, nowMs: Date.now() })
  assert.equal(await readToken(redis, digest('g')), null)
  assert.deepEqual(
    (await tokensOf(redis, to, 0)).map((one) => one.digest),
    [digest('h')],
  )
})
