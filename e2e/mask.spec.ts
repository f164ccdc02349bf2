import { gunzipSync } from 'node:zlib'
import { parseCsv } from './csv.ts'
import { cookieHeader, expect, logLine, test } from './fixtures.ts'
import { runIngest } from './ingest.ts'

/** Whoever reads 1824 masked finds of no address more than its network, on any route and in any format. */

const AT = Date.UTC(2026, 2, 9, 15)
const WINDOW = '?from=2026-03-09T15:00:00Z&to=2026-03-09T15:10:00Z'
/** What of the addresses below only their owner sees; nothing else on a page has these. */
const HOSTS = ['113.77', '113%2E77', '217-93', '9afe', '3405803853', '219.203']
const NETWORKS = ['203.0.x.x', '2001:db8:x:x', '198.51.x.x']

/** An address in each place of a line and in each form. */
const LINES = [
  (line: string) => line.replace('192.0.2.7', '203.0.113.77'),
  (line: string) => line.replace('192.0.2.7', '2001:db8:9afe::9afe'),
  (line: string) => line.replace('192.0.2.7', 'dial-198-51-217-93.isp.example'),
  (line: string) => line.replace('192.0.2.7', '::ffff:203.0.113.77'),
  (line: string) => line.replace('/page', '/whois/203.0.113.77/[2001:db8:9afe::9afe]?ip=203.0.113.77'),
  (line: string) =>
    line.replace(
      '/page',
      '/go?to=http%3A%2F%2F3405803853%2F&a=203%2E0%2E113%2E77&b=2001%3Adb8%3A9afe%3A%3A9afe',
    ),
  (line: string) => line.replace('"-"', '"https://198.51.219.203:8080/x?client=2001:db8::9afe"'),
  (line: string) => line.replace('agent', 'bot (for 203.0.113.77, 198.51.219.203; fe80::9afe%eth0)'),
  (line: string) => line.replace('/page', `/${'long-'.repeat(1200)}203.0.113.77`),
].map((put, n) => put(logLine('1824', 'page', new Date(AT + n * 1000))))

test.beforeAll(async ({ portal }) => {
  // Half of them sealed, half hot.
  const feed = (lines: readonly string[]) =>
    runIngest(portal.redis.url, ['--source', 'web7'], `${lines.join('\n')}\n`)
  expect((await feed(LINES.slice(0, 5))).exitCode).toBe(0)
  expect((await runIngest(portal.redis.url, ['maintain'])).exitCode).toBe(0)
  expect((await feed(LINES.slice(5))).exitCode).toBe(0)
})

const DOWNLOADS = ['log', 'csv', 'ndjson'].flatMap((format) => [
  `/collections/1824/download${WINDOW}&format=${format}`,
  `/collections/1824/download${WINDOW}&format=${format}&gzip=1`,
])

interface Answer {
  readonly path: string
  readonly body: string
  readonly headers: string
}

