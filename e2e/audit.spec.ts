import { readFile, writeFile } from 'node:fs/promises'
import type { Page } from 'playwright/test'
import { type AuditedPortal, type Entry, startAuditedPortal } from './audited-portal.ts'
import { cookieHeader, expect, feed, logLine, signIn, test } from './fixtures.ts'
import { openDownload } from './raw-download.ts'

/** What is written down of who did what, and who may see it. */

const NOON = Date.UTC(2026, 5, 1, 12)
const WINDOW = 'from=2026-06-01T12:00Z&to=2026-06-01T13:00Z'
const LINES = 450
const HUGE_WINDOW = 'from=2026-06-02T12:00Z&to=2026-06-02T13:00Z'
const HUGE_LINES = 25_000
const CANARY = 'canary-in-a-line'
const SECRET = 'canary-of-the-portal-itself-0123456789'
const HR = 'HR owner'

let audited: AuditedPortal
let [owner, masked, web, admin] = [] as unknown as [Page, Page, Page, Page]

test.beforeAll(async ({ browser }) => {
  test.setTimeout(240_000)
  audited = await startAuditedPortal(browser, { NEXTAUTH_SECRET: SECRET })
  const { portal } = audited
  const lines = (count: number, start: number, text: string) =>
    Array.from({ length: count }, (_, n) =>
      logLine('1824', `${text}-${n}`, new Date(start + (n % 3000) * 1000)),
    )
  await feed(portal, lines(LINES, NOON, CANARY))
  await feed(portal, lines(HUGE_LINES, NOON + 86_400_000, 'x'.repeat(500)), 'web2')
  await feed(portal, [logLine('762', CANARY, new Date(NOON))])
  owner = await audited.signedIn('hr-owner')
  masked = await audited.signedIn('masked-owner')
  web = await audited.signedIn('web-owner')
  admin = await audited.signedIn('admin')
})

test.afterAll(async () => {
  await audited?.stop()
})

const told = (entries: readonly Entry[], ...names: string[]) =>
  entries.map((entry) => names.map((name) => entry[name] ?? '').join(' '))

test('each page of lines in the browser is one entry, with its window, its lines and the rule', async () => {
  const entries = await audited.caused(async () => {
    await owner.goto(`/collections/1824?${WINDOW}`)
    await owner.getByRole('link', { name: 'Older', exact: true }).first().click()
    await expect(owner).toHaveURL(/before=/)
    await owner.getByRole('link', { name: 'Oldest', exact: true }).first().click()
    await expect(owner).toHaveURL(/after=oldest/)
    await owner.reload()
    await owner.goto(`/collections/1824?${WINDOW}&limit=50`)
  })
  expect(told(entries, 'action', 'name', 'collection', 'lines')).toEqual(
    [200, 200, 200, 200, 50].map((lines) => `view ${HR} 1824 ${lines}`),
  )
  const [first] = entries
  expect(first?.person).toBe(`${audited.portal.provider.issuer}|hr-owner`)
  expect([first?.from, first?.to]).toEqual([`${NOON * 1000}`, `${(NOON + 3_600_000) * 1000}`])
  expect(first?.rule).toMatch(/^the group \/hr\/owners, line \d+ of the access file$/)
  expect(first?.address).toBe('127.0.0.1')
  expect((await audited.entries('1824')).slice(-5)).toEqual(entries)
  expect(audited.printed().at(-1)).toMatchObject({
    audit: 'view',
    name: HR,
    collection: '1824',
    from: '2026-06-01T12:00:00.000Z',
    to: '2026-06-01T13:00:00.000Z',
    lines: 50,
  })
})

test('nobody gets lines without an entry, whatever the request says it is; HEAD, a way elsewhere and a refused address are no view', async () => {
  const path = `/collections/1824?${WINDOW}`
  const kinds: Record<string, string>[] = [
    {},
    { rsc: '1' },
    { rsc: '1', 'next-router-prefetch': '1' },
    { rsc: '1', 'next-router-prefetch': '1', 'next-router-segment-prefetch': '/_tree' },
    { 'next-router-prefetch': '1' },
    { purpose: 'prefetch', 'sec-purpose': 'prefetch' },
  ]
  for (const headers of kinds) {
    let hasLines = false
    const entries = await audited.caused(async () => {
      const answer = await audited.ask(owner, path, { headers, redirect: 'follow' })
      hasLines = (await answer.text()).includes(CANARY)
    })
    const what = JSON.stringify(headers)
    const isPrefetch = headers.rsc === '1' && headers['next-router-prefetch'] === '1'
    // The data of a page holds how many lines there are, and is a view too, though its rows are in the HTML alone.
    expect(entries.length, what).toBe(isPrefetch ? 0 : 1)
    expect(hasLines, what).toBe(headers.rsc === undefined)
  }
  const none = await audited.caused(async () => {
    expect((await audited.ask(owner, path, { method: 'HEAD' })).status).toBe(200)
    expect((await audited.ask(owner, '/')).status).toBe(307)
    expect((await audited.ask(owner, '/collections/1824?from=soon')).status).toBe(400)
  })
  expect(none).toEqual([])
})

