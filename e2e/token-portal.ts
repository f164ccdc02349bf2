import type { Page } from 'playwright/test'
import { test as base, expect, feed, logLine } from './fixtures.ts'
import { type RunningPortal, startPortal } from './portal.ts'

/** A portal for the specs of tokens: `both` reads all three collections and is an admin. */

export const SECRET = 'canary-only-for-owners'
const IDS = ['1824', '762', '3242']
/** In the middle of a day that has long passed, so that no line comes in between. */
export const DAY = Date.UTC(2026, 2, 8, 12)
const WINDOW = 'from=2026-03-08&to=2026-03-09'
export const TOKEN = /prt_[A-Za-z0-9_-]{43}/

export const test = base.extend<object, { portal: RunningPortal }>({
  portal: [
    // biome-ignore lint/correctness/noEmptyPattern: the shape that Playwright asks for
    async ({}, use) => {
      const portal = await startPortal({ provider: { rotateRefreshTokens: true } })
      portal.provider.accounts.set('both', {
        name: 'Both',
        groups: ['/hr/owners', '/it/web', '/logs/admins'],
      })
      for (const id of IDS) await feed(portal, linesOf(id))
      await use(portal)
      await portal.stop()
    },
    { scope: 'worker', timeout: 90_000 },
  ],
})

const linesOf = (id: string) =>
  Array.from({ length: 50 }, (_, n) => logLine(id, `${SECRET}-${id}/${n}`, new Date(DAY + n * 1000)))

interface Asked {
  readonly name?: string
  /** Ids; all when left out. */
  readonly collections?: readonly string[]
  readonly days?: number
}

export async function fillForm(
  page: Page,
  { name = 'nightly', collections, days = 1 }: Asked,
): Promise<void> {
  await page.goto('/account')
  const form = page.getByRole('form', { name: 'Make a token' })
  await form.getByLabel(/^Name/).fill(name)
  await form.getByLabel(/^Days/).fill(String(days))
  if (!collections) return
  await form.getByLabel('only those ticked').check()
  for (const id of collections) await form.getByLabel(new RegExp(`${id}$`)).check()
}

/** Makes a token as a person does. @returns it in plain */
export async function makeToken(page: Page, asked: Asked = {}): Promise<string> {
  await fillForm(page, asked)
  await page.getByRole('button', { name: 'Make the token' }).click()
  const shown = await page.getByRole('region', { name: 'The new token' }).locator('code').textContent()
  const [token = ''] = TOKEN.exec(shown ?? '') ?? []
  expect(token).not.toBe('')
  return token
}

interface Answer {
  readonly status: number
  readonly body: string
  readonly headers: Headers
}

export async function get(
  portal: RunningPortal,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const answer = await fetch(`${portal.origin}${path}`, { headers, redirect: 'manual' })
  return { status: answer.status, body: await answer.text(), headers: answer.headers }
}

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
export const download = (id: string) => `/collections/${id}/download?${WINDOW}`
export const statusWith = async (portal: RunningPortal, token: string, id = '1824') =>
  (await get(portal, download(id), bearer(token))).status
