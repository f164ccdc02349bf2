import type { Redis } from 'ioredis'
import type { Page } from 'playwright/test'
import { CookieJar } from './cookie-jar.ts'
import { deviceToken } from './device-token.ts'
import { cookieHeader, expect, signIn, test } from './fixtures.ts'

/** Who one is, what that gives, where one is signed in, and ending it: one's own, and for admins that of anybody. */

const rows = (page: Page) => page.getByRole('region', { name: 'Your sessions' }).locator('tbody tr')
const isSignedIn = async (page: Page) => {
  await page.goto('/collections/1824')
  return !page.url().includes('/signin')
}

async function expectNoSessionId(page: Page, redis: Redis): Promise<void> {
  const html = await page.content()
  const ids = (await redis.keys('session:*')).map((key) => key.slice('session:'.length))
  expect(ids.length).toBeGreaterThan(0)
  for (const id of ids) expect(html.includes(id)).toBe(false)
}

test('the account tells who one is, what gives which collection and by which rule, and what gave nothing', async ({
  signedIn,
}) => {
  const page = await signedIn('web-owner')
  await page.getByRole('banner').getByRole('link', { name: 'Web owner' }).click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Account')
  const main = page.getByRole('main')
  await expect(main).toContainText('Web owner')
  await expect(main.getByText('web-owner', { exact: true })).toBeVisible()
  const grants = page.getByRole('region', { name: 'Collections open to you' }).locator('tbody tr')
  await expect(grants).toHaveCount(2)
  await expect(grants.first()).toContainText(/762.*whole.*the group \/it\/web, line 9 of the access file/)
  await expect(main).toContainText('groups: /it/web')
  await expect(main).toContainText('asks again after at most 15 minutes')
  await grants.first().getByRole('link').click()
  await expect(page).toHaveURL(/\/collections\/762$/)

  const masked = await signedIn('masked-owner')
  await masked.goto('/account')
  await expect(masked.getByRole('region', { name: 'Collections open to you' })).toContainText(
    'as their networks',
  )
  const nobody = await signedIn('no-groups')
  await nobody.goto('/account')
  await expect(nobody.getByRole('main')).toContainText('No collection is open to you.')
  await expect(nobody.getByRole('list', { name: 'What gave nothing' })).toContainText('groups')
})

for (const javaScriptEnabled of [true, false])
  test(`one's sessions are listed and ended, one or all others, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async ({
    browser,
    portal,
    redis,
    signedIn,
  }) => {
    // Those that other tests left behind.
    const contexts = await Promise.all(
      ['the first', 'the second', 'the third'].map((agent) =>
        browser.newContext({ baseURL: portal.origin, javaScriptEnabled, userAgent: `test of ${agent}` }),
      ),
    )
    const pages: Page[] = []
    for (const context of contexts) {
      const page = await context.newPage()
      await page.goto('/signin')
      await signIn(page, 'hr-owner')
      pages.push(page)
    }
    const [mine, second, third] = pages
    if (!mine || !second || !third) throw new Error('no pages')
    const stranger = await signedIn('web-owner')

    await mine.goto('/account')
    await expect(rows(mine).first()).toContainText('test of the first (this one)')
    await expect(rows(mine).first()).toContainText('127.0.0.1')
    await expect(rows(mine).first().getByRole('button')).toHaveCount(0)
    const row = rows(mine).filter({ hasText: 'test of the second' })
    await expect(row).toHaveCount(1)
    await expectNoSessionId(mine, redis)

    await row.getByRole('button', { name: 'End' }).click()
    await expect(mine.getByRole('status').first()).toContainText('1 session of yours was ended.')
    await expect(row).toHaveCount(0)
    expect([await isSignedIn(second), await isSignedIn(third)]).toEqual([false, true])

    await mine.goto('/account')
    await mine.getByRole('button', { name: 'End all others' }).click()
    await expect(mine.getByRole('status').first()).toContainText(/ended\. The next request there/)
    await expect(rows(mine)).toHaveCount(1)
    await expect(mine.getByRole('button', { name: 'End all others' })).toHaveCount(0)
    expect([await isSignedIn(third), await isSignedIn(mine)]).toEqual([false, true])
    await stranger.goto('/account')
    await expect(stranger.getByRole('heading', { level: 1 })).toHaveText('Account')
    for (const context of contexts) await context.close()
  })

test('nobody ends a session of somebody else by its handle, nor from another site', async ({
  portal,
  signedIn,
}) => {
  const mine = await signedIn('hr-owner')
  await signedIn('hr-owner')
  const hers = await signedIn('web-owner')
  await hers.goto('/account')
  await mine.goto('/account')
  const handle = await rows(mine).locator('[name=session]').first().inputValue()
  const post = async (page: Page, origin = portal.origin) =>
    fetch(`${portal.origin}/account/sessions`, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie: await cookieHeader(page), origin },
      body: new URLSearchParams({ end: 'one', session: handle }),
    })
  expect((await post(hers)).headers.get('location')).toBe('/account?ended=0')
  expect((await post(mine, 'https://evil.example')).status).toBe(403)
  expect((await post(mine)).headers.get('location')).toBe('/account?ended=1')
})

test('how pages look is chosen on the account too, without JavaScript', async ({ browser, portal }) => {
  const context = await browser.newContext({
    baseURL: portal.origin,
    javaScriptEnabled: false,
    colorScheme: 'light',
  })
  const page = await context.newPage()
  await page.goto('/signin?next=/account')
  await signIn(page, 'hr-owner')
  const form = page.getByRole('main').locator('form[action="/theme"]')
  await form.getByRole('button', { name: 'Dark' }).click()
  await expect(page).toHaveURL(/\/account$/)
  await expect(form.getByRole('button', { name: 'Dark' })).toHaveAttribute('aria-pressed', 'true')
  expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe('rgb(15, 19, 24)')
  await context.close()
})

for (const javaScriptEnabled of [true, false])
  test(`attempt 30: an admin ends all sessions of a person and nobody else's, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async ({
    browser,
    portal,
    redis,
    signedIn,
  }) => {
    const [first, second] = [await signedIn('masked-owner'), await signedIn('masked-owner')]
    const neighbour = await signedIn('hr-owner')
    const context = await browser.newContext({ baseURL: portal.origin, javaScriptEnabled })
    const admin = await context.newPage()
    await admin.goto('/signin')
    await signIn(admin, 'admin')
    await admin.goto('/admin/access')
    const row = admin
      .getByRole('region', { name: 'Who is signed in' })
      .getByRole('row', { name: /masked-owner/ })
    await expect(row.getByRole('button')).toBeHidden()
    await expectNoSessionId(admin, redis)
    await row.locator('summary').click()
    await row.getByRole('button', { name: /^End \d+ sessions/ }).click()
    await expect(admin.getByRole('status').first()).toContainText(/\d+ sessions of that person were ended/)
    await expect(row).toHaveCount(0)
    expect([await isSignedIn(first), await isSignedIn(second)]).toEqual([false, false])
    const cookie = await cookieHeader(first)
    expect((await fetch(`${portal.origin}/collections/1824/download`, { headers: { cookie } })).status).toBe(
      401,
    )
    expect(await isSignedIn(neighbour)).toBe(true)
    await context.close()
  })