test('a download is one entry when it ends, with the lines and bytes of the file; HEAD is none', async () => {
  for (const [query, form] of [
    ['', 'log'],
    ['&gzip=1', 'log.gz'],
    ['&format=csv', 'csv'],
    ['&format=ndjson&gzip=1', 'ndjson.gz'],
  ] as const) {
    let bytes = 0
    const entries = await audited.caused(async () => {
      const answer = await audited.ask(owner, `/collections/1824/download?${WINDOW}${query}`)
      bytes = (await answer.arrayBuffer()).byteLength
    })
    expect(told(entries, 'action', 'name', 'filter', 'lines', 'bytes', 'detail')).toEqual([
      `download ${HR} ${form} ${LINES} ${bytes} `,
    ])
    expect(entries[0]?.from).toBe(`${NOON * 1000}`)
  }
  const path = `/collections/1824/download?${WINDOW}`
  expect(await audited.caused(() => audited.ask(owner, path, { method: 'HEAD' }))).toEqual([])
  const [one] = await audited.caused(async () => (await audited.ask(masked, path)).text())
  expect([one?.name, one?.detail]).toEqual(['Masked owner', 'addresses masked'])
})

test('a download that its reader breaks off is an entry that says so', async () => {
  const { origin } = audited.portal
  const path = `/collections/1824/download?${HUGE_WINDOW}`
  const entries = await audited.caused(async () => {
    const answer = await openDownload({ origin, cookie: await cookieHeader(owner), path })
    answer.destroy()
    await expect.poll(() => audited.printed().at(-1)?.detail).toBe('broken off')
  })
  expect(told(entries, 'action', 'collection', 'detail')).toEqual(['download 1824 broken off'])
  const lines = Number(entries[0]?.lines)
  expect(lines).toBeLessThan(HUGE_LINES)
  expect(Number(entries[0]?.bytes) > 0).toBe(lines > 0)
})

test('attempt 58: what is refused is written down as what is allowed is, under no key of the collection asked for', async () => {
  const keys = await audited.redis.keys('audit*')
  const entries = await audited.caused(async () => {
    for (const path of [
      '/collections/1824',
      '/collections/1824/download',
      '/collections/1824/readers',
      '/collections/424242',
      '/collections/canary%0D%0Ax',
      '/admin?q=canary',
      '/admin/audit',
    ])
      expect((await audited.ask(web, path)).status, path).toBe(404)
    expect((await audited.ask(web, '/collections/762')).status).toBe(200)
  })
  expect(told(entries, 'action', 'name', 'collection', 'detail')).toEqual([
    'denied Web owner 1824 ',
    'denied Web owner 1824 ',
    'denied Web owner 1824 ',
    'denied Web owner 424242 ',
    'denied Web owner  what was asked for is no id',
    'denied Web owner  /admin',
    'denied Web owner  /admin/audit',
    'view Web owner 762 ',
  ])
  expect(await audited.redis.keys('audit*')).toEqual(expect.arrayContaining(keys))
  expect(await audited.redis.exists('audit:collid:424242')).toBe(0)
  expect(told(await audited.entries('1824'), 'action')).not.toContain('denied')
  const anonymous = await audited.caused(() => fetch(`${audited.portal.origin}/collections/1824`))
  expect(anonymous).toEqual([])
})

