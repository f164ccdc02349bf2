import { readFile } from 'node:fs/promises'
import { cookieHeader, expect, feed, logLine, signIn, test } from './fixtures.ts'
import { startIngest } from './ingest.ts'
import { until } from './waiting.ts'

/** A collection's lines as a person goes through them. */

const NOON = Date.UTC(2026, 1, 14, 12)
const WINDOW = '?from=2026-02-14T12:00Z&to=2026-02-14T13:00Z'

test.beforeAll(async ({ portal }) => {
  const lines = Array.from({ length: 1000 }, (_, n) =>
    logLine('1824', `page-${n}-end`, new Date(NOON + n * 1000)),
  )
  await feed(portal, [...lines, logLine('1824', 'two-hours-later', new Date(NOON + 2 * 3600_000))])
})

test('a line is on the page within a second of being written, while the log stays open', async ({
  signedIn,
  portal,
}) => {
  const page = await signedIn('hr-owner')
  const cookie = await cookieHeader(page)
  const look = async (text: string) => {
    const answer = await fetch(`${portal.origin}/collections/1824`, { headers: { cookie } })
    return (await answer.text()).includes(text)
  }
  const ingest = startIngest(portal.redis.url, ['--source', 'web7'])
  try {
    ingest.stdin.write(`${logLine('1824', 'warm-up')}\n`)
    await until('the first line shows', () => look('/warm-up'))
    ingest.stdin.write(`${logLine('1824', 'fresh-line')}\n`)
    expect(await until('the line shows', () => look('/fresh-line'))).toBeLessThan(1000)
  } finally {
    ingest.stdin.end()
    await ingest.done
  }
})

test('the pager leads through a window and back, each line once, and says where one is', async ({
  signedIn,
}) => {
  const page = await signedIn('hr-owner')
  await page.goto(`/collections/1824${WINDOW}`)
  const pages = page.getByRole('navigation', { name: 'Pages, below the lines' })
  const shown = async () => (await page.locator('tbody summary').allTextContents()).map((text) => text.trim())
  await expect(page.getByText('1,000 lines')).toBeVisible()
  await expect(pages).toContainText('Lines 801–1,000 of 1,000')
  const back: string[] = await shown()
  for (const range of ['601–800', '401–600', '201–400', '1–200']) {
    await pages.getByRole('link', { name: 'Older' }).click()
    await expect(pages).toContainText(`Lines ${range} of 1,000`)
    back.unshift(...(await shown()))
  }
  const expected = Array.from({ length: 1000 }, (_, n) => `/page-${n}-end`)
  expect(back).toEqual(expected)
  await expect(pages.getByRole('link', { name: 'Older' })).toHaveCount(0)
  const forth: string[] = await shown()
  for (let i = 0; i < 4; i++) {
    await pages.getByRole('link', { name: 'Newer' }).click()
    await expect(pages).toContainText(`Lines ${201 + i * 200}–`)
    forth.push(...(await shown()))
  }
  expect(forth).toEqual(expected)
  await pages.getByRole('link', { name: 'Oldest' }).click()
  await expect(pages).toContainText('Lines 1–200')
  await pages.getByRole('link', { name: 'Newest' }).click()
  await expect(pages).toContainText('Lines 801–1,000')
})

test('pages of a window that ends now do not move while lines arrive', async ({ signedIn, portal }) => {
  await feed(
    portal,
    Array.from({ length: 30 }, (_, n) => logLine('1824', `still-${n}`)),
  )
  const page = await signedIn('hr-owner')
  await page.goto('/collections/1824?from=15m&limit=10')
  const pages = page.getByRole('navigation', { name: 'Pages, below the lines' })
  const seen = await page.locator('tbody summary').allTextContents()
  await feed(
    portal,
    Array.from({ length: 30 }, (_, n) => logLine('1824', `later-${n}`)),
  )
  await pages.getByRole('link', { name: 'Older' }).click()
  await expect(page).toHaveURL(/before=/)
  const older = await page.locator('tbody summary').allTextContents()
  expect(older).toHaveLength(10)
  expect(older.filter((text) => seen.includes(text))).toEqual([])
  await expect(page.locator('body')).not.toContainText('later-')
})

