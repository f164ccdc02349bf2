import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AxeBuilder } from '@axe-core/playwright'
import type { Redis } from 'ioredis'
import type { Page } from 'playwright/test'
import { PROJECT_ROOT } from '../lib/build.ts'
import { parseCollectionId } from '../lib/collection-id.ts'
import { segmentKey, segmentsKey } from '../lib/store/keys.ts'
import { applyRetention } from '../lib/store/retention.ts'
import { parseDescriptor } from '../lib/store/segment-descriptor.ts'
import { expect, feed, logLine, signIn, test } from './fixtures.ts'
import { runIngest } from './ingest.ts'
import type { RunningPortal } from './portal.ts'

/**
 * Every state of every page, light and dark, wide and narrow: axe finds nothing, nothing sticks out sideways, and a
 * picture of it is left in `test-results/screens` to be looked at.
 */

const SCREENS = join(PROJECT_ROOT, 'test-results/screens')
const NOON = Date.UTC(2026, 2, 8, 12)
const WINDOW = '?from=2026-03-08T12:00Z&to=2026-03-08T13:00Z&limit=12'
const SIZES = [
  { width: 1280, height: 800 },
  { width: 390, height: 844 },
]

interface State {
  readonly name: string
  readonly who: 'anonymous' | 'hr-owner' | 'web-owner' | 'masked-owner' | 'no-groups' | 'admin'
  readonly path: string
  /** Goes on from the page to the state. */
  readonly next?: (page: Page) => Promise<unknown>
  /** Brings the portal into the state, and gives the way back. */
  readonly around?: (portal: RunningPortal) => Promise<() => Promise<unknown>>
}

const openMenu = (name: RegExp) => async (page: Page) => page.locator('summary', { hasText: name }).click()
const follow = (selector: string) => async (page: Page) => {
  const href = await page.locator(selector).nth(6).getAttribute('href')
  await page.goto(href ?? '')
}

const explain = (claims: string) => async (page: Page) => {
  await page.getByLabel('Collection id').fill('1824')
  await page.getByLabel(/Claims as JSON/).fill(claims)
  await page.getByRole('button', { name: 'Explain' }).click()
  await page
    .getByText(/case differs|are not JSON/)
    .first()
    .waitFor()
}

const makeToken = (days: string) => async (page: Page) => {
  await page.getByLabel(/^Name/).fill('nightly')
  await page.getByLabel(/^Days/).evaluate((field, value) => {
    if (field instanceof HTMLInputElement) field.max = value
  }, days)
  await page.getByLabel(/^Days/).fill(days)
  await page.getByRole('button', { name: 'Make the token' }).click()
  await page.getByText(/shown this once|takes a whole number|take a whole number/).waitFor()
}

const askAsDevice = async (page: Page) => {
  const codes = await page.evaluate(async () => {
    const body = new URLSearchParams({ client_id: 'backup on web1', scope: '1824 5' })
    const answer = await fetch('/device/code', { method: 'POST', body })
    return (await answer.json()) as { verification_uri_complete: string }
  })
  await page.goto(codes.verification_uri_complete)
}

const accessFileWith =
  (rule: string): NonNullable<State['around']> =>
  async ({ accessFile }) => {
    const good = await readFile(accessFile, 'utf8')
    await writeFile(accessFile, good + rule)
    return () => writeFile(accessFile, good)
  }