test('signing in and out, a sign-in that is refused, and an end at the provider are entries', async ({
  browser,
}) => {
  const { portal } = audited
  const context = await browser.newContext({ baseURL: portal.origin })
  const page = await context.newPage()
  const entries = await audited.caused(async () => {
    await page.goto('/signin')
    await signIn(page, 'no-groups')
    await page.goto('/')
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.waitForURL(/session\/end/)
    await page.getByRole('button').first().click()
    await page.waitForURL(`${portal.origin}/signin`)
  })
  expect(told(entries, 'action', 'name')).toEqual(['sign-in No groups', 'sign-out No groups'])
  const refused = await audited.caused(async () => {
    await page.goto('/signin')
    await page.getByRole('button', { name: /sign in/i }).click()
    await page.locator('[name=cancel]').click()
    await expect(page.getByRole('alert').first()).toContainText('did not let you in')
    await fetch(`${portal.origin}/api/auth/callback/oidc?code=canary&state=canary`)
  })
  expect(told(refused, 'action', 'person', 'address', 'detail')).toEqual([
    'sign-in  127.0.0.1 refused: denied',
    'sign-in  127.0.0.1 refused: OAuthCallback',
  ])
  const ended = await audited.caused(async () => {
    await page.goto('/signin')
    await page.getByRole('button', { name: /sign in/i }).click()
    await page.locator('[name=login]').fill('no-groups')
    await page.locator('[name=password]').fill('no-groups')
    await page.getByRole('button').first().click()
    await page.waitForURL(`${portal.origin}/`)
    await page.goto(`${portal.provider.issuer}/session/end`)
    await page.getByRole('button').first().click()
    await page.waitForLoadState()
  })
  expect(told(ended, 'action', 'person')).toEqual([
    `sign-in ${portal.provider.issuer}|no-groups`,
    `session end ${portal.provider.issuer}|no-groups`,
  ])
  await context.close()
})

test('a change of the access file is an entry when it is seen, and so is a mistake in it', async () => {
  const { accessFile } = audited.portal
  const good = await readFile(accessFile, 'utf8')
  const entries = await audited.caused(async () => {
    for (const text of [`${good}\n`, `${good}  - { group: /canary, collections: [007] }\n`, good]) {
      await writeFile(accessFile, text)
      await fetch(`${audited.portal.origin}/healthz`)
      expect((await audited.ask(web, '/')).status).toBe(200)
    }
  })
  expect(told(entries, 'action', 'detail')).toEqual([
    'policy reload a new version of the access file is in force',
    'policy reload the access file is broken, the last good one stays in force',
    'policy reload a new version of the access file is in force',
  ])
})

test('attempt 49: line breaks in a query, a header, an error or a name make no line of the audit, and none is lost', async () => {
  const { portal } = audited
  const forged = '\r\n{"audit":"view","name":"forged"}'
  const sent = encodeURIComponent(forged)
  portal.provider.accounts.set('crlf', { name: `Somebody${forged}`, groups: ['/hr/owners'] })
  let eve: Page | null = null
  const entries = await audited.caused(async () => {
    eve = await audited.signedIn('crlf')
    const headers = { 'user-agent': `a\u0085${sent}`, 'x-forwarded-for': sent, referer: sent }
    for (const path of [
      `/collections/1824?from=${sent}`,
      `/collections/1824?${WINDOW}&q=${sent}`,
      `/collections/1824?${WINDOW}`,
      `/collections/1824${sent}`,
      `/collections/1824/download?${WINDOW}&format=${sent}`,
      `/api/auth/callback/oidc?error=${sent}&error_description=${sent}`,
      `/api/auth/callback/oidc?code=${sent}&state=${sent}`,
    ])
      await (await audited.ask(eve, path, { headers })).text()
  })
  expect(told(entries, 'action', 'name')).toEqual([
    `sign-in Somebody${forged}`,
    // Where the sign-in led to.
    `view Somebody${forged}`,
    `view Somebody${forged}`,
    `denied Somebody${forged}`,
    'sign-in ',
    'sign-in ',
  ])
  const lines = portal.log().split('\n')
  expect(
    lines.filter((line) => line.includes('forged')).every((line) => line.includes('Somebody\\r\\n')),
  ).toBe(true)
  expect(audited.printed().filter(({ name }) => name === 'forged')).toEqual([])
  await admin.goto('/admin/audit?person=forged')
  await expect(admin.getByRole('row')).toHaveCount(5)
  await expect(admin.getByRole('row').nth(1)).toContainText('Somebody\\x0d\\x0a{"audit"')
})

