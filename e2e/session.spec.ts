import type { Page } from 'playwright/test'
import { cookieHeader, expect, test } from './fixtures.ts'
import type { RunningPortal } from './portal.ts'

/** What becomes of a session after sign-in: it ends at the provider, or its claims grow old. */

const HUGE_BYTES = 64 * 1024

test('attempt 33: a session that ended at the provider is over here on the next request, and another one is not', async ({
  signedIn,
  portal,
}) => {
  const page = await signedIn('hr-owner')
  const other = await signedIn('hr-owner')
  expect((await page.goto('/collections/1824'))?.status()).toBe(200)
  await endAtProvider(page, portal)
  await page.goto('/collections/1824')
  await expect(page).toHaveURL(/\/signin\?next=/)
  const cookie = await cookieHeader(page)
  expect((await fetch(`${portal.origin}/collections/1824/download`, { headers: { cookie } })).status).toBe(
    401,
  )
  expect((await other.goto('/collections/1824'))?.status()).toBe(200)
  expect(portal.provider.events.errors).toEqual([])
  const lines = portal.log().match(/.*back-channel logout.*/g) ?? []
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
