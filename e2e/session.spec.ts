import { Redis } from 'ioredis'
import type { Browser, BrowserContextOptions, Page } from 'playwright/test'
import { ageClaims } from './aged-claims.ts'
import { CookieJar } from './cookie-jar.ts'
import { cookieHeader, expect, signIn, test } from './fixtures.ts'
import { type RunningPortal, startPortal } from './portal.ts'

/** What becomes of a session after sign-in: it ends at the provider, or its claims grow old. */

const HUGE_BYTES = 64 * 1024

test('attempt 33: a session that ended at the provider is over here on the next request, and another one is not', async ({
  signedIn,
  portal,
}) => {
  const page = await signedIn('hr-owner')
  const other = await signedIn('hr-owner')
  expect((await page.goto('/collections/1824'))?.status()).toBe(200)
  // Other specs sign out too, and what they broke at the provider is theirs.
  const [before, errorsBefore] = [portal.log().length, portal.provider.events.errors.length]
  await endAtProvider(page, portal)
  await page.goto('/collections/1824')
  await expect(page).toHaveURL(/\/signin\?next=/)
  const cookie = await cookieHeader(page)
  expect((await fetch(`${portal.origin}/collections/1824/download`, { headers: { cookie } })).status).toBe(
    401,
  )
  expect((await other.goto('/collections/1824'))?.status()).toBe(200)
  expect(portal.provider.events.errors.slice(errorsBefore)).toEqual([])
  const lines =
    portal
      .log()
      .slice(before)
      .match(/.*back-channel logout.*/g) ?? []
  expect(lines).toHaveLength(1)
  expect(lines[0]).toMatch(/sessions ended: 1$/)
})

/** As signing out of another application does: at the provider alone, in the same browser. */
async function endAtProvider(page: Page, portal: RunningPortal): Promise<void> {
  await page.goto(`${portal.provider.issuer}/session/end`)
  await page.getByRole('button').first().click()
  await page.waitForLoadState()
}

test('attempt 34: a body that is no token, or huge, and a GET are refused, and the log says so without it', async ({
  signedIn,
  portal,
}) => {
  const page = await signedIn('hr-owner')
  const address = `${portal.origin}/signout/backchannel`
  const post = (body: BodyInit) => fetch(address, { method: 'POST', body })
  const before = portal.log().length
  for (const body of [
    new URLSearchParams({ logout_token: 'canary' }),
    new URLSearchParams({ logout_token: 'canary'.repeat(HUGE_BYTES / 6) }),
    new URLSearchParams({ token: 'canary' }),
    'canary',
  ]) {
    const answer = await post(body)
    expect(answer.status).toBe(400)
    expect(answer.headers.get('cache-control')).toContain('no-store')
    expect(await answer.json()).toMatchObject({ error: 'bad_parameter' })
  }
  expect((await fetch(address)).status).toBe(405)
  const written = portal.log().slice(before)
  expect(written.match(/back-channel logout refused/g)).toHaveLength(4)
  expect(written).not.toContain('canary')
  expect((await page.goto('/collections/1824'))?.status()).toBe(200)
})

const AGED_MINUTES = 16
/** Where the provider is asked to sign somebody in. */
const AUTHORIZATION = '/auth'

/** A portal whose provider gives no refresh token, and a browser whose person has signed in there. */
async function withoutRefreshTokens(
  browser: Browser,
  options: BrowserContextOptions,
  run: (page: Page, portal: RunningPortal) => Promise<void>,
): Promise<void> {
  const portal = await startPortal({ provider: { refreshTokens: false } })
  const context = await browser.newContext({ baseURL: portal.origin, ...options })
  try {
    const page = await context.newPage()
    await page.goto('/signin')
    await signIn(page, 'hr-owner')
    portal.provider.events.clear()
    await run(page, portal)
  } finally {
    await context.close()
    await portal.stop()
  }
}

/** Makes the claims of every session older than they may be. */
async function growOld(portal: RunningPortal): Promise<void> {
  const redis = new Redis(portal.redis.url)
  try {
    await ageClaims(redis, AGED_MINUTES)
  } finally {
    redis.disconnect()
  }
}

const asked = (portal: RunningPortal) =>
  portal.provider.events.requests.filter(({ path }) => path === AUTHORIZATION).length

test('without refresh tokens a stale page goes through the provider and comes back, also without JavaScript', async ({
  browser,
}) => {
  test.setTimeout(60_000)
  await withoutRefreshTokens(browser, { javaScriptEnabled: false }, async (page, portal) => {
    const path = '/collections/1824?from=today&limit=7'
    for (const time of [1, 2]) {
      const before = await cookieHeader(page)
      await growOld(portal)
      const data = () => fetch(`${portal.origin}/collections/1824/download`, { headers: { cookie: before } })
      expect((await data()).status).toBe(401)
      expect(asked(portal)).toBe(time - 1)
      expect((await page.goto(path))?.status()).toBe(200)
      expect(page.url()).toBe(`${portal.origin}${path}`)
      expect(asked(portal)).toBe(time)
      expect(await cookieHeader(page)).not.toBe(before)
      expect((await data()).status).toBe(401)
    }
    // The neighbour: somebody without a session is never sent on by itself.
    const stranger = await browser.newPage()
    await stranger.goto(`${portal.origin}${path}`)
    await expect(stranger.getByRole('button', { name: /sign in/i })).toBeVisible()
    await stranger.goto(`${portal.origin}/signin/again?next=${encodeURIComponent(path)}`)
    await expect(stranger.getByRole('button', { name: /sign in/i })).toBeVisible()
    await stranger.close()
    expect(asked(portal)).toBe(2)
  })
})

