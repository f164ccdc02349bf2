import { randomBytes } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { Browser, BrowserContext, Page } from 'playwright/test'
import { z } from 'zod'
import { ensureProgram, MissingProgramError } from '../lib/system-package.ts'
import { test as base, expect as baseExpect, cookieHeader, feed, logLine } from './fixtures.ts'
import { GLEWLWYD, type Glewlwyd, startGlewlwyd } from './glewlwyd.ts'
import { type RunningPortal, startPortal } from './portal.ts'
import { until } from './waiting.ts'

/**
 * A provider that nobody here wrote, from Debian's packages: signing in through its own pages, a change of groups there,
 * signing out at either end. Skipped, with the reason, where the package cannot be installed.
 */

/** An installation waits this long for another one alone. */
const INSTALL_MS = 420_000
const START_MS = 90_000
/** Past the age at which the portal asks the provider again. */
const AGED_MS = 6 * 60_000
/** The provider's cookie with the id that it gives applications of the browser's session there. */
const PROVIDER_SESSION_COOKIE = 'GLEWLWYD2_OIDC_SID'
const AT_ONCE = 6
/** The provider's pages are made in the browser, after some 20 requests. */
const expect = baseExpect.configure({ timeout: 20_000 })

/** Of letters and digits alone: Glewlwyd does not decode what has to be encoded of any other secret. */
const CLIENT = { clientId: 'portal', clientSecret: randomBytes(32).toString('hex') }
const OWNER = {
  username: 'hr-owner',
  password: randomBytes(12).toString('hex'),
  name: 'Human Resources',
  groups: ['/hr/owners'],
}

const test = base.extend<
  { signedInThere: () => Promise<Page> },
  { portal: RunningPortal; glewlwyd: Glewlwyd }
>({
  glewlwyd: [
    // biome-ignore lint/correctness/noEmptyPattern: the shape that Playwright asks for
    async ({}, use) => {
      const glewlwyd = await startGlewlwyd()
      await glewlwyd.addUser(OWNER)
      await use(glewlwyd)
      await glewlwyd.stop()
    },
    { scope: 'worker', timeout: START_MS },
  ],
  portal: [
    async ({ glewlwyd }, use) => {
      // The provider that `startPortal` brings along is not asked anything.
      const portal = await startPortal({
        env: {
          OIDC_ISSUER: glewlwyd.issuer,
          OIDC_CLIENT_ID: CLIENT.clientId,
          OIDC_CLIENT_SECRET: CLIENT.clientSecret,
          LOGOUT_TOKEN_TYP: 'any',
        },
      })
      await glewlwyd.registerClient({
        ...CLIENT,
        redirectUri: `${portal.origin}/api/auth/callback/oidc`,
        postLogoutRedirectUri: `${portal.origin}/signin`,
        backchannelLogoutUri: `${portal.origin}/signout/backchannel`,
      })
      await feed(portal, [logLine('1824', 'canary-1824'), logLine('762', 'canary-762')])
      await use(portal)
      await portal.stop()
    },
    { scope: 'worker', timeout: START_MS },
  ],
  // Without it the portal would be started before it is known whether the provider can be.
  // biome-ignore lint/correctness/noEmptyPattern: the shape that Playwright asks for
  baseURL: async ({}, use) => use(undefined),
  signedInThere: async ({ browser, portal }, use) => {
    const contexts: BrowserContext[] = []
    await use(() => newSession(browser, portal, contexts))
    for (const context of contexts) await context.close()
  },
})

test.describe.configure({ timeout: 180_000 })

test.beforeAll(async () => {
  test.setTimeout(INSTALL_MS)
  const log = (line: string) => void process.stderr.write(`second provider: ${line}\n`)
  const missing = await ensureProgram({ ...GLEWLWYD, log }).then(
    () => null,
    (error: unknown) => {
      if (!(error instanceof MissingProgramError)) throw error
      log(`skipped: ${error.message}`)
      return error.message
    },
  )
  test.skip(missing !== null, missing ?? undefined)
})

