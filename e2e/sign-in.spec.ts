import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { decodeJwt, importJWK, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'
import { PROJECT_ROOT } from '../lib/build.ts'
import { CookieJar, type Step } from './cookie-jar.ts'
import { generateProviderKeys } from './demo/identity-provider.ts'
import { expect, feed, logLine, test } from './fixtures.ts'
import { type RunningPortal, TEST_BUILD } from './portal.ts'

/** What is tried while somebody signs in, without a browser, so that each step can be bent. */

const SESSION = 'log-portal.session'
const COLLECTION = '/collections/1824'

test.beforeAll(({ portal }) => feed(portal, [logLine('1824', 'sign-in')]))

/** Whether somebody with these cookies reads the collection. */
async function reads(jar: CookieJar, portal: RunningPortal): Promise<boolean> {
  const { status } = await jar.request(`${portal.origin}${COLLECTION}/download`)
  expect([200, 401]).toContain(status)
  return status === 200
}

/** Signed in nobody, in words, and did not fall over. */
async function expectRefused(step: Step, jar: CookieJar, portal: RunningPortal): Promise<void> {
  expect(step.status).toBe(303)
  expect(step.location?.pathname).toBe('/signin')
  expect(step.location?.searchParams.get('error')).toBeTruthy()
  expect(jar.cookies.has(SESSION)).toBe(false)
  expect(await reads(jar, portal)).toBe(false)
}

test('attempt 21: a sign-in with a forged or missing state, or without what it began with, signs in nobody', async ({
  portal,
}) => {
  const bent: Record<string, (callback: URL, jar: CookieJar) => void> = {
    'another state': (callback) => callback.searchParams.set('state', 'x'.repeat(43)),
    'no state': (callback) => callback.searchParams.delete('state'),
    'no cookie of the state': (_, jar) => jar.cookies.delete('log-portal.state'),
    'no cookie of the nonce': (_, jar) => jar.cookies.delete('log-portal.nonce'),
    'no cookie of PKCE': (_, jar) => jar.cookies.delete('log-portal.pkce'),
    'a forged cookie of PKCE': (_, jar) => jar.cookies.set('log-portal.pkce', 'x'.repeat(43)),
    'no code': (callback) => callback.searchParams.delete('code'),
    'another code': (callback) => callback.searchParams.set('code', 'x'.repeat(43)),
  }
  for (const [what, bend] of Object.entries(bent))
    await test.step(what, async () => {
      const jar = new CookieJar()
      const callback = await jar.toCallback(portal.origin, 'hr-owner')
      bend(callback, jar)
      await expectRefused(await jar.request(callback), jar, portal)
    })
  const jar = new CookieJar()
  expect((await jar.signIn(portal.origin, 'hr-owner')).location?.href).toBe(`${portal.origin}/`)
  expect(await reads(jar, portal)).toBe(true)
})

test('attempt 21: what one browser began another cannot finish', async ({ portal }) => {
  const [victim, attacker] = [new CookieJar(), new CookieJar()]
  const callback = await attacker.toCallback(portal.origin, 'web-owner')
  await victim.post(`${portal.origin}/signin/start`)
  await expectRefused(await victim.request(callback), victim, portal)
})

test('attempt 22: a code is good once', async ({ portal }) => {
  const jar = new CookieJar()
  const callback = await jar.toCallback(portal.origin, 'hr-owner')
  const before = new Map(jar.cookies)
  await jar.request(callback)
  expect(await reads(jar, portal)).toBe(true)
  const thief = new CookieJar()
  for (const [name, value] of before) thief.cookies.set(name, value)
  await expectRefused(await thief.request(callback), thief, portal)
})

test('attempt 23: an ID token that is not the provider’s own for this portal and this sign-in signs in nobody', async ({
  portal,
}) => {
  const { jwks, issuer, lies } = portal.provider
  const [jwk] = jwks.keys as [JsonWebKey & { kid: string }]
  const [stranger] = (await generateProviderKeys()).keys as [JsonWebKey]
  const sign = async (claims: JWTPayload, key: JsonWebKey = jwk, alg = 'RS256') =>
    new SignJWT(claims).setProtectedHeader({ alg, kid: jwk.kid }).sign(await importJWK(key, alg))
  const secret = new TextEncoder().encode('client-secret-'.repeat(4))
  const tokens: Record<string, (claims: JWTPayload) => Promise<string> | string> = {
    'another issuer': (claims) => sign({ ...claims, iss: `${issuer}x` }),
    'for another client': (claims) => sign({ ...claims, aud: 'another' }),
    'for two clients, issued to another': (claims) =>
      sign({ ...claims, aud: ['portal', 'another'], azp: 'another' }),
    'of another sign-in': (claims) => sign({ ...claims, nonce: 'x'.repeat(43) }),
    'without a nonce': ({ nonce, ...claims }) => sign(claims),
    expired: (claims) => sign({ ...claims, exp: Math.floor(Date.now() / 1000) - 600 }),
    'without a subject': ({ sub, ...claims }) => sign(claims),
    'not signed': (claims) => new UnsecuredJWT(claims).encode(),
    'signed with a shared secret': (claims) =>
      new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: jwk.kid }).sign(secret),
    'signed with another key': (claims) => sign(claims, stranger),
    cut: async (claims) => (await sign(claims)).slice(0, -20),
  }
  for (const [what, make] of [...Object.entries(tokens), ['as it was, signed anew', sign] as const])
    await test.step(what, async () => {
      const jar = new CookieJar()
      const callback = await jar.toCallback(portal.origin, 'hr-owner')
      let isTold = false
      lies.set('/token', async (answer) => {
        isTold = true
        return { ...answer, id_token: await make(decodeJwt(String(answer.id_token))) }
      })
      try {
        const step = await jar.request(callback)
        expect(isTold).toBe(true)
        if (make !== sign) await expectRefused(step, jar, portal)
        else expect(await reads(jar, portal)).toBe(true)
      } finally {
        lies.delete('/token')
      }
    })
})

