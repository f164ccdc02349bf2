import { parseCollectionId } from '../lib/collection-id.ts'
import { segmentKey, segmentsKey } from '../lib/store/keys.ts'
import { parseDescriptor } from '../lib/store/segment-descriptor.ts'
import { expect, feed, logLine, test } from './fixtures.ts'
import { runIngest } from './ingest.ts'
import { downloaded, openDownload, ownerOf } from './raw-download.ts'

/** Lines that `ingest maintain` has sealed: read as if they were not, and missed where they cannot be read. */

const ID = '1824'
const START = Date.UTC(2002, 5, 1, 9)
const HOUR = 'from=2002-06-01T09:00Z&to=2002-06-01T10:00Z'
/** More than one segment takes, whatever is joined. */
const COUNT = 20_000
const PER_SECOND = 8
const linesFrom = (startMs: number) =>
  Array.from({ length: COUNT }, (_, n) =>
    logLine(ID, `sealed-${n}`, new Date(startMs + Math.floor(n / PER_SECOND) * 1000)),
  )
const LINES = linesFrom(START)

test.beforeAll(async ({ portal, redis }) => {
  await feed(portal, LINES)
  const before = await redis.zcard(`logs:collid:${ID}`)
  const run = await runIngest(portal.redis.url, ['maintain'])
  expect(run.exitCode, run.stderr).toBe(0)
  expect(await redis.zcard(`logs:collid:${ID}`)).toBeLessThanOrEqual(before - LINES.length)
})

test('pages, bars, links and downloads of sealed lines are what they were', async ({ portal, signedIn }) => {
  const page = await signedIn('hr-owner')
  await page.goto(`/collections/${ID}?${HOUR}&tz=utc`)
  await expect(page.getByText('Lines 19,801–20,000 of 20,000').first()).toBeVisible()
  await expect(page.getByText(/Lines in each minute; most, 480, from 1 Jun 2002, 09:00:00/)).toBeVisible()
  await expect(page.locator('.histogram a')).toHaveCount(42)
  await page.getByRole('link', { name: 'Older' }).first().click()
  await expect(page.locator('tbody tr').first()).toContainText('/sealed-19600')
  await page.locator('tbody a').first().click()
  await expect(page.locator('tr[aria-current]')).toContainText('/sealed-19600')
  const owner = await ownerOf(portal, signedIn)
  const body = await downloaded({ ...owner, path: `/collections/${ID}/download?${HOUR}` })
  expect(body.toString()).toBe(LINES.map((line) => `${line}\n`).join(''))
  const printed = await runIngest(portal.redis.url, [
    'print',
    ID,
    '--from',
    '2002-06-01T09:00Z',
    '--to',
    '2002-06-01T10:00Z',
  ])
  expect(printed.stdout).toBe(body.toString())
})

test('a bar leads to its piece of the window', async ({ signedIn }) => {
  const page = await signedIn('hr-owner')
  await page.goto(`/collections/${ID}?${HOUR}&tz=utc`)
  await page.locator('.histogram a').nth(5).click()
  await expect(page.getByText('1 Jun 2002, 09:05–09:06 (UTC) · 480 lines')).toBeVisible()
})

for (const [fault, day] of [
  ['flipped', 2],
  ['deleted', 3],
] as const)
  test(`a segment whose body is ${fault} is named with its minutes, and all other lines are given`, async ({
    portal,
    redis,
    signedIn,
  }) => {
    // A day of its own: what the portal has read before, it keeps for a while.
    const start = Date.UTC(2002, 5, day, 9)
    const lines = linesFrom(start)
    await feed(portal, lines)
    expect((await runIngest(portal.redis.url, ['maintain'])).exitCode).toBe(0)
    const collection = parseCollectionId(ID)
    if (!collection) throw new Error('no id')
    // What is joined may begin on the day before.
    const index = (await redis.zrange(segmentsKey(collection), '0', '-1')).map(parseDescriptor)
    const broken = index.find(({ lastMicros }) => lastMicros >= start * 1000)
    if (!broken) throw new Error('no segment')
    const others = lines.filter(
      (_, n) => (start + Math.floor(n / PER_SECOND) * 1000) * 1000 + (n % PER_SECOND) > broken.lastMicros,
    )
    expect(others.length).toBeGreaterThan(0)
    const key = segmentKey(collection, broken.name)
    const body = await redis.getBuffer(key)
    if (!body) throw new Error('no body')
    if (fault === 'deleted') await redis.del(key)
    else await redis.setrange(key, 80, Buffer.from([(body[80] ?? 0) ^ 1]))
    try {
      const hour = `from=2002-06-0${day}T09:00Z&to=2002-06-0${day}T10:00Z`
      const page = await signedIn('hr-owner')
      await page.goto(`/collections/${ID}?${hour}&tz=utc&after=oldest`)
      const minute = (micros: number) => `${new Date(micros / 1000).toISOString().slice(0, 16)}Z`
      const words = `${broken.lines.toLocaleString('en-US')} lines of`
      await expect(page.getByRole('alert').filter({ hasText: words })).toContainText('could not be read')
      await expect(page.locator('figcaption')).toContainText(
        `without ${broken.lines.toLocaleString('en-US')} lines that could not be read`,
      )
      await expect(page.locator('tbody tr').first()).toContainText(`/sealed-${COUNT - others.length}`)
      const range = ['--from', `2002-06-0${day}T09:00Z`, '--to', `2002-06-0${day}T10:00Z`]
      const printed = await runIngest(portal.redis.url, ['print', ID, ...range])
      expect(printed.exitCode).toBe(3)
      expect(printed.stdout).toBe(others.map((line) => `${line}\n`).join(''))
      expect(printed.stderr).toContain(
        `${broken.lines} lines from ${minute(broken.firstMicros)} to ${minute(broken.lastMicros)} could not be read.`,
      )
      const owner = await ownerOf(portal, signedIn)
      const answer = await openDownload({ ...owner, path: `/collections/${ID}/download?${hour}` })
      let bytes = 0
      const reading = (async () => {
        for await (const part of answer) bytes += part.length
      })()
      await expect(reading).rejects.toThrow('aborted')
      expect(bytes).toBe(printed.stdout.length)
      expect(portal.log()).toContain(key)
    } finally {
      await redis.set(key, body)
    }
  })
