import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import type { Redis } from 'ioredis'
import type { RedisServer } from '../../e2e/demo/redis-server.ts'
import { keysOf, startStoreServer } from '../../e2e/store-server.ts'
import { until } from '../../e2e/waiting.ts'
import type { DeviceDecision } from '../store/device.ts'
import { connectRedis, whenReady } from '../store/redis.ts'
import { createSession, endSession, type SessionRecord } from '../store/sessions.ts'
import {
  ADDRESS_TRIES,
  decideDevice,
  findDevice,
  GRANT_TYPE,
  parseUserCode,
  pollDevice,
  startDevice,
  USER_TRIES,
} from './device.ts'
import { listTokens } from './token.ts'

let server: RedisServer
let redis: Redis
const deps = () => ({ redis, now: () => Date.now() })

before(async () => {
  server = await startStoreServer()
  redis = connectRedis({ url: server.url, commandTimeoutMs: 1_500 })
  assert.ok(await whenReady(redis, 5_000))
})

after(async () => {
  redis.disconnect()
  await server.stop()
})

beforeEach(async () => {
  for (const key of await keysOf(redis, '*')) await redis.del(key)
})

const PERSON = { issuer: 'https://sso.foo.com', subject: 'hr-owner' }
const CLIENT = 'nightly on web1'
const ADDRESS = '192.0.2.7'

function record(): SessionRecord {
  return {
    ...PERSON,
    providerSid: null,
    name: 'HR',
    claims: { groups: ['/hr/owners'] },
    idTokenOnly: [],
    idToken: null,
    refreshToken: 'refresh',
    accessToken: null,
    checkedAtMs: Date.now(),
    refreshFault: null,
    retryAtMs: 0,
    createdAtMs: Date.now(),
  }
}

async function start(form: Record<string, string> = {}) {
  const codes = await startDevice({ client_id: CLIENT, ...form }, ADDRESS, deps())
  assert.ok('deviceCode' in codes, JSON.stringify(codes))
  return codes
}

const poll = (deviceCode: string, client = CLIENT) =>
  pollDevice({ grant_type: GRANT_TYPE, device_code: deviceCode, client_id: client }, deps())

const errorOf = (answer: object) => ('error' in answer ? answer.error : null)

const approval = (sid: string): DeviceDecision => ({
  kind: 'approved',
  sid,
  ...PERSON,
  collections: null,
  days: 3,
})

test('a device gets a token once, after its person said yes, named as it calls itself', async () => {
  const sid = await createSession(redis, record())
  const { deviceCode, userCode } = await start({ scope: '1824 762 1824' })
  assert.match(userCode, /^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/)
  assert.equal(errorOf(await poll(deviceCode)), 'authorization_pending')
  const found = await findDevice(userCode.toLowerCase().replace('-', ' '), { sid, address: 'x' }, deps())
  assert.ok(found.kind === 'found')
  assert.deepEqual(found.request.collections, ['1824', '762'])
  assert.equal(found.request.address, ADDRESS)
  assert.equal(await decideDevice(found.userCode, approval(sid), deps()), true)
  const issued = await poll(deviceCode)
  assert.ok('token' in issued)
  assert.match(issued.token, /^prt_/)
  const [listed, ...more] = await listTokens(PERSON, deps())
  assert.deepEqual([listed?.name, listed?.origin, listed?.sid, more.length], [CLIENT, 'device', sid, 0])
  assert.equal(errorOf(await poll(deviceCode)), 'expired_token')
})

test('attempt 54: of many polls at once with one approved code, one gets the token', async () => {
  const sid = await createSession(redis, record())
  const { deviceCode, userCode } = await start()
  await decideDevice(userCode, approval(sid), deps())
  const answers = await Promise.all(Array.from({ length: 20 }, () => poll(deviceCode)))
  assert.equal(answers.filter((answer) => 'token' in answer).length, 1)
  assert.equal((await listTokens(PERSON, deps())).length, 1)
})

test('attempt 54: a code is decided once, and no is no', async () => {
  const sid = await createSession(redis, record())
  const { deviceCode, userCode } = await start()
  const decisions = await Promise.all(
    [{ kind: 'denied' } as const, approval(sid), approval(sid)].map((one) =>
      decideDevice(userCode, one, deps()),
    ),
  )
  assert.deepEqual(decisions, [true, false, false])
  assert.equal((await findDevice(userCode, { sid, address: 'x' }, deps())).kind, 'none')
  assert.equal(errorOf(await poll(deviceCode)), 'access_denied')
  assert.deepEqual(await listTokens(PERSON, deps()), [])
})

test('attempt 54: codes expire by themselves', async () => {
  const sid = await createSession(redis, record())
  const { deviceCode, userCode } = await start()
  const keys = [...(await keysOf(redis, 'device:*')), ...(await keysOf(redis, 'device-user:*'))]
  assert.equal(keys.length, 2)
  for (const key of keys) {
    const ttl = await redis.ttl(key)
    assert.ok(ttl > 590 && ttl <= 600, `${key}: ${ttl}`)
    await redis.pexpire(key, 1)
  }
  await until('they expired', async () => (await keysOf(redis, 'device*')).length === 0)
  assert.equal((await findDevice(userCode, { sid, address: 'x' }, deps())).kind, 'none')
  assert.equal(await decideDevice(userCode, approval(sid), deps()), false)
  assert.equal(errorOf(await poll(deviceCode)), 'expired_token')
})

