import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { Redis } from 'ioredis'
import { MAX_DOWNLOADS_AT_ONCE, MAX_REQUESTS_AT_ONCE } from '../lib/limits/held.ts'
import { LIMITS, type LimitName } from '../lib/limits/rate-limits.ts'
import { CLAIMS_FRESH_MS } from '../lib/session/current.ts'
import { type AnswerFrom, askFrom } from './ask-from.ts'
import { signInAtPortal } from './bench/portal-sign-in.ts'
import { expect, feed, logLine, test } from './fixtures.ts'
import { openDownload } from './raw-download.ts'
import { until } from './waiting.ts'

/** What is too much: from one address, of one session, of one person. Floods come from addresses that no browser has. */

const BATCH = 10
/** Long enough to be refused in, short enough to wait for the end of. */
const REST_MS = 3_000
const DUE_MS = CLAIMS_FRESH_MS + 60_000

/** Asks so often, ten at a time. */
async function flood(times: number, ask: (n: number) => Promise<AnswerFrom>): Promise<AnswerFrom[]> {
  const answers: AnswerFrom[] = []
  for (let n = 0; n < times; n += BATCH)
    answers.push(...(await Promise.all(Array.from({ length: BATCH }, (_, place) => ask(n + place)))))
  return answers
}

const statuses = (answers: readonly AnswerFrom[]) =>
  Object.fromEntries(
    Object.entries(Object.groupBy(answers, ({ status }) => status)).map(([status, all]) => [
      status,
      all?.length,
    ]),
  )

function expectRefusal({ status, headers, body }: AnswerFrom, withinSeconds = 60): void {
  expect(status).toBe(429)
  expect(headers['retry-after']).toMatch(/^[1-9][0-9]?$/)
  const seconds = Number(headers['retry-after'])
  expect(seconds).toBeLessThanOrEqual(withinSeconds)
  expect(headers['cache-control']).toContain('no-store')
  const { error, message, ref, ...more } = JSON.parse(body) as Record<string, string>
  expect([error, more]).toEqual(['too_many', {}])
  expect(message).toContain(`Try again in ${seconds} second`)
  expect(ref).toMatch(/^[0-9a-f]{4}$/)
}

test('attempt 51: of 100 sign-ins in a minute from one address some are refused and told when to try again; other addresses sign in', async ({
  portal,
}) => {
  const { origin, log } = portal
  const begin = (address: string, headers: Record<string, string> = {}) =>
    askFrom({ origin, address, path: '/signin/start', method: 'POST', form: { next: '/admin' }, headers })
  const before = log().length
  const answers = await flood(100, () => begin('127.0.0.5'))
  expect(statuses(answers)).toEqual({ 303: LIMITS.signIns.points, 429: 100 - LIMITS.signIns.points })
  for (const answer of answers.filter(({ status }) => status === 429)) expectRefusal(answer)
  expect(
    log()
      .slice(before)
      .match(/too many signIns from 127\.0\.0\.5/g),
  ).toHaveLength(1)

  // The way in beside the button counts too, and whatever address the request claims to come from.
  expectRefusal(
    await askFrom({ origin, address: '127.0.0.5', path: '/api/auth/signin/oidc', method: 'POST', form: {} }),
  )
  for (const name of ['x-forwarded-for', 'x-log-portal-client', 'x-real-ip', 'forwarded'])
    expectRefusal(await begin('127.0.0.5', { [name]: '192.0.2.99' }))

  const page = await begin('127.0.0.5', { accept: 'text/html,*/*' })
  expect([page.status, page.headers['content-type']]).toEqual([429, 'text/html; charset=utf-8'])
  expect(page.body).toContain(`Try again in ${page.headers['retry-after']} second`)
  expect(page.body).toMatch(/ref [0-9a-f]{4}/)

  expect((await begin('127.0.0.6')).status).toBe(303)
  await signInAtPortal(portal, 'hr-owner')
})

test('attempt 51: forged returns from the provider count twice, and are refused before anybody is asked about them', async ({
  portal,
}) => {
  const { origin, provider } = portal
  const forge = (address: string) =>
    askFrom({
      origin,
      address,
      path: '/api/auth/callback/oidc?code=forged&state=forged',
      headers: { cookie: 'log-portal.state=forged' },
    })
  const before = provider.events.requests.length
  const answers = await flood(50, () => forge('127.0.0.7'))
  const passed = answers.filter(({ status }) => status === 303)
  // Ten are under way at once, and count the second time when they failed.
  expect(passed.length).toBeGreaterThanOrEqual(LIMITS.callbacks.points / 2)
  expect(passed.length).toBeLessThanOrEqual(LIMITS.callbacks.points / 2 + BATCH)
  for (const { headers } of passed) expect(headers.location).toMatch(/^\/signin\?error=/)
  for (const answer of answers.filter(({ status }) => status !== 303)) expectRefusal(answer)
  expect(provider.events.requests.length).toBe(before)
  await signInAtPortal(portal, 'hr-owner')
})