test('a stale page is sent on by itself once; then there is the button, with words, and it leads back', async ({
  browser,
}) => {
  test.setTimeout(60_000)
  await withoutRefreshTokens(browser, {}, async (page, portal) => {
    await growOld(portal)
    await page.context().clearCookies({ name: /^demo_provider_/ })
    await page.goto('/collections/1824?limit=7')
    await expect(page.locator('[name=password]')).toBeVisible()
    for (const again of ['/collections/1824?limit=7', '/signin/again?next=/collections/1824?limit=7']) {
      await page.goto(again)
      await expect(page.getByRole('alert').first()).toContainText('confirm again who you are')
    }
    expect(asked(portal)).toBe(1)
    await signIn(page, 'hr-owner')
    await expect(page).toHaveURL(`${portal.origin}/collections/1824?limit=7`)
  })
})

test('a stale session is led to pages of the portal alone, and nothing that a page loads uses up its try', async ({
  browser,
}) => {
  test.setTimeout(60_000)
  await withoutRefreshTokens(browser, {}, async (page, portal) => {
    await growOld(portal)
    const cookie = await cookieHeader(page)
    const image = await fetch(`${portal.origin}/signin/again?next=/`, {
      headers: { cookie, 'sec-fetch-dest': 'image' },
      redirect: 'manual',
    })
    expect(image.headers.get('location')).toBe('/signin?error=again')
    expect(asked(portal)).toBe(0)
    await page.goto('/signin/again?next=//evil.example/')
    expect(new URL(page.url()).origin).toBe(portal.origin)
    await expect(page).toHaveURL(/\/collections\/1824$/)
    expect(asked(portal)).toBe(1)
  })
})

test('a logout that cannot be checked or acted on is answered 503, in one line of the log, and taken when it is sent again', async ({
  browser,
}) => {
  test.setTimeout(60_000)
  await withoutRefreshTokens(browser, {}, async (page, portal) => {
    const redis = new Redis(portal.redis.url)
    const [index = ''] = await redis.keys('sessions:provider:*')
    redis.disconnect()
    const logout = () =>
      portal.provider.backchannelLogout('hr-owner', index.slice(index.lastIndexOf('|') + 1))
    const before = portal.log().length
    portal.provider.faults.set('/jwks', 503)
    await expect(logout()).rejects.toThrow(/503/)
    portal.provider.faults.clear()
    portal.redis.process.kill('SIGSTOP')
    try {
      await expect(logout()).rejects.toThrow(/503/)
    } finally {
      portal.redis.process.kill('SIGCONT')
    }
    const lines = portal.log().slice(before).trim().split('\n')
    expect(lines.map((line) => /(provider|store)_unavailable: .*logout is not done/.exec(line)?.[1])).toEqual(
      ['provider', 'store'],
    )
    expect((await page.goto('/collections/1824'))?.status()).toBe(200)
    await logout()
    await page.goto('/collections/1824')
    await expect(page).toHaveURL(/\/signin\?next=/)
    expect(asked(portal)).toBe(0)
  })
})

/** One answer of the provider is waited for so long, and a page takes what it always takes. */
const PROVIDER_WAIT_MS = 3_000
const PAGE_MS = 2_000

test('attempt 18: a provider that hangs, or is gone for an hour, costs one request its patience and signs out nobody', async ({
  portal,
  redis,
}) => {
  test.setTimeout(60_000)
  const jar = new CookieJar()
  await jar.signIn(portal.origin, 'masked-owner')
  const age = async (minutes: number) => {
    for (const key of await redis.keys('session:*')) {
      const session = JSON.parse((await redis.get(key)) ?? '{}') as { subject: string; checkedAtMs: number }
      if (session.subject !== 'masked-owner') continue
      const aged = { ...session, checkedAtMs: session.checkedAtMs - minutes * 60_000, retryAtMs: 0 }
      await redis.set(key, JSON.stringify(aged), 'KEEPTTL')
    }
  }
  const ask = async (path = '') => {
    const startedMs = performance.now()
    const { status, body } = await jar.request(`${portal.origin}/collections/1824${path}`)
    return { status, body, ms: performance.now() - startedMs }
  }
  const { faults } = portal.provider
  try {
    faults.set('/token', 'hang')
    await age(6)
    const [first, ...others] = await Promise.all([ask(), ask('/download'), ask('?limit=5')])
    for (const { status, ms } of [first, ...others]) {
      expect(status).toBe(200)
      expect(ms).toBeLessThan(PROVIDER_WAIT_MS + PAGE_MS)
    }
    const next = await ask()
    expect([next.status, next.ms < PAGE_MS]).toEqual([200, true])
    await age(10)
    const past = await ask()
    expect([past.status, past.ms < PROVIDER_WAIT_MS + PAGE_MS]).toEqual([503, true])
    expect(past.body).toContain('Single sign-on did not answer')
    expect((await ask('/download')).status).toBe(503)
    faults.set('/token', 503)
    faults.set('/.well-known/openid-configuration', 503)
    await age(60)
    expect([(await ask()).status, (await ask('/download')).status]).toEqual([503, 503])
  } finally {
    faults.clear()
  }
  await age(0)
  expect([(await ask()).status, (await ask('/download')).status]).toEqual([200, 200])
})