test('attempt 24: userinfo about another person signs in nobody', async ({ portal }) => {
  const { lies } = portal.provider
  for (const [sub, isTaken] of [
    ['web-owner', false],
    ['', false],
    ['hr-owner', true],
  ] as const) {
    const jar = new CookieJar()
    const callback = await jar.toCallback(portal.origin, 'hr-owner')
    lies.set('/userinfo', async (answer) => ({ ...answer, sub, groups: ['/hr/owners'] }))
    try {
      const step = await jar.request(callback)
      if (isTaken) expect(await reads(jar, portal)).toBe(true)
      else await expectRefused(step, jar, portal)
    } finally {
      lies.delete('/userinfo')
    }
  }
})

test('attempt 25: each sign-in makes a session of its own, and one that was planted stays another’s', async ({
  portal,
  redis,
}) => {
  const jar = new CookieJar()
  await jar.signIn(portal.origin, 'hr-owner')
  const first = jar.cookies.get(SESSION)
  await jar.signIn(portal.origin, 'hr-owner')
  expect(jar.cookies.get(SESSION)).not.toBe(first)

  const attacker = new CookieJar()
  await attacker.signIn(portal.origin, 'web-owner')
  const planted = attacker.cookies.get(SESSION) ?? ''
  const victim = new CookieJar()
  victim.cookies.set(SESSION, planted)
  await victim.signIn(portal.origin, 'hr-owner')
  expect(victim.cookies.get(SESSION)).not.toBe(planted)
  expect(await reads(victim, portal)).toBe(true)
  // The attacker's cookie opens what it opened, and not what the victim reads.
  expect(await statusFor(attacker, portal)).toBe(404)
  const names = new Set((await sessions(redis)).map(({ sid }) => sid))
  expect(names.size).toBeGreaterThanOrEqual(4)
})

async function statusFor(jar: CookieJar, portal: RunningPortal): Promise<number> {
  return (await jar.request(`${portal.origin}${COLLECTION}/download`)).status
}

interface StoredTokens {
  readonly sid: string
  readonly secrets: readonly string[]
}

/** The sessions that are alive, with what must never leave the store. */
async function sessions(redis: Redis): Promise<readonly StoredTokens[]> {
  const keys = await redis.keys('session:*')
  return Promise.all(
    keys.map(async (key) => {
      const stored = JSON.parse((await redis.get(key)) ?? '{}') as Record<string, string | null>
      const secrets = [stored.idToken, stored.refreshToken, stored.accessToken]
      const sid = key.slice('session:'.length)
      return { sid, secrets: [sid, ...secrets.filter((one): one is string => typeof one === 'string')] }
    }),
  )
}

test('attempt 35: whatever the way back says, it leads to the portal', async ({ portal }) => {
  for (const next of [
    'https://evil.example',
    '//evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    `https://${new URL(portal.origin).host}@evil.example`,
    `https://${new URL(portal.origin).host}.evil.example`,
    'javascript:alert(1)',
    '/\t/evil.example',
    'data:text/html,x',
    '%2f%2fevil.example',
  ]) {
    const jar = new CookieJar()
    expect((await jar.request(`${portal.origin}/signin?next=${encodeURIComponent(next)}`)).status).toBe(200)
    jar.cookies.set('log-portal.callback', encodeURIComponent(next))
    const started = await jar.post(`${portal.origin}/signin/start`, { next })
    expect(started.status, next).toBe(303)
    expect(started.location?.origin, next).toBe(portal.provider.issuer)
    const signedIn = await jar.signIn(portal.origin, 'hr-owner')
    expect(signedIn.location?.origin, next).toBe(portal.origin)
  }
  const jar = new CookieJar()
  await jar.request(`${portal.origin}/signin`)
  const started = await jar.post(`${portal.origin}/signin/start`, { next: `${COLLECTION}?from=today` })
  expect(started.status).toBe(303)
  expect(decodeURIComponent(jar.cookies.get('log-portal.callback') ?? '')).toBe(
    `${portal.origin}${COLLECTION}?from=today`,
  )
})