test('with JavaScript off: sign in, choose a window, page, download', async ({ browser, portal }) => {
  const context = await browser.newContext({ baseURL: portal.origin, javaScriptEnabled: false })
  const page = await context.newPage()
  await page.goto('/')
  await expect(page).toHaveURL(/\/signin\?next=/)
  await signIn(page, 'hr-owner')
  await expect(page).toHaveURL(/\/collections\/1824$/)
  await page.locator('summary', { hasText: 'Last hour' }).click()
  await page.getByLabel('From').fill('2026-02-14T12:00:00')
  await page.getByLabel('To').fill('2026-02-14T12:10:00')
  await page.getByRole('button', { name: 'Show' }).last().click()
  await expect(page.getByText('600 lines')).toBeVisible()
  await page.getByRole('link', { name: 'Oldest' }).first().click()
  await expect(page.locator('tbody summary').first()).toHaveText('/page-0-end')
  await page.locator('tbody summary').first().click()
  await expect(page.locator('code').first()).toHaveText(logLine('1824', 'page-0-end', new Date(NOON)))
  await page.locator('summary', { hasText: 'Download' }).click()
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Lines as they are (.log)' }).click(),
  ])
  expect(download.suggestedFilename()).toBe('1824_20260214T120000Z_20260214T121000Z.log')
  const expected = Array.from(
    { length: 600 },
    (_, n) => `${logLine('1824', `page-${n}-end`, new Date(NOON + n * 1000))}\n`,
  )
  expect(await readFile(await download.path(), 'utf8')).toBe(expected.join(''))
  await context.close()
})

test('presets, and steps to the windows before and after', async ({ signedIn }) => {
  const page = await signedIn('hr-owner')
  await page.goto('/collections/1824')
  await page.locator('summary', { hasText: 'Last hour' }).click()
  await expect(page.getByRole('link', { name: 'Last hour' })).toHaveAttribute('aria-current', 'true')
  await page.getByRole('link', { name: 'All that is kept' }).click()
  await expect(page.locator('body')).toContainText('1 Jan 1970')
  await page.goto(`/collections/1824${WINDOW}`)
  await page.getByRole('link', { name: 'Earlier' }).click()
  await expect(page.getByRole('heading', { name: 'No lines here' })).toBeVisible()
  await expect(page.locator('body')).toContainText('14 Feb 2026, 11:00')
  await page.getByRole('link', { name: 'Later' }).click()
  await expect(page.getByText('1,000 lines')).toBeVisible()
})

test('an empty window says where the newest line is and leads there', async ({ signedIn }) => {
  const page = await signedIn('hr-owner')
  await page.goto('/collections/1824?from=2020-01-01&to=2020-01-02')
  await expect(page.getByRole('heading', { name: 'No lines here' })).toBeVisible()
  await page.getByRole('link', { name: 'Go there' }).click()
  await expect(page.getByRole('table')).toBeVisible()
})

test('a parameter that is wrong is named with what it takes, as page and as data', async ({
  signedIn,
  portal,
}) => {
  const page = await signedIn('hr-owner')
  const cookie = await cookieHeader(page)
  for (const [query, words] of [
    ['from=soon', 'from=soon: takes a moment'],
    ['from=now&to=2020-01-01', 'from=now: lies after to'],
    ['limit=0', 'limit: takes a number from 1 to 1000'],
    ['after=x', 'after: takes what a link of the page holds'],
    ['from=1h&from=2h', '‘from’ is given more than once'.replaceAll(/[‘’]/g, "'")],
    ['colour=red', "'colour' is not a parameter here"],
  ] as const) {
    const answer = await page.goto(`/collections/1824?${query}`)
    expect(answer?.status(), query).toBe(400)
    await expect(page.getByRole('alert').first()).toContainText(words)
  }
  for (const query of ['from=soon', 'format=xml', 'limit=5']) {
    const answer = await fetch(`${portal.origin}/collections/1824/download?${query}`, { headers: { cookie } })
    expect(answer.status, query).toBe(400)
    expect(Object.keys((await answer.json()) as object)).toEqual(['error', 'message', 'ref'])
  }
})

