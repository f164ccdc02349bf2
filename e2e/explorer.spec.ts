import { readFile } from 'node:fs/promises'
import { cookieHeader, expect, feed, logLine, signIn, test, until } from './fixtures.ts'
import { startIngest } from './ingest.ts'

/** A collection's lines as a person goes through them. */

const NOON = Date.UTC(2026, 2, 4, 12)
const WINDOW = '?from=2026-03-04T12:00Z&to=2026-03-04T13:00Z'

test.beforeAll(async ({ portal }) => {
  const lines = Array.from({ length: 1000 }, (_, n) =>
    logLine('1824', `page-${n}-end`, new Date(NOON + n * 1000)),
  )
  await feed(portal, lines)
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
  const shown = async () => (await page.locator('summary').allTextContents()).map((text) => text.trim())
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
  const seen = await page.locator('summary').allTextContents()
  await feed(
    portal,
    Array.from({ length: 30 }, (_, n) => logLine('1824', `later-${n}`)),
  )
  await pages.getByRole('link', { name: 'Older' }).click()
  await expect(page).toHaveURL(/before=/)
  const older = await page.locator('summary').allTextContents()
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
  await page.getByLabel('From').fill('2026-03-04T12:00:00')
  await page.getByLabel('To').fill('2026-03-04T12:10:00')
  await page.getByRole('button', { name: 'Show' }).click()
  await expect(page.getByText('600 lines')).toBeVisible()
  await page.getByRole('link', { name: 'Oldest' }).first().click()
  await expect(page.locator('summary').first()).toHaveText('/page-0-end')
  await page.locator('summary').first().click()
  await expect(page.locator('code').first()).toHaveText(logLine('1824', 'page-0-end', new Date(NOON)))
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Download' }).click(),
  ])
  expect(download.suggestedFilename()).toBe('1824_20260304T120000Z_20260304T121000Z.log')
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
  await expect(page.getByRole('link', { name: '1 hour' })).toHaveAttribute('aria-current', 'true')
  await page.getByRole('link', { name: 'All' }).click()
  await expect(page.locator('body')).toContainText('1 Jan 1970')
  await page.goto(`/collections/1824${WINDOW}`)
  await page.getByRole('link', { name: 'Earlier' }).click()
  await expect(page.getByRole('heading', { name: 'No lines here' })).toBeVisible()
  await expect(page.locator('body')).toContainText('4 Mar 2026, 11:00')
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
    ['after=x', 'after: takes what a link of the pager holds'],
    ['from=1h&from=2h', '‘from’ is given more than once'.replaceAll(/[‘’]/g, "'")],
    ['colour=red', "'colour' is not a parameter here"],
  ] as const) {
    const answer = await page.goto(`/collections/1824?${query}`)
    expect(answer?.status(), query).toBe(400)
    await expect(page.getByRole('alert').first()).toContainText(words)
  }
  for (const query of ['from=soon', 'format=xml', 'gzip=1', 'limit=5']) {
    const answer = await fetch(`${portal.origin}/collections/1824/download?${query}`, { headers: { cookie } })
    expect(answer.status, query).toBe(400)
    expect(Object.keys((await answer.json()) as object)).toEqual(['error', 'message', 'ref'])
  }
})

test('what a visitor sent is shown as text and runs nothing, and is downloaded as it was', async ({
  signedIn,
  portal,
}) => {
  const hostile = Buffer.concat([
    Buffer.from(
      '192.0.2.1 - - [04/Mar/2026:15:00:00 +0000] "GET /<script>alert(1)</script>?a=\'&b=<img/src=x/onerror=alert(2)>',
    ),
    Buffer.from([0x1b, 0x00, 0xff, 0x9b, 0xe2, 0x80, 0xae, 0x09]),
    Buffer.from(' HTTP/1.1" 200 5 "-" "</td></tr></table><script>alert(3)</script>" 1824'),
  ])
  await feed(portal, [logLine('1824', 'x', new Date(NOON + 3 * 3600_000))])
  const ingest = startIngest(portal.redis.url, ['--source', 'web9'])
  ingest.stdin.end(Buffer.concat([hostile, Buffer.from('\n')]))
  expect((await ingest.done).exitCode).toBe(0)
  const page = await signedIn('hr-owner')
  const alerts: string[] = []
  page.on('dialog', (dialog) => {
    alerts.push(dialog.message())
    void dialog.dismiss()
  })
  const refused: string[] = []
  page.on('console', (message) => {
    if (/Content Security Policy/.test(message.text())) refused.push(message.text())
  })
  const window = '?from=2026-03-04T15:00:00Z&to=2026-03-04T15:00:01Z'
  await page.goto(`/collections/1824${window}`)
  await expect(page.locator('tbody tr')).toHaveCount(2)
  const raw = page.locator('code', { hasText: '<script>alert(1)</script>' })
  await expect(raw).toContainText('\\x1b\\x00\\xff\\x9b\\u{202e}\\x09')
  expect(alerts).toEqual([])
  expect(refused).toEqual([])
  const cookie = await cookieHeader(page)
  const answer = await fetch(`${portal.origin}/collections/1824/download${window}`, { headers: { cookie } })
  expect(Buffer.from(await answer.arrayBuffer()).includes(hostile)).toBe(true)
})