/** In a browser of one's own. */
async function newSession(
  browser: Browser,
  portal: RunningPortal,
  contexts: BrowserContext[],
): Promise<Page> {
  const context = await browser.newContext({ baseURL: portal.origin })
  contexts.push(context)
  const page = await context.newPage()
  await page.goto('/collections/1824')
  await signInThere(page)
  await expect(page).toHaveURL(`${portal.origin}/collections/1824`)
  return page
}

/** From the portal's sign-in page through the provider's, which at the first time ask what may be told to the portal. */
async function signInThere(page: Page): Promise<void> {
  await page.getByRole('button', { name: /sign in/i }).click()
  await page.getByLabel('Login').fill(OWNER.username)
  await page.getByLabel('Password').fill(OWNER.password)
  await page.getByRole('button', { name: 'OK' }).click()
  const goOn = page.getByRole('button', { name: 'Continue' })
  const grant = page.getByRole('button', { name: 'Grant access' })
  await expect(goOn).toBeVisible()
  if (await grant.isVisible()) {
    await page.getByLabel('profile').check()
    await page.getByLabel('email').check()
    await grant.click()
    await expect(grant).toBeHidden()
  }
  await goOn.click()
}

async function expectReading(portal: RunningPortal, page: Page, own: string, other: string): Promise<void> {
  const cookie = await cookieHeader(page)
  const download = (id: string) =>
    fetch(`${portal.origin}/collections/${id}/download`, { headers: { cookie } })
  expect((await page.goto(`/collections/${own}`))?.status()).toBe(200)
  await expect(page.getByText(`canary-${own}`).first()).toBeVisible()
  expect(await (await download(own)).text()).toContain(`canary-${own}`)
  expect((await page.goto(`/collections/${other}`))?.status()).toBe(404)
  expect((await download(other)).status).toBe(404)
}

const storedSchema = z.looseObject({ checkedAtMs: z.number(), idToken: z.string(), refreshToken: z.string() })
type Stored = z.output<typeof storedSchema>

/** What the portal keeps of the session that this browser's session at the provider began. */
async function storedSession(redis: Redis, glewlwyd: Glewlwyd, page: Page): Promise<[string, Stored]> {
  const cookies = await page.context().cookies()
  const providerSid = cookies.find(({ name }) => name === PROVIDER_SESSION_COOKIE)?.value
  const [sid] = await redis.smembers(`sessions:provider:${glewlwyd.issuer}|${providerSid}`)
  return [`session:${sid}`, storedSchema.parse(JSON.parse((await redis.get(`session:${sid}`)) ?? 'null'))]
}

async function growOld(redis: Redis, glewlwyd: Glewlwyd, page: Page): Promise<void> {
  const [key, session] = await storedSession(redis, glewlwyd, page)
  const aged = { ...session, checkedAtMs: session.checkedAtMs - AGED_MS }
  await redis.set(key, JSON.stringify(aged), 'KEEPTTL')
}

async function expectSignedOut(portal: RunningPortal, page: Page, cookie: string): Promise<void> {
  const download = await fetch(`${portal.origin}/collections/1824/download`, { headers: { cookie } })
  expect(download.status).toBe(401)
  await page.goto('/collections/1824')
  await expect(page).toHaveURL(/\/signin\?next=/)
}

/** Says yes on the provider's page that asks whether to end the session. */
async function endSessionThere(page: Page): Promise<void> {
  // Before it knows which application asks, it cannot go on.
  await expect(page.getByText('The client Log Portal wishes you to close the current session')).toBeVisible()
  await page.getByRole('button', { name: 'Logout' }).click()
}

/** At the provider nobody is signed in either: it asks for the password again. */
async function expectSignedOutThere(page: Page): Promise<void> {
  await page.getByRole('button', { name: /sign in/i }).click()
  await expect(page.getByLabel('Password')).toBeVisible()
}