test('a line has an address: alone in its window, among its neighbours whatever the window, and back', async ({
  signedIn,
}) => {
  const page = await signedIn('hr-owner')
  await page.goto(`/collections/1824${WINDOW}&limit=100`)
  const marked = page.locator('tr[aria-current]')
  await page.locator('tbody tr', { hasText: '/page-950-end' }).locator('.t a').click()
  await expect(page).toHaveURL(/at=.*limit=100|limit=100.*at=/)
  await expect(marked.locator('summary')).toHaveText('/page-950-end')
  await expect(marked.locator('code')).toBeVisible()
  await expect(marked).toBeInViewport()
  await expect(page.locator('tbody tr')).toHaveCount(99)
  const address = page.url()
  await marked.getByRole('link', { name: '50 lines around this' }).click()
  // The fiftieth behind it stands past the window's end.
  await expect(page.locator('tbody tr')).toHaveCount(101)
  await expect(page.getByRole('status')).toContainText(
    'with up to 50 lines on each side, whatever the window',
  )
  await expect(marked.locator('summary')).toHaveText('/page-950-end')
  await page.getByRole('link', { name: 'Back to it in its window' }).click()
  const asked = (url: string) => Object.fromEntries(new URL(url).searchParams)
  expect(asked(page.url())).toEqual(asked(address))
})

test('a bad parameter leaves the rest as it was, to be mended or left out', async ({ signedIn }) => {
  const page = await signedIn('hr-owner')
  const answer = await page.goto('/collections/1824?from=soonish&to=2026-02-14T13:00Z&tz=Asia/Tokyo&limit=50')
  expect(answer?.status()).toBe(400)
  await expect(page.getByRole('alert').first()).toContainText('from=soonish:')
  await expect(page.getByLabel('In words')).toHaveValue('soonish')
  await expect(page.getByLabel('To', { exact: true })).toHaveValue('2026-02-14T22:00')
  await page.getByLabel('In words').fill('2026-02-14 21:00 - 22:00')
  await page.getByRole('button', { name: 'Show' }).first().click()
  await expect(page).toHaveURL(/limit=50.*tz=Asia%2FTokyo/)
  await expect(page.getByText('1,000 lines')).toBeVisible()
  await expect(page.locator('tbody tr')).toHaveCount(50)
  await page.goto('/collections/1824?order=sideways&from=2026-02-14T12:00Z&to=2026-02-14T13:00Z')
  await page.getByRole('link', { name: 'Go on without it' }).click()
  await expect(page.getByText('1,000 lines')).toBeVisible()
})

test('times are the server’s, UTC or one’s own, everywhere on the page; the order of lines turns', async ({
  browser,
  portal,
}) => {
  const context = await browser.newContext({ baseURL: portal.origin, timezoneId: 'America/New_York' })
  const page = await context.newPage()
  await page.goto(`/collections/1824${WINDOW}`)
  await signIn(page, 'hr-owner')
  await expect(page.locator('.t').last()).toHaveText('12:16:39')
  await page.locator('summary', { hasText: 'Times in UTC' }).click()
  await page.getByRole('link', { name: 'Mine (America/New_York)' }).click()
  await expect(page.locator('.t').last()).toHaveText('07:16:39')
  await expect(page.locator('main')).toContainText('14 Feb 2026, 07:00')
  await page.getByRole('link', { name: 'Newest first' }).click()
  await expect(page.locator('.t').first()).toHaveText('07:16:39')
  await page.getByRole('navigation', { name: /above/ }).getByRole('link', { name: 'Older' }).click()
  await expect(page.locator('.t').first()).toHaveText('07:13:19')
  await context.close()
})

test('the lines are in the document once, and not again as data for scripts', async ({
  signedIn,
  portal,
}) => {
  const cookie = await cookieHeader(await signedIn('hr-owner'))
  const answer = await fetch(`${portal.origin}/collections/1824${WINDOW}`, { headers: { cookie } })
  // In the row's short form and in the line itself.
  expect((await answer.text()).split('/page-950-end').length - 1).toBe(2)
})

test('a line is copied', async ({ browser, portal }) => {
  const context = await browser.newContext({
    baseURL: portal.origin,
    permissions: ['clipboard-read', 'clipboard-write'],
  })
  const page = await context.newPage()
  await page.goto(`/collections/1824${WINDOW}&after=oldest`)
  await signIn(page, 'hr-owner')
  await page.locator('tbody summary').first().click()
  await page.getByRole('button', { name: 'Copy' }).first().click()
  await expect(page.getByRole('button', { name: 'Copied' })).toBeVisible()
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(
    logLine('1824', 'page-0-end', new Date(NOON)),
  )
  await context.close()
})