/** Does something, and makes it the last that its limit lets through for a few seconds. */
async function useUp(redis: Redis, name: LimitName, act: () => Promise<unknown>): Promise<void> {
  const counts = async () => {
    const keys = await redis.keys(`limit:${name}:*`)
    return new Map(await Promise.all(keys.map(async (key) => [key, Number(await redis.get(key))] as const)))
  }
  const before = await counts()
  await act()
  const grown = [...(await counts())].filter(([key, count]) => count > (before.get(key) ?? 0))
  expect(grown.map(([, count]) => count)).toHaveLength(1)
  for (const [key] of grown) await redis.set(key, LIMITS[name].points, 'PX', REST_MS)
}

test('attempt 51: pages of other sites that send browsers here keep nobody from signing in', async ({
  portal: { origin },
  redis,
}) => {
  const address = '127.0.0.10'
  const counted = async () =>
    (await redis.keys('limit:*')).filter((key) => /^limit:(callbacks|signIns):/.test(key))
  const before = new Set(await counted())
  const begin = (from: string) =>
    askFrom({
      origin,
      address,
      path: '/api/auth/signin/oidc',
      method: 'POST',
      form: {},
      headers: { origin: from },
    })
  const callback = await askFrom({ origin, address, path: '/api/auth/callback/oidc?code=x&state=x' })
  expect([callback.status, (await begin('https://evil.example')).status]).toEqual([303, 403])
  expect((await counted()).filter((key) => !before.has(key))).toEqual([])
  await begin(origin)
  expect((await counted()).filter((key) => !before.has(key))).toHaveLength(1)
})

for (const [name, path, form, allowed] of [
  ['logouts', '/signout/backchannel', { logout_token: 'x' }, 400],
  ['strangers', '/collections/1824/download', undefined, 401],
  ['strangers', '/collections/1824', undefined, 307],
  ['strangers', '/api/auth/csrf', undefined, 200],
] as const)
  test(`attempt 51: who is nobody asks for ${path} so often and no more, until the minute is over`, async ({
    portal: { origin },
    redis,
  }) => {
    const ask = (address = '127.0.0.8') =>
      askFrom({ origin, address, path, ...(form ? { method: 'POST', form } : {}) })
    await useUp(redis, name, ask)
    const refusal = await ask()
    if (allowed === 307) {
      expect(refusal.status).toBe(429)
      expect(refusal.body).toMatch(/Try again in [123] second/)
    } else expectRefusal(refusal, REST_MS / 1000)
    expect((await ask('127.0.0.9')).status).toBe(allowed)
    await until('it is allowed again', async () => (await ask()).status === allowed)
  })

test('attempt 51: a polling flood of one session is refused on pages and data for the time it says; other sessions read on', async ({
  portal,
  redis,
}) => {
  const [cookie, other] = [await signInAtPortal(portal, 'hr-owner'), await signInAtPortal(portal, 'hr-owner')]
  const ask = (path: string, who = cookie) =>
    askFrom({ origin: portal.origin, address: '127.0.0.1', path, headers: { cookie: who } })
  await useUp(redis, 'requests', () => ask('/collections/1824'))
  const [page, data] = await Promise.all([
    ask('/collections/1824?from=15m'),
    ask('/collections/1824/download'),
  ])
  expectRefusal(data, REST_MS / 1000)
  expect(page.status).toBe(429)
  expect(page.headers['content-type']).toMatch(/^text\/html/)
  expect(page.headers['retry-after']).toMatch(/^[123]$/)
  expect(page.body).toContain(`Try again in ${page.headers['retry-after']} second`)
  expect(page.body).toMatch(/ref (<!-- -->)?[0-9a-f]{4}/)
  expect(page.body).toContain('<a href="/collections/1824?from=15m" class="button">Try again</a>')
  expect((await ask('/collections/1824', other)).status).toBe(200)
  await until('it is allowed again', async () => (await ask('/collections/1824')).status === 200)
})

