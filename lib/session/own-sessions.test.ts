import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encode } from 'next-auth/jwt'
import { openStoreServer } from '../../e2e/store-server.ts'
import { createSession, readSession, type SessionRecord, touchSession } from '../store/sessions.ts'
import { endOtherSessions, endOwnSession, ownSessions } from './own-sessions.ts'

const servers = openStoreServer()
const SECRET = 'a secret of the tests, long enough'
const NOW_MS = 1_800_000_000_000
const MINUTE_MS = 60_000
const PERSON = { issuer: 'https://sso.foo.com', subject: 'hr-owner' }

const deps = () => ({
  redis: servers.current().redis,
  secret: SECRET,
  idleSeconds: 3600,
  now: () => NOW_MS,
})

async function begin(subject: string, more: Partial<SessionRecord> & { seenMs?: number } = {}) {
  const { seenMs = 0, ...fields } = more
  const { redis } = servers.current()
  const sid = await createSession(redis, {
    ...PERSON,
    subject,
    providerSid: null,
    name: 'HR owner',
    claims: {},
    idTokenOnly: [],
    idToken: null,
    refreshToken: null,
    accessToken: null,
    checkedAtMs: NOW_MS,
    refreshFault: null,
    retryAtMs: 0,
    createdAtMs: NOW_MS,
    ...fields,
  })
  await touchSession(redis, sid, NOW_MS - seenMs)
  return { sid, cookie: await encode({ token: { sub: subject, sid }, secret: SECRET }) }
}

test('this session comes first, then those used last; what is over is not there, and no id is', async () => {
  const older = await begin('hr-owner', { seenMs: 20 * MINUTE_MS, address: '192.0.2.7', browser: 'curl/8.1' })
  const newer = await begin('hr-owner', { seenMs: 10 * MINUTE_MS })
  const mine = await begin('hr-owner', { seenMs: 30 * MINUTE_MS })
  await begin('hr-owner', { seenMs: 60 * MINUTE_MS })
  await begin('somebody else')
  const { sessions, more } = await ownSessions(PERSON, mine.cookie, deps())
  assert.equal(more, 0)
  assert.deepEqual(
    sessions.map(({ isCurrent, lastSeenAtMs, address, browser }) => [
      isCurrent,
      (NOW_MS - lastSeenAtMs) / MINUTE_MS,
      address,
      browser,
    ]),
    [
      [true, 30, null, null],
      [false, 10, null, null],
      [false, 20, '192.0.2.7', 'curl 8'],
    ],
  )
  for (const { sid } of [older, newer, mine]) assert.ok(!JSON.stringify(sessions).includes(sid))
})

test('one of them is ended by its handle, and all others leave the one that asks', async () => {
  const { redis } = servers.current()
  const person = { ...PERSON, subject: 'ender' }
  const [mine, one, two] = [await begin('ender'), await begin('ender'), await begin('ender')]
  const stranger = await begin('stranger')
  const handleOf = async (cookie: string) =>
    (await ownSessions(person, cookie, deps())).sessions.find(({ isCurrent }) => isCurrent)?.handle ?? ''
  const handle = await handleOf(one.cookie)
  assert.equal(await endOwnSession({ ...PERSON, subject: 'stranger' }, handle, deps()), 0)
  assert.ok(await readSession(redis, one.sid))
  assert.equal(await endOwnSession(person, handle, deps()), 1)
  assert.equal(await endOwnSession(person, handle, deps()), 0)
  assert.equal(await readSession(redis, one.sid), null)
  assert.ok(await readSession(redis, two.sid))
  assert.equal(await endOtherSessions(person, mine.cookie, deps()), 1)
  assert.equal(await readSession(redis, two.sid), null)
  assert.ok((await readSession(redis, mine.sid)) && (await readSession(redis, stranger.sid)))
})