const STATES: readonly State[] = [
  { name: 'signin', who: 'anonymous', path: '/signin' },
  { name: 'signin-denied', who: 'anonymous', path: '/signin?error=denied&ref=7f3a' },
  { name: 'signin-store-down', who: 'anonymous', path: '/signin?error=store_unavailable' },
  { name: 'not-found', who: 'hr-owner', path: '/collections/5' },
  { name: 'not-found-anonymous', who: 'anonymous', path: '/no/such/page' },
  { name: 'collections', who: 'web-owner', path: '/' },
  { name: 'collections-none-match', who: 'web-owner', path: '/?q=zebra' },
  { name: 'collections-refused', who: 'web-owner', path: '/?sort=size' },
  { name: 'no-collections', who: 'no-groups', path: '/' },
  { name: 'account-ended', who: 'web-owner', path: '/account?ended=2' },
  { name: 'account-no-groups', who: 'no-groups', path: '/account' },
  { name: 'account-refused', who: 'no-groups', path: '/account?ended=x' },
  { name: 'lines', who: 'hr-owner', path: `/collections/1824${WINDOW}` },
  { name: 'lines-masked', who: 'masked-owner', path: `/collections/1824${WINDOW}` },
  { name: 'lines-first-page', who: 'hr-owner', path: `/collections/1824${WINDOW}&after=oldest` },
  {
    name: 'lines-raw',
    who: 'hr-owner',
    path: `/collections/1824${WINDOW}&after=oldest`,
    next: async (page) => {
      for (const place of [0, 3, 4, 5]) await page.locator('tbody summary').nth(place).click()
    },
  },
  {
    name: 'lines-newest-first-other-zone',
    who: 'hr-owner',
    path: '/collections/1824?from=2026-03-07&to=2026-03-09&limit=30&order=desc&tz=America/New_York',
  },
  { name: 'lines-one', who: 'hr-owner', path: `/collections/1824${WINDOW}`, next: follow('.t a') },
  { name: 'lines-around-one', who: 'hr-owner', path: `/collections/1824${WINDOW}`, next: follow('.around') },
  {
    name: 'lines-one-gone',
    who: 'hr-owner',
    path: `/collections/1824${WINDOW}&at=hogc69jy80.0.4a3dfe66f7c73341`,
  },
  {
    name: 'lines-no-further',
    who: 'hr-owner',
    path: `/collections/1824${WINDOW}&after=zzzzzzzzzz.0.0000000000000000`,
  },
  { name: 'lines-none-here', who: 'hr-owner', path: '/collections/1824?from=2020-01-01&to=2020-01-02' },
  {
    name: 'lines-none-ever',
    who: 'web-owner',
    path: '/collections/5001',
    around: accessFileWith('  - { group: /it/web, collections: [5001] }\n'),
  },
  {
    name: 'lines-removed-and-unreadable',
    who: 'web-owner',
    path: '/collections/762?from=2003-03-03T12:00Z&to=2003-03-05&limit=12&after=oldest',
  },
  {
    name: 'lines-none-but-removed',
    who: 'web-owner',
    path: '/collections/762?from=2003-03-03T10:00Z&to=2003-03-03T11:00Z',
  },
  { name: 'lines-refused', who: 'hr-owner', path: '/collections/1824?from=soon&tz=utc&limit=0' },
  { name: 'menu-time', who: 'hr-owner', path: `/collections/1824${WINDOW}`, next: openMenu(/Chosen times/) },
  { name: 'menu-zone', who: 'hr-owner', path: `/collections/1824${WINDOW}`, next: openMenu(/Times in/) },
  { name: 'menu-download', who: 'hr-owner', path: `/collections/1824${WINDOW}`, next: openMenu(/Download/) },
  { name: 'menu-theme', who: 'hr-owner', path: `/collections/1824${WINDOW}`, next: openMenu(/Theme/) },
  { name: 'account', who: 'hr-owner', path: '/account' },
  { name: 'account-token-made', who: 'hr-owner', path: '/account', next: makeToken('30') },
  { name: 'account-token-problem', who: 'hr-owner', path: '/account', next: makeToken('91') },
  { name: 'device', who: 'hr-owner', path: '/device' },
  { name: 'device-none', who: 'hr-owner', path: '/device?user_code=BBBB' },
  { name: 'device-asks', who: 'hr-owner', path: '/device', next: askAsDevice },
  { name: 'device-said-yes', who: 'hr-owner', path: '/device?outcome=approved' },
  { name: 'admin', who: 'admin', path: '/admin' },
  { name: 'admin-none-match', who: 'admin', path: '/admin?q=zebra' },
  { name: 'admin-refused', who: 'admin', path: '/admin?sort=size' },
  {
    name: 'admin-access-file-broken',
    who: 'admin',
    path: '/admin',
    around: accessFileWith('  - { group: /x, collections: [007] }\n'),
  },
  {
    name: 'admin-removals',
    who: 'admin',
    path: '/admin',
    next: openMenu(/Lines removed/),
  },
  { name: 'admin-access', who: 'admin', path: '/admin/access' },
  {
    name: 'admin-access-open-rules',
    who: 'admin',
    path: '/admin/access',
    around: accessFileWith('  - { claim: ids }\n'),
  },
  {
    name: 'admin-access-explained',
    who: 'admin',
    path: '/admin/access',
    next: explain('{"groups": ["/HR/owners"]}'),
  },
  {
    name: 'admin-access-end-sessions',
    who: 'admin',
    path: '/admin/access?ended=0',
    next: async (page) => page.locator('summary', { hasText: 'End all' }).first().click(),
  },
  { name: 'admin-access-problem', who: 'admin', path: '/admin/access', next: explain('{') },
  { name: 'readers', who: 'hr-owner', path: '/collections/1824/readers' },
  {
    name: 'readers-none',
    who: 'web-owner',
    path: '/collections/5002/readers',
    around: accessFileWith('  - { group: /it/web, collections: [5002] }\n'),
  },
  { name: 'admin-audit', who: 'admin', path: '/admin/audit' },
  { name: 'admin-audit-none-match', who: 'admin', path: '/admin/audit?person=zebra' },
  { name: 'admin-audit-refused', who: 'admin', path: '/admin/audit?action=rename' },
  {
    name: 'store-down',
    who: 'hr-owner',
    path: '/collections/1824',
    around: async ({ redis }) => {
      redis.process.kill('SIGSTOP')
      return async () => redis.process.kill('SIGCONT')
    },
  },
]