test('attempt 51: one session has so many requests under way at once; what ends makes room', async ({
  portal,
  redis,
}) => {
  const { origin, provider } = portal
  const before = new Set(await redis.keys('session:*'))
  const [cookie, other] = [
    await signInAtPortal(portal, 'hr-owner'),
    await signInAtPortal(portal, 'web-owner'),
  ]
  const ask = (who: string) =>
    askFrom({ origin, address: '127.0.0.1', path: '/account', headers: { cookie: who } })
  // Claims that are due are asked for again, and requests wait for that as long as the provider does not answer.
  for (const key of (await redis.keys('session:*')).filter((one) => !before.has(one))) {
    const session = JSON.parse((await redis.get(key)) ?? '') as { subject: string; checkedAtMs: number }
    if (session.subject === 'hr-owner')
      await redis.set(
        key,
        JSON.stringify({ ...session, checkedAtMs: session.checkedAtMs - DUE_MS }),
        'KEEPTTL',
      )
  }
  provider.faults.set('/token', 'hang')
  try {
    const all = Promise.all(Array.from({ length: 3 * MAX_REQUESTS_AT_ONCE }, () => ask(cookie)))
    expect((await ask(other)).status).toBe(200)
    const refused = (await all).filter(({ status }) => status === 429)
    // Nothing makes room before the provider is given up on.
    expect(statuses(await all)).toEqual({ 200: MAX_REQUESTS_AT_ONCE, 429: 2 * MAX_REQUESTS_AT_ONCE })
    for (const { headers } of refused) expect(headers['retry-after']).toBe('1')
  } finally {
    provider.faults.delete('/token')
  }
  expect((await ask(cookie)).status).toBe(200)
})

const BULK = '/collections/1824/download?from=2026-06-07&to=2026-06-08'

test('attempt 57: a person has so many downloads at once; one that is broken off makes room, and others are not held up', async ({
  portal,
}) => {
  test.setTimeout(120_000)
  const start = Date.UTC(2026, 5, 7)
  const bulk = Array.from({ length: 30_000 }, (_, n) =>
    logLine('1824', `${n}-${'x'.repeat(1000)}`, new Date(start + n * 100)),
  )
  await feed(portal, bulk)
  const { origin } = portal
  const who = { origin, cookie: await signInAtPortal(portal, 'hr-owner') }
  const path = `${BULK}&format=ndjson`
  const open: IncomingMessage[] = []
  const another = async () => {
    const answer = await openDownload({ ...who, path })
    answer.on('error', () => undefined)
    return answer
  }
  for (let n = 0; n < MAX_DOWNLOADS_AT_ONCE; n++) open.push(await another())
  expect(open.map(({ statusCode }) => statusCode)).toEqual(new Array(MAX_DOWNLOADS_AT_ONCE).fill(200))

  expectRefusal(await askFrom({ ...who, address: '127.0.0.1', path, headers: { cookie: who.cookie } }), 1)
  // Another session of the same person is the same person; somebody else is not.
  const again = { origin, cookie: await signInAtPortal(portal, 'hr-owner') }
  expect(
    (await askFrom({ ...again, address: '127.0.0.1', path, headers: { cookie: again.cookie } })).status,
  ).toBe(429)
  const cookie = await signInAtPortal(portal, 'masked-owner')
  const neighbour = await openDownload({ ...who, cookie, path })
  expect(neighbour.statusCode).toBe(200)
  neighbour.on('error', () => undefined).destroy()

  open.pop()?.destroy()
  await until('there is room for one', async () => {
    const answer = await another()
    if (answer.statusCode === 200) open.push(answer)
    else answer.resume()
    return answer.statusCode === 200
  })
  expect(
    (await askFrom({ ...who, address: '127.0.0.1', path, headers: { cookie: who.cookie } })).status,
  ).toBe(429)
  for (const answer of open) {
    answer.destroy()
    await once(answer, 'close')
  }
})

test('attempt 57: a person begins so many downloads in a minute; asking what one would be called is none', async ({
  portal,
  redis,
}) => {
  const { origin } = portal
  const cookie = await signInAtPortal(portal, 'hr-owner')
  const ask = (path: string, method: 'GET' | 'HEAD' = 'GET') =>
    method === 'GET'
      ? askFrom({ origin, address: '127.0.0.1', path, headers: { cookie } })
      : fetch(`${origin}${path}`, { method, headers: { cookie } })
  const small = '/collections/1824/download?from=2020-01-01&to=2020-01-02'
  await useUp(redis, 'downloads', () => ask(small))
  expectRefusal((await ask(small)) as AnswerFrom, REST_MS / 1000)
  expect((await ask(small, 'HEAD')).status).toBe(200)
  expect((await ask('/collections/1824')).status).toBe(200)
  const other = await signInAtPortal(portal, 'masked-owner')
  const neighbour = await askFrom({
    origin,
    address: '127.0.0.1',
    path: small,
    headers: { cookie: other },
  })
  expect(neighbour.status).toBe(200)
  await until('it is allowed again', async () => (await ask(small)).status === 200)
})