test('somebody who signs in on the pages of the provider reads what the group grants, and no more', async ({
  portal,
  signedInThere,
}) => {
  const page = await signedInThere()
  await expect(page.getByText(OWNER.name, { exact: true }).first()).toBeVisible()
  await expectReading(portal, page, '1824', '762')
})

test('another group at the provider opens another collection at the next refresh, and none opens nothing', async ({
  portal,
  glewlwyd,
  redis,
  signedInThere,
}) => {
  const page = await signedInThere()
  try {
    await glewlwyd.changeGroups(OWNER.username, ['/it/web', '/of/no/rule'])
    await growOld(redis, glewlwyd, page)
    const cookie = await cookieHeader(page)
    const download = () => fetch(`${portal.origin}/collections/762/download`, { headers: { cookie } })
    // A refresh token that is used twice is void, with those that came of it.
    const answers = await Promise.all(Array.from({ length: AT_ONCE }, download))
    expect(answers.map(({ status }) => status)).toEqual(Array(AT_ONCE).fill(200))
    await expectReading(portal, page, '762', '1824')
    await glewlwyd.changeGroups(OWNER.username, [])
    await growOld(redis, glewlwyd, page)
    for (const id of ['762', '1824']) expect((await page.goto(`/collections/${id}`))?.status()).toBe(404)
    expect((await download()).status).toBe(404)
  } finally {
    await glewlwyd.changeGroups(OWNER.username, OWNER.groups)
  }
  await growOld(redis, glewlwyd, page)
  await expectReading(portal, page, '1824', '762')
})

test('signing out of the portal signs out of the provider too, which takes the refresh token back', async ({
  portal,
  glewlwyd,
  redis,
  signedInThere,
}) => {
  const page = await signedInThere()
  const cookie = await cookieHeader(page)
  const [, { refreshToken }] = await storedSession(redis, glewlwyd, page)
  await page.getByRole('button', { name: 'Sign out' }).click()
  await endSessionThere(page)
  await expect(page).toHaveURL(new RegExp(`^${portal.origin}/signin\\??$`))
  await expectSignedOut(portal, page, cookie)
  await expectSignedOutThere(page)
  const again = await fetch(`${glewlwyd.issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${CLIENT.clientId}:${CLIENT.clientSecret}`)}` },
    body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refreshToken }),
  })
  expect(again.status).toBe(400)
})

test('signing out at the provider ends that session here by a back-channel logout, and no other', async ({
  portal,
  glewlwyd,
  redis,
  signedInThere,
}) => {
  const page = await signedInThere()
  const neighbour = await signedInThere()
  const cookie = await cookieHeader(page)
  const before = portal.log().length
  // Where another application leads that signs the person out; the portal is not asked.
  const [, { idToken }] = await storedSession(redis, glewlwyd, page)
  await page.goto(`${glewlwyd.issuer}/end_session?id_token_hint=${idToken}`)
  await endSessionThere(page)
  await expect(page.getByText('You are disconnected')).toBeVisible()
  const said = () =>
    portal
      .log()
      .slice(before)
      .match(/back-channel logout.*/g) ?? []
  await until('the provider sends a logout token', () => said().length > 0, { details: glewlwyd.log })
  expect(said()).toEqual(['back-channel logout: sessions ended: 1'])
  await expectSignedOut(portal, page, cookie)
  await expectSignedOutThere(page)
  await expectReading(portal, neighbour, '1824', '762')
})

test('somebody who disconnects everything at the provider is signed out here at the next refresh', async ({
  portal,
  glewlwyd,
  redis,
  signedInThere,
}) => {
  const page = await signedInThere()
  const cookie = await cookieHeader(page)
  await growOld(redis, glewlwyd, page)
  await page.goto(`${new URL(glewlwyd.issuer).origin}/login.html?prompt=single_logout`)
  await page.locator('#logoutDropdown').click()
  await page.getByText('Disconnect all sessions and all tokens').click()
  await expect(page.getByText('You are disconnected')).toBeVisible()
  await expectSignedOut(portal, page, cookie)
})