test.beforeAll(async ({ portal, redis }) => {
  const lines = Array.from({ length: 100 }, (_, n) =>
    logLine('1824', `page/${n}?of=a-hundred`, new Date(NOON + n * 30_000)),
  )
  lines[3] = `${lines[3]?.replace('200 512', '404 512').replace('page', '<script>alert(1)</script>\u202e\u0007')}`
  lines[4] = `${lines[4]?.replace('200 512', '503 512').replace('page', 'long-'.repeat(1200))}`
  lines[5] = `${lines[5]?.replace('200 512', '301 -').replace('192.0.2.7', '2001:db8:4f1a:2c3d:5e6f:7a8b:9cad:e8f6')}`
  await feed(portal, lines)
  await feed(portal, [logLine('762', 'x')], 'web2')
  await removeAndLose(portal, redis)
})

/** Lines of 762 on two days: those of the first are removed, and of the second a segment is lost. */
async function removeAndLose(portal: RunningPortal, redis: Redis): Promise<void> {
  const collection = parseCollectionId('762')
  if (!collection) throw new Error('no id')
  const nine = Date.UTC(2003, 2, 4, 9)
  const kept = Array.from({ length: 20_000 }, (_, n) =>
    logLine(collection, `kept/${n}`, new Date(nine + Math.floor(n / 8) * 1000)),
  )
  await feed(portal, [logLine(collection, 'removed', new Date(nine - 23 * 3_600_000)), ...kept], 'web3')
  const { lines } = await applyRetention({
    redis,
    collection,
    nowSeconds: nine / 1000 + 30 * 86_400,
    retentionDays: 30,
    archiveDir: null,
    grainSeconds: 0,
  })
  expect(lines).toBe(1)
  expect((await runIngest(portal.redis.url, ['maintain'])).exitCode).toBe(0)
  const [first] = await redis.zrange(segmentsKey(collection), '0', '0')
  await redis.del(segmentKey(collection, parseDescriptor(first ?? '').name))
}

const PEOPLE = [...new Set(STATES.map(({ who }) => who))]

