import { Redis } from 'ioredis'
import { type BrowserContext, test as base, type Page } from 'playwright/test'
import { runIngest } from './ingest.ts'
import { type RunningPortal, startPortal } from './portal.ts'

/** What every spec stands on: a running portal of its own, people who sign in, and lines in the store. */

export { expect } from 'playwright/test'

interface PortalFixtures {
  portal: RunningPortal
  /** The portal's own Redis, to look at and to change from outside. */
  redis: Redis
}

interface TestFixtures {
  /** A browser page of somebody who has signed in as `name` through the provider's form. */
  signedIn: (name: string) => Promise<Page>
}

export const test = base.extend<TestFixtures, PortalFixtures>({
  portal: [
    // biome-ignore lint/correctness/noEmptyPattern: the shape that Playwright asks for
    async ({}, use) => {
      const portal = await startPortal({ provider: { rotateRefreshTokens: true } })
      await use(portal)
      await portal.stop()
    },
    { scope: 'worker', timeout: 90_000 },
  ],
  redis: [
    async ({ portal }, use) => {
      const redis = new Redis(portal.redis.url)
      await use(redis)
      redis.disconnect()
    },
    { scope: 'worker' },
  ],
  baseURL: async ({ portal }, use) => use(portal.origin),
  signedIn: async ({ browser, portal }, use) => {
    const contexts: BrowserContext[] = []
    await use(async (name) => {
      const context = await browser.newContext({ baseURL: portal.origin })
      contexts.push(context)
      const page = await context.newPage()
      await page.goto('/signin')
      await signIn(page, name)
      return page
    })
    for (const context of contexts) await context.close()
  },
})

/** From the portal's sign-in page through the provider's form and back. */
export async function signIn(page: Page, name: string): Promise<void> {
  const { origin } = new URL(page.url())
  await page.getByRole('button', { name: /sign in/i }).click()
  await page.locator('[name=login]').fill(name)
  await page.locator('[name=password]').fill(name)
  await page.getByRole('button').first().click()
  await page.waitForURL((url) => url.origin === origin && !url.pathname.startsWith('/api/'))
}

/** The cookies of a page's context, as a header for requests without a browser. */
export async function cookieHeader(page: Page): Promise<string> {
  const cookies = await page.context().cookies()
  return cookies.map(({ name, value }) => `${name}=${value}`).join('; ')
}

/** A line of the time given, with a text of one's own in its path. */
export function logLine(id: string, text: string, at = new Date()): string {
  const [, day = '', month = '', year = '', time = ''] =
    /^\w+, (\d+) (\w+) (\d+) (\S+)/.exec(at.toUTCString()) ?? []
  return `192.0.2.7 - - [${day}/${month}/${year}:${time} +0000] "GET /${text} HTTP/1.1" 200 512 "-" "agent" ${id}`
}

/** Stores lines by the real `ingest`. */
export async function feed(portal: RunningPortal, lines: readonly string[], source = 'web1'): Promise<void> {
  const run = await runIngest(portal.redis.url, ['--source', source], `${lines.join('\n')}\n`)
  if (run.exitCode !== 0) throw new Error(run.stderr)
}