test('attempt 50: no token, code, state, cookie or secret is on standard output, in the log or in the audit', async ({
  browser,
}) => {
  const { portal, redis } = audited
  const context = await browser.newContext({ baseURL: portal.origin })
  const page = await context.newPage()
  const secrets = new Set([SECRET])
  page.on('request', (request) => {
    const { pathname, searchParams } = new URL(request.url())
    if (pathname.startsWith('/api/auth/callback'))
      for (const name of ['code', 'state']) secrets.add(searchParams.get(name) ?? '')
  })
  await page.goto('/signin')
  await signIn(page, 'hr-owner')
  await page.goto(`/collections/1824?${WINDOW}`)
  for (const { value } of await context.cookies()) secrets.add(value)
  for (const key of await redis.keys('session:*')) {
    secrets.add(key.slice('session:'.length))
    const session: Record<string, unknown> = JSON.parse((await redis.get(key)) ?? '{}')
    for (const name of ['idToken', 'accessToken', 'refreshToken', 'providerSid'])
      secrets.add(String(session[name]))
  }
  const sent = await page
    .context()
    .request.get(`/api/auth/callback/oidc?code=${CANARY}-code&state=${CANARY}-state`)
  expect(sent.status()).toBeLessThan(500)
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.waitForURL(/session\/end/)
  await context.close()
  const looked = [...secrets].filter((secret) => secret.length >= 16)
  expect(looked.length).toBeGreaterThan(8)
  const written = [portal.log(), JSON.stringify(await audited.entries())]
  for (const key of await redis.keys('audit:*'))
    written.push(JSON.stringify(await redis.xrange(key, '-', '+')))
  expect(written.join()).toContain('hr-owner')
  for (const secret of [...looked, CANARY])
    for (const text of written) expect(text.includes(secret), `${secret.slice(0, 6)}…`).toBe(false)
})

test('an admin sees all entries, with keys and addresses, finds them, and sees no raw line', async () => {
  await audited.ask(web, '/collections/762')
  await admin.goto('/admin')
  await admin.getByRole('link', { name: 'Who read what, and when' }).click()
  await expect(admin.getByRole('heading', { level: 1 })).toHaveText('Audit')
  const issuer = audited.portal.provider.issuer
  for (const text of [HR, `${issuer}|hr-owner`, '127.0.0.1', 'denied', 'the group /hr/owners'])
    await expect(admin.getByRole('table')).toContainText(text)
  expect(await admin.content()).not.toContain(CANARY)
  await admin.getByLabel('Collection id').fill('762')
  await admin.getByLabel('Action').selectOption('view')
  await admin.getByLabel('Person').fill('WEB')
  await admin.getByRole('button', { name: 'Show' }).click()
  await expect(admin).toHaveURL(/collection=762&person=WEB&action=view/)
  for (const row of (await admin.getByRole('row').all()).slice(1))
    await expect(row).toContainText(/Web owner.*view.*762/)
  const [own] = await audited.caused(() => audited.ask(admin, '/admin/audit?action=token'))
  expect([own?.action, own?.name, own?.detail]).toEqual(['view', 'Admin', '/admin/audit'])
  for (const path of ['/admin/audit?collection=x', '/admin/audit?action=rename', '/admin/audit?before=x'])
    expect((await audited.ask(admin, path)).status, path).toBe(400)
  expect((await audited.ask(admin, '/collections/1824/readers')).status).toBe(404)
})

test('an owner sees who read their collection and no other, without keys, rules and addresses, masked or not', async () => {
  await (await audited.ask(web, '/collections/762')).text()
  await audited.caused(async () => {
    await audited.ask(masked, `/collections/1824?${WINDOW}`)
    await (await audited.ask(owner, `/collections/1824/download?${WINDOW}&format=csv`)).text()
  })
  for (const page of [owner, masked]) {
    await page.goto(`/collections/1824?${WINDOW}`)
    await page.getByRole('link', { name: 'Who read this' }).click()
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('Who read this')
    const table = page.getByRole('table')
    for (const text of [HR, 'Masked owner', 'download, csv', '1 Jun 2026, 12:00–13:00', '450'])
      await expect(table).toContainText(text)
    const html = await page.content()
    for (const text of [
      'Web owner',
      '127.0.0.1',
      audited.portal.provider.issuer,
      '/hr/owners',
      'denied',
      CANARY,
    ])
      expect(html.includes(text), text).toBe(false)
  }
})

test('entries follow each other from page to page, and there is nothing to change them with', async () => {
  for (let n = 0; n < 120; n++) await (await audited.ask(web, `/collections/3242?limit=${n + 1}`)).text()
  await expect.poll(async () => (await audited.entries('3242')).length).toBe(120)
  await web.goto('/collections/3242/readers')
  await expect(web.getByRole('row')).toHaveCount(101)
  await web.getByRole('link', { name: 'Older' }).click()
  await expect(web.getByRole('row')).toHaveCount(21)
  await expect(web.getByRole('link', { name: 'Older' })).toHaveCount(0)
  await web.getByRole('link', { name: 'Newest' }).click()
  await expect(web.getByRole('row')).toHaveCount(101)
  for (const [page, path] of [
    [web, '/collections/3242/readers'],
    [admin, '/admin/audit'],
  ] as const) {
    await page.goto(path)
    await expect(page.locator('main form[method=post]')).toHaveCount(0)
  }
})
