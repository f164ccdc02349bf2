import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openStoreServer } from '../../e2e/store-server.ts'
import { parseAccessFile } from '../access/access-file.ts'
import { type AdminGrant, decideAccess } from '../access/decide.ts'
import { endSessionsOfPerson, listPeople } from './people.ts'
import { createSession, endSession, readSession, type SessionRecord, touchSession } from './sessions.ts'

const servers = openStoreServer()
const NOW_MS = 1_800_000_000_000
const MINUTE_MS = 60_000

function adminGrant(): AdminGrant {
  const { admin } = decideAccess({ groups: ['a'] }, parseAccessFile('{ "admins": ["a"], "rules": [] }'))
  assert.ok(admin)
  return admin
}

function record(subject: string, checkedAtMs = NOW_MS): SessionRecord {
  return {
    issuer: 'https://sso.foo.com',
    subject,
    providerSid: null,
    name: `Name of ${subject}`,
    claims: { groups: [`/of/${subject}/${checkedAtMs}`] },
    idTokenOnly: [],
    idToken: 'canary',
    refreshToken: 'canary',
    accessToken: 'canary',
    checkedAtMs,
    refreshFault: null,
    retryAtMs: 0,
    createdAtMs: NOW_MS,
  }
}

const options = { nowMs: NOW_MS, idleSeconds: 3600 }

test('each person once, with the claims confirmed last and no token; ended and idle sessions are not there', async () => {
  const { redis } = servers.current()
  await createSession(redis, record('b'))
  await createSession(redis, record('a', NOW_MS - 2 * MINUTE_MS))
  await createSession(redis, record('a', NOW_MS - MINUTE_MS))
  await endSession(redis, await createSession(redis, record('ended')))
  const idle = await createSession(redis, record('idle'))
  await touchSession(redis, idle, NOW_MS - 3600_000)
  const { people, isCut } = await listPeople(redis, adminGrant(), options)
  assert.equal(isCut, false)
  assert.deepEqual(
    people.map(({ key, name, sessions, checkedAtMs }) => [key, name, sessions, NOW_MS - checkedAtMs]),
    [
      ['https://sso.foo.com|a', 'Name of a', 2, MINUTE_MS],
      ['https://sso.foo.com|b', 'Name of b', 1, 0],
    ],
  )
  assert.deepEqual(people[0]?.claims, { groups: [`/of/a/${NOW_MS - MINUTE_MS}`] })
  assert.doesNotMatch(JSON.stringify(people), /canary/)
})

test('more people than are listed are said to be there', async () => {
  const { redis } = servers.current()
  for (let n = 0; n < 201; n++) await createSession(redis, record(`many-${n}`))
  const { people, isCut } = await listPeople(redis, adminGrant(), options)
  // Of the 200 that are looked at one may be the idle person above.
  assert.ok(people.length === 200 || people.length === 199, `${people.length}`)
  assert.equal(isCut, true)
})

test('all sessions of a person end, and nobody else’s', async () => {
  const { redis } = servers.current()
  const hers = [await createSession(redis, record('hers')), await createSession(redis, record('hers'))]
  const his = await createSession(redis, record('his'))
  const person = { issuer: 'https://sso.foo.com', subject: 'hers' }
  assert.equal(await endSessionsOfPerson(redis, adminGrant(), person), 2)
  assert.deepEqual(await Promise.all(hers.map((sid) => readSession(redis, sid))), [null, null])
  assert.ok(await readSession(redis, his))
  assert.equal(await endSessionsOfPerson(redis, adminGrant(), person), 0)
})

test('only an admin’s grant lists people and ends their sessions', async () => {
  const { redis } = servers.current()
  // @ts-expect-error A grant made elsewhere does not compile either.
  assert.throws(() => endSessionsOfPerson(redis, {}, { issuer: 'a', subject: 'b' }), TypeError)
  // @ts-expect-error A grant made elsewhere does not compile either.
  await assert.rejects(listPeople(redis, {}, options), TypeError)
})