test('attempt 54: who tries codes is stopped after ten, in each session and, later, from each address; right ones cost nothing', async () => {
  const { userCode } = await start()
  const tryCode = async (typed: string, sid: string, address = 'a') =>
    (await findDevice(typed, { sid, address }, deps())).kind
  for (let n = 0; n < 20; n++) assert.equal(await tryCode(userCode, 'right'), 'found')
  const tries = await Promise.all(
    Array.from({ length: 30 }, (_, n) => tryCode(n % 2 === 0 ? 'BBBB-BBBB' : 'no code', 'wrong')),
  )
  assert.equal(tries.filter((kind) => kind === 'none').length, USER_TRIES.tries)
  assert.equal(await tryCode(userCode, 'wrong'), 'too-many')
  assert.equal(await tryCode(userCode, 'right'), 'found')
  for (let n = 0; n < ADDRESS_TRIES.tries; n++) await tryCode('BBBB-BBBB', `s${n}`, 'b')
  assert.equal(await tryCode(userCode, 'new', 'b'), 'too-many')
  assert.equal(await tryCode(userCode, 'new', 'a'), 'found')
})

test('attempt 54: polls that come too soon are told to slow down, and wait longer from then on', async () => {
  const { deviceCode } = await start()
  assert.equal(errorOf(await poll(deviceCode)), 'authorization_pending')
  assert.equal(errorOf(await poll(deviceCode)), 'slow_down')
  const [key = ''] = await keysOf(redis, 'device-poll:*')
  assert.ok((await redis.pttl(key)) > 9_000)
  await redis.pexpire(key, 1)
  await until('the wait is over', async () => (await redis.exists(key)) === 0)
  assert.equal(errorOf(await poll(deviceCode)), 'authorization_pending')
  assert.ok((await redis.pttl(key)) > 9_000, 'the longer wait stays')
})

test('attempt 54: an approval dies with the session it was given in', async () => {
  const sid = await createSession(redis, record())
  const { deviceCode, userCode } = await start()
  await decideDevice(userCode, approval(sid), deps())
  await endSession(redis, sid)
  assert.equal(errorOf(await poll(deviceCode)), 'access_denied')
  assert.equal(errorOf(await poll(deviceCode)), 'expired_token')
})

test('what is asked amiss is refused in the words of the RFC, and nothing is used up by it', async () => {
  const sid = await createSession(redis, record())
  for (const [form, expected] of [
    [{ client_id: '' }, 'invalid_request'],
    [{ client_id: 'a\u202eb' }, 'invalid_request'],
    [{ client_id: 'x'.repeat(65) }, 'invalid_request'],
    [{ scope: '1824 x' }, 'invalid_scope'],
    [{ scope: '01' }, 'invalid_scope'],
  ] as const)
    assert.equal(errorOf(await startDevice({ client_id: CLIENT, ...form }, ADDRESS, deps())), expected)
  const { deviceCode, userCode } = await start()
  await decideDevice(userCode, approval(sid), deps())
  assert.equal(errorOf(await poll(deviceCode, 'somebody else')), 'invalid_grant')
  assert.equal(errorOf(await poll('short')), 'invalid_grant')
  assert.equal(errorOf(await poll('A'.repeat(43))), 'expired_token')
  assert.equal(
    errorOf(await pollDevice({ grant_type: 'password', device_code: deviceCode, client_id: CLIENT }, deps())),
    'unsupported_grant_type',
  )
  assert.ok('token' in (await poll(deviceCode)))
})

test('neither code stands in the store', async () => {
  const { deviceCode, userCode } = await start()
  const keys = await keysOf(redis, 'device*')
  const values = await Promise.all(keys.map((key) => redis.get(key)))
  for (const code of [deviceCode, userCode, userCode.replace('-', '')])
    assert.ok(![...keys, ...values].join('\n').includes(code))
})

test('one address asks for so many codes and no more', async () => {
  const answers = []
  for (let n = 0; n < 61; n++) answers.push(await startDevice({ client_id: CLIENT }, ADDRESS, deps()))
  const last = answers.pop()
  assert.ok(answers.every((answer) => 'deviceCode' in answer))
  assert.ok(last && 'error' in last && last.error === 'slow_down' && (last.retryAfterSeconds ?? 0) > 0)
  assert.ok('deviceCode' in (await startDevice({ client_id: CLIENT }, '192.0.2.8', deps())))
})

test('a user code is read however it is typed, and nothing else is one', () => {
  for (const typed of ['BCDF-GHJK', 'bcdfghjk', ' bcdf ghjk ', 'B-C-D-F-G-H-J-K'])
    assert.equal(parseUserCode(typed), 'BCDF-GHJK')
  for (const typed of ['', 'BCDF-GHJ', 'BCDF-GHJKL', 'BCDF-GHJA', 'BCDF-GHJ1', 'ＢCDFGHJK'])
    assert.equal(parseUserCode(typed), null)
})
