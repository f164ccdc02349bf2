import { readFile, writeFile } from 'node:fs/promises'
import { parseCollectionId } from '../lib/collection-id.ts'
import { applyRetention, removeBelow } from '../lib/store/retention.ts'
import { expect, feed, logLine, test } from './fixtures.ts'

/** What retention removed, as owners and admins are told. All of it is long before the lines of other specs. */

const NOON = Date.UTC(2001, 0, 15, 12)
const DAY_MS = 86_400_000
/** Nobody else feeds it: what its newest line is, and how many it has, depends on no other spec. */
const ID = '5002'
let accessFile = ''

test.beforeAll(async ({ portal, redis }) => {
  accessFile = await readFile(portal.accessFile, 'utf8')
  await writeFile(portal.accessFile, `${accessFile}  - { group: /it/web, collections: [${ID}] }\n`)
  const at = [-2 * DAY_MS, -DAY_MS, -1000, 0, 60_000]
  await feed(
    portal,
    at.map((ms, n) => logLine(ID, `kept-or-not-${n}`, new Date(NOON + ms))),
  )
  const collection = parseCollectionId(ID)
  if (!collection) throw new Error('no id')
  const { lines } = await applyRetention({
    redis,
    collection,
    nowSeconds: (NOON + 30 * DAY_MS) / 1000,
    retentionDays: 30,
    archiveDir: null,
    grainSeconds: 0,
  })
  expect(lines).toBe(3)
})

test.afterAll(({ portal }) => writeFile(portal.accessFile, accessFile))

const NOTICE = 'Lines before 15 Jan 2001, 12:00:00 were removed (retention of 30 days).'

test('owners are told what was removed wherever a window reaches below it, empty or not', async ({
  signedIn,
}) => {
  const page = await signedIn('web-owner')
  const open = (from: string, to: string) => page.goto(`/collections/${ID}?from=${from}&to=${to}&tz=utc`)
  await open('2001-01-15T11:00Z', '2001-01-15T13:00Z')
  await expect(page.getByText(NOTICE)).toBeVisible()
  await expect(page.getByText('2 lines', { exact: false }).first()).toBeVisible()
  await expect(page.locator('tbody')).not.toContainText('/kept-or-not-2')
  await open('2001-01-13T00:00Z', '2001-01-14T00:00Z')
  await expect(page.getByText(NOTICE)).toBeVisible()
  await expect(page.getByRole('heading', { name: 'No lines here' })).toBeVisible()
  await expect(page.getByText('The store holds no line that is stamped within 13 Jan 2001')).toBeVisible()
  await open('2001-01-15T12:00Z', '2001-01-15T13:00Z')
  await expect(page.getByText('2 lines', { exact: false }).first()).toBeVisible()
  await expect(page.getByText('were removed')).toHaveCount(0)
})

test('the lines around one say where they end because the ones before were removed', async ({ signedIn }) => {
  const page = await signedIn('web-owner')
  await page.goto(`/collections/${ID}?from=2001-01-15T12:00Z&to=2001-01-15T13:00Z&tz=utc`)
  await page.locator('tbody summary').first().click()
  await page
    .getByRole('link', { name: /lines around/ })
    .first()
    .click()
  await expect(page.getByText('All that is kept · 2 lines')).toBeVisible()
  await expect(page.getByText(NOTICE)).toBeVisible()
  const rows = page.locator('tbody')
  for (const kept of [3, 4]) await expect(rows).toContainText(`/kept-or-not-${kept}`)
  for (const removed of [0, 1, 2]) await expect(rows).not.toContainText(`/kept-or-not-${removed}`)
})

test('admins see the newest removal of each collection with its count', async ({ signedIn }) => {
  const page = await signedIn('admin')
  await page.goto('/admin')
  await page.getByText('Lines removed by retention, last on').click()
  const row = page.getByRole('row', { name: /5002.*retention of 30 days/ })
  await expect(row).toContainText('3')
})

test('an owner of something else is told nothing', async ({ signedIn }) => {
  const page = await signedIn('hr-owner')
  expect((await page.goto(`/collections/${ID}?from=2001-01-01&to=2001-02-01`))?.status()).toBe(404)
  await page.goto('/collections/1824?from=2001-01-01&to=2001-02-01')
  await expect(page.getByRole('heading', { name: 'No lines here' })).toBeVisible()
  await expect(page.getByText('were removed')).toHaveCount(0)
})

test('each reason for which lines of the window went is given, and a newest line that went is not linked', async ({
  redis,
  signedIn,
}) => {
  const collection = parseCollectionId(ID)
  if (!collection) throw new Error('no id')
  const cutSecond = NOON / 1000 + 30
  const nowSeconds = NOON / 1000 + 86_400
  const how = { reason: 'budget', days: null, nowSeconds, archiveDir: null } as const
  expect((await removeBelow({ redis, collection, cutSecond, ...how })).lines).toBe(1)
  const page = await signedIn('web-owner')
  const open = (from: string, to: string) => page.goto(`/collections/${ID}?from=${from}&to=${to}&tz=utc`)
  await open('2001-01-15T11:00Z', '2001-01-15T13:00Z')
  await expect(
    page.getByText('were removed (the store’s memory budget; retention of 30 days).'),
  ).toBeVisible()
  await open('2001-01-15T12:00Z', '2001-01-15T13:00Z')
  await expect(page.getByText('were removed (the store’s memory budget).')).toBeVisible()
  expect((await removeBelow({ redis, collection, ...how, cutSecond: cutSecond + 60 })).lines).toBe(1)
  await open('2001-01-15T12:00Z', '2001-01-15T13:00Z')
  await expect(
    page.getByText('The newest line was of 15 Jan 2001, 12:01:00; none is kept any more.'),
  ).toBeVisible()
})