test('attempt 30: an admin ends the tokens of a person, also of one whose browser part is over', async ({
  portal,
  redis,
  signedIn,
}) => {
  const download = async (token: string) =>
    (
      await fetch(`${portal.origin}/collections/1824/download`, {
        headers: { authorization: `Bearer ${token}` },
      })
    ).status
  const tokenFor = async (name: string) => {
    const jar = new CookieJar()
    await jar.signIn(portal.origin, name)
    return { jar, token: await deviceToken(jar, portal) }
  }
  const [masked, owner] = [await tokenFor('masked-owner'), await tokenFor('hr-owner')]
  // Idle for longer than a browser may be: only the token goes on.
  for (const key of await redis.keys('session:*')) {
    const { subject } = JSON.parse((await redis.get(key)) ?? '{}') as { subject?: string }
    if (subject === 'masked-owner') await redis.set(key.replace('session:', 'session-seen:'), '1', 'KEEPTTL')
  }
  const { status } = await masked.jar.request(`${portal.origin}/collections/1824/download`)
  expect([status, await download(masked.token), await download(owner.token)]).toEqual([401, 200, 200])

  const admin = await signedIn('admin')
  await admin.goto('/admin/access')
  const row = admin
    .getByRole('region', { name: 'Who is signed in' })
    .getByRole('row', { name: /masked-owner/ })
  await expect(row.locator('[data-name=Sessions]')).toHaveText('0')
  await expect(row.locator('[data-name=Tokens]')).toHaveText('1')
  await row.locator('summary').click()
  await row.getByRole('button', { name: /^End .*the token/ }).click()
  await expect(row).toHaveCount(0)
  expect([await download(masked.token), await download(owner.token)]).toEqual([401, 200])
})

test('attempt 30: who is no admin ends no sessions of others: it is not there', async ({
  portal,
  signedIn,
}) => {
  const victim = await signedIn('hr-owner')
  const post = async (page: Page, origin = portal.origin) =>
    fetch(`${portal.origin}/admin/access/end-sessions`, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie: await cookieHeader(page), origin },
      body: new URLSearchParams({ issuer: portal.provider.issuer, subject: 'hr-owner' }),
    })
  const owner = await signedIn('web-owner')
  const missing = await post(owner)
  expect(missing.status).toBe(404)
  expect(await missing.json()).toMatchObject({ error: 'not_found' })
  const admin = await signedIn('admin')
  expect((await post(admin, 'https://evil.example')).status).toBe(403)
  expect(await isSignedIn(victim)).toBe(true)
  expect((await post(admin)).headers.get('location')).toMatch(/^\/admin\/access\?ended=[1-9]/)
  expect(await isSignedIn(victim)).toBe(false)
})