for (const who of PEOPLE)
  test(`axe finds nothing on any page in any state, light and dark: ${who}`, async ({ browser, portal }) => {
    test.setTimeout(480_000)
    const context = await browser.newContext({ baseURL: portal.origin })
    const page = await context.newPage()
    if (who !== 'anonymous') {
      await page.goto('/signin')
      await signIn(page, who)
    }
    for (const { name, path, next, around } of STATES.filter((state) => state.who === who)) {
      const back = await around?.(portal)
      try {
        for (const size of SIZES) {
          await page.setViewportSize(size)
          await page.emulateMedia({ colorScheme: 'light' })
          await page.goto(path)
          await next?.(page)
          // The portal has no frames, and a page of the browser for each look would cost seconds.
          const axe = new AxeBuilder({ page }).setLegacyMode()
          await look(page, `${name}-light-${size.width}`, axe)
          await page.emulateMedia({ colorScheme: 'dark' })
          // What does not hang on colours was looked at a moment ago.
          await look(page, `${name}-dark-${size.width}`, axe.withRules(['color-contrast']))
        }
      } finally {
        await back?.()
      }
    }
    await context.close()
  })

async function look(page: Page, name: string, axe: AxeBuilder): Promise<void> {
  await page.screenshot({ path: join(SCREENS, `${name}.png`) })
  const { violations } = await axe.analyze()
  const found = violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target}`))
  expect.soft(found, name).toEqual([])
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
  expect.soft(wide, `${name}: the page scrolls sideways`).toBeLessThanOrEqual(0)
}

test('light and dark are chosen without JavaScript, and the page arrives in its colours', async ({
  browser,
  portal,
}) => {
  const context = await browser.newContext({
    baseURL: portal.origin,
    colorScheme: 'light',
    javaScriptEnabled: false,
  })
  const page = await context.newPage()
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
  const choose = async (name: string) => {
    await page.locator('summary', { hasText: 'Theme' }).click()
    await page.getByRole('button', { name }).click()
  }
  await page.goto('/signin?next=/admin')
  expect(await background()).toBe('rgb(255, 255, 255)')
  await choose('Dark')
  await expect(page).toHaveURL(/\/signin\?next=\/admin$/)
  expect(await background()).toBe('rgb(15, 19, 24)')
  await signIn(page, 'hr-owner')
  await page.goto('/collections/1824?from=1h')
  expect(await background()).toBe('rgb(15, 19, 24)')
  await choose('As the system')
  await expect(page).toHaveURL(/\/collections\/1824\?from=1h$/)
  expect(await background()).toBe('rgb(255, 255, 255)')
  await context.close()
})

test('everything on the explorer is reached and used by keyboard alone', async ({ signedIn }) => {
  const page = await signedIn('hr-owner')
  await page.goto(`/collections/1824${WINDOW.replace('limit=12', 'limit=3')}`)
  // The bars lead to windows that the time menu takes in words; sixty of them would stand in the way of the lines.
  const reachable = 'a[href]:not(.histogram a), button, summary, input, [tabindex="0"]'
  const wanted = await page
    .locator(reachable)
    .evaluateAll((all) => all.filter((one) => one.checkVisibility()).length)
  const seen = new Set<string>()
  for (let n = 0; n < wanted + 2; n++) {
    await page.keyboard.press('Tab')
    const focused = await page.evaluate((selector) => {
      const one = document.activeElement
      if (!one || one === document.body) return null
      const { outlineStyle } = getComputedStyle(one)
      return { place: [...document.querySelectorAll(selector)].indexOf(one), outlineStyle }
    }, reachable)
    if (!focused) continue
    expect(focused.outlineStyle, `a visible focus on ${focused.place}`).not.toBe('none')
    seen.add(String(focused.place))
  }
  expect(seen.size).toBe(wanted)
  await page.locator('tbody summary').first().focus()
  await page.keyboard.press('Enter')
  await expect(page.locator('code').first()).toBeVisible()
  await page.locator('summary', { hasText: 'Chosen times' }).focus()
  await page.keyboard.press('Space')
  await page.keyboard.press('Escape')
  await expect(page.getByLabel('In words')).toBeHidden()
  await expect(page.locator('summary', { hasText: 'Chosen times' })).toBeFocused()
  await page.keyboard.press('Space')
  await page.getByRole('heading', { level: 1 }).click()
  await expect(page.getByLabel('In words')).toBeHidden()
  await page.locator('summary', { hasText: 'Chosen times' }).click()
  await page.getByLabel('In words').fill('2026-03-08')
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/from=2026-03-08/)
})