/** Asks for everything that gives lines: pages, what leads to and around each line, flight data, downloads. */
async function everything(origin: string, cookie: string): Promise<Answer[]> {
  const ask = async (path: string, headers: Record<string, string> = {}): Promise<Answer> => {
    const answer = await fetch(`${origin}${path}`, { headers: { cookie, ...headers } })
    expect(answer.status, path).toBe(200)
    const bytes = Buffer.from(await answer.arrayBuffer())
    const body = path.includes('gzip=1') ? gunzipSync(bytes) : bytes
    return { path, body: body.toString('latin1'), headers: JSON.stringify([...answer.headers]) }
  }
  const first = await ask(`/collections/1824${WINDOW}`)
  const links = [...first.body.matchAll(/href="(\?[^"]*at=[^"]*|\/collections\/1824\?[^"]*)"/g)]
  const paths = [...new Set(links.map(([, href = '']) => href.replaceAll('&amp;', '&').replace(/#.*/, '')))]
  const pages = [
    ...paths.map((href) => (href.startsWith('?') ? `/collections/1824${href}` : href)),
    `/collections/1824${WINDOW}&after=oldest&order=desc&limit=3`,
    `/collections/1824${WINDOW}&tz=Asia/Tokyo`,
  ]
  const answers = [first]
  for (const path of pages) {
    answers.push(await ask(path))
    answers.push(await ask(path, { rsc: '1' }))
  }
  for (const path of DOWNLOADS) answers.push(await ask(path))
  return answers
}

test('of no address more than its network is in any body or header, and the owner sees all of it', async ({
  signedIn,
  portal,
}) => {
  const page = await signedIn('masked-owner')
  await expect(page).toHaveURL(/\/collections\/1824/)
  await expect(page.getByRole('note')).toContainText('Addresses are masked')
  const answers = await everything(portal.origin, await cookieHeader(page))
  expect(answers.length).toBeGreaterThan(2 * LINES.length)
  for (const { path, body, headers } of answers)
    for (const host of HOSTS) expect((body + headers).includes(host), `${host} on ${path}`).toBe(false)
  for (const { path, body } of answers.filter(({ path }) => path.includes('/download')))
    for (const network of NETWORKS) expect(body, path).toContain(network)

  const owner = await signedIn('hr-owner')
  await expect(owner.getByRole('note')).toHaveCount(0)
  const whole = await everything(portal.origin, await cookieHeader(owner))
  for (const host of HOSTS)
    for (const format of ['log', 'csv', 'ndjson'])
      expect(whole.find(({ path }) => path.endsWith(`format=${format}`))?.body).toContain(host)
  expect(whole[0]?.body).toContain('203.0.113.77')
  expect(whole.at(-6)?.body).toBe(`${LINES.join('\n')}\n`)
})

test('a masked download says so in its name, and in its address column', async ({ signedIn, portal }) => {
  const cookie = await cookieHeader(await signedIn('masked-owner'))
  for (const method of ['GET', 'HEAD']) {
    const answer = await fetch(`${portal.origin}${DOWNLOADS[2]}`, { method, headers: { cookie } })
    expect(answer.headers.get('content-disposition')).toBe(
      'attachment; filename="1824_20260309T150000Z_20260309T151000Z_masked.csv"',
    )
    if (method === 'HEAD') continue
    const rows = parseCsv(Buffer.from(await answer.arrayBuffer()))
    expect(rows.slice(1).map((row) => row[2])).toEqual([
      '203.0.x.x',
      '2001:db8:x:x',
      'dial-x-x-x-x.isp.example',
      '203.0.x.x',
      ...Array.from({ length: 5 }, () => '192.0.x.x'),
    ])
  }
})

test('pages go on by their own cursors, a link leads to its line for both, and an owner’s tells nothing', async ({
  signedIn,
}) => {
  const masked = await signedIn('masked-owner')
  const owner = await signedIn('hr-owner')
  await masked.goto(`/collections/1824${WINDOW}&after=oldest&limit=4`)
  await expect(masked.locator('tbody tr')).toHaveCount(4)
  const rows = () =>
    masked.locator('.t a').evaluateAll((all) => all.map((link) => link.getAttribute('href') ?? ''))
  const first = await rows()
  await masked.getByRole('link', { name: /Newer/ }).first().click()
  await expect(masked).toHaveURL(/after=(?!oldest)/)
  await expect(masked.locator('tbody tr')).toHaveCount(4)
  expect(new Set([...first, ...(await rows())].map((href) => /[?&]at=([^&]*)/.exec(href)?.[1])).size).toBe(8)
  await masked.locator('.t a').nth(1).click()
  await expect(masked.locator('tr.target')).toContainText('192.0.x.x')
  const link = masked.url()
  await owner.goto(link)
  await expect(owner.locator('tr.target')).toContainText('192.0.2.7')
  // An owner's link holds a hash of the whole line, by which its address could be found out by trying.
  await owner.goto(`/collections/1824${WINDOW}&after=oldest&limit=4`)
  await owner.locator('.t a').nth(1).click()
  await expect(owner.locator('tr.target')).toHaveCount(1)
  await masked.goto(owner.url())
  await expect(masked.locator('tr.target')).toHaveCount(0)
  await expect(masked.getByRole('status')).toContainText('is not here')
})