test('attempt 36: nothing that is sent along changes where the provider sends the code', async ({
  portal,
}) => {
  const evil = 'https://evil.example/callback'
  const own = `${portal.origin}/api/auth/callback/oidc`
  const jar = new CookieJar()
  const { body } = await jar.request(`${portal.origin}/api/auth/csrf`)
  const { csrfToken } = JSON.parse(body) as { csrfToken: string }
  const sent = { csrfToken, redirect_uri: evil, scope: 'everything', response_mode: 'fragment' }
  for (const step of [
    await jar.post(`${portal.origin}/api/auth/signin/oidc?${new URLSearchParams(sent)}`, sent),
    await jar.post(`${portal.origin}/signin/start?${new URLSearchParams(sent)}`, sent),
  ]) {
    expect(step.location?.origin).toBe(portal.provider.issuer)
    expect(step.location?.searchParams.getAll('redirect_uri')).toEqual([own])
    expect(step.location?.searchParams.get('scope')).toBe('openid profile email')
    expect(step.location?.searchParams.has('response_mode')).toBe(false)
  }
})

test('attempt 50: a sign-in that fails leaves its cause in the log, and neither what was expected nor what was sent', async ({
  portal,
}) => {
  const lines = () => portal.log().split('\n')
  const before = lines().length
  const sent = 'y'.repeat(43)
  const [jar, other] = [new CookieJar(), new CookieJar()]
  const callback = await jar.toCallback(portal.origin, 'hr-owner')
  const bent = new URL(callback)
  bent.searchParams.set('state', sent)
  await expectRefused(await jar.request(bent), jar, portal)

  const elsewhere = await other.toCallback(portal.origin, 'hr-owner')
  other.cookies.set('log-portal.nonce', await nonceOfAnother(portal))
  await expectRefused(await other.request(elsewhere), other, portal)

  const written = () =>
    lines()
      .slice(before - 1)
      .join('\n')
  for (const cause of [/sign-in: .*state mismatch/, /sign-in: .*nonce mismatch/])
    await expect.poll(written).toMatch(cause)
  const secrets = [callback, elsewhere].flatMap(({ searchParams }) =>
    ['code', 'state'].map((name) => searchParams.get(name) ?? ''),
  )
  for (const secret of [sent, ...secrets]) {
    expect(secret.length).toBeGreaterThan(15)
    expect(written().includes(secret), `${secret.slice(0, 6)}…`).toBe(false)
  }
  // The nonces are in no address here; they are as long as this.
  expect(written()).not.toMatch(/mismatch.*[\w-]{43}/)
})

async function nonceOfAnother(portal: RunningPortal): Promise<string> {
  const jar = new CookieJar()
  await jar.post(`${portal.origin}/signin/start`)
  return jar.cookies.get('log-portal.nonce') ?? ''
}

test('attempt 50: no token, code, state, secret or session id is in the log, a page, its data or a script', async ({
  portal,
  redis,
}) => {
  const jar = new CookieJar()
  const callback = await jar.toCallback(portal.origin, 'hr-owner')
  // The way back is no secret: pages name it.
  const cookies = [...jar.cookies].filter(([name]) => name !== 'log-portal.callback')
  const passing = [
    ...cookies.map(([, value]) => value),
    ...['code', 'state'].map((name) => callback.searchParams.get(name)),
  ]
  const signedIn = await jar.request(callback)
  const secrets = [
    ...passing.filter((one): one is string => one !== null && one.length > 15),
    ...(await sessions(redis)).flatMap((one) => one.secrets),
  ]
  expect(secrets.length).toBeGreaterThan(6)
  const bodies = [signedIn.body]
  for (const path of ['/', COLLECTION, `${COLLECTION}?from=x`, '/collections/5', '/signin', '/no/such/page'])
    for (const headers of [{}, { rsc: '1' }])
      bodies.push((await jar.request(`${portal.origin}${path}`, { headers })).body)
  const chunks = join(PROJECT_ROOT, TEST_BUILD, 'static')
  const scripts = (await readdir(chunks, { recursive: true })).filter((name) => name.endsWith('.js'))
  expect(scripts.length).toBeGreaterThan(3)
  for (const name of scripts) bodies.push(await readFile(join(chunks, name), 'utf8'))
  expect(bodies.some((body) => body.includes('GET /sign-in'))).toBe(true)
  bodies.push(portal.log())
  for (const [place, body] of bodies.entries())
    for (const secret of secrets) expect(body.includes(secret), `a secret is in body ${place}`).toBe(false)
  // What only the server may load is in no script that a browser gets.
  for (const body of bodies.slice(0, -1))
    expect(body).not.toMatch(/NEXTAUTH_SECRET|OIDC_CLIENT_SECRET|ioredis/)
})
