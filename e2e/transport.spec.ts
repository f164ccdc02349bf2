import { createServer, type Server } from 'node:http'
import type { APIRequestContext, BrowserContext, Page } from 'playwright/test'
import { test as base, expect, feed, logLine, signIn } from './fixtures.ts'
import { type RunningPortal, startPortal } from './portal.ts'
import { startTlsProxy, type TlsProxy } from './tls-proxy.ts'

/** The portal as it stands in production, behind TLS, at a provider where nobody can sign out. */

interface Secured {
  readonly portal: RunningPortal
  readonly proxy: TlsProxy
}

const SECRET = 'canary-behind-tls'
const COLLECTION = '/collections/1824'
const COOKIE_BYTES = 4096

const test = base.extend<
  { visitor: () => Promise<BrowserContext>; tlsPage: Page; anonymous: APIRequestContext },
  { secured: Secured }
>({
  secured: [
    // biome-ignore lint/correctness/noEmptyPattern: the shape that Playwright asks for
    async ({}, use) => {
      const proxy = await startTlsProxy()
      const portal = await startPortal({
        provider: {
          redirectUris: [`${proxy.origin}/api/auth/callback/oidc`],
          postLogoutRedirectUris: [`${proxy.origin}/signin`],
          endSession: false,
        },
        env: { NEXTAUTH_URL: proxy.origin },
      })
      proxy.passTo(portal.origin)
      await feed(portal, [logLine('1824', SECRET)])
      await use({ portal, proxy })
      await portal.stop()
      await proxy.stop()
    },
    { scope: 'worker', timeout: 90_000 },
  ],
  visitor: async ({ browser, secured }, use) => {
    const contexts: BrowserContext[] = []
    await use(async () => {
      const context = await browser.newContext({ baseURL: secured.proxy.origin, ignoreHTTPSErrors: true })
      contexts.push(context)
      return context
    })
    for (const context of contexts) await context.close()
  },
  tlsPage: async ({ visitor }, use) => {
    const page = await (await visitor()).newPage()
    await page.goto('/signin')
    await signIn(page, 'hr-owner')
    await use(page)
  },
  anonymous: async ({ playwright, secured }, use) => {
    const context = await playwright.request.newContext({
      baseURL: secured.proxy.origin,
      ignoreHTTPSErrors: true,
      maxRedirects: 0,
    })
    await use(context)
    await context.dispose()
  },
})

test('attempt 28: cookies are for this host alone, over TLS alone, out of scripts’ reach, and small', async ({
  tlsPage: page,
}) => {
  await expect(page.getByRole('table')).toContainText(SECRET)
  const own = (await page.context().cookies()).filter(({ name }) => name.includes('log-portal'))
  expect(own.map(({ name }) => name)).toContain('__Host-log-portal.session')
  for (const cookie of own) {
    expect(cookie.name).toMatch(/^__Host-/)
    expect([cookie.secure, cookie.httpOnly, cookie.sameSite, cookie.path, cookie.domain]).toEqual([
      true,
      true,
      'Lax',
      '/',
      '127.0.0.1',
    ])
  }
  const header = own.map(({ name, value }) => `${name}=${value}`).join('; ')
  expect(header.length).toBeLessThan(COOKIE_BYTES)
  expect(await page.evaluate('document.cookie')).toBe('')
})

test('attempt 38: what a client says of host and protocol changes no address', async ({
  secured,
  anonymous,
}) => {
  const { origin } = secured.proxy
  const spoofed = {
    'x-forwarded-host': 'evil.example',
    'x-forwarded-proto': 'http',
    'x-forwarded-port': '80',
    forwarded: 'host=evil.example;proto=http',
    'x-original-host': 'evil.example',
    'x-rewrite-url': '/admin',
  }
  for (const headers of [{}, spoofed]) {
    const page = await anonymous.get(COLLECTION, { headers })
    expect(new URL(page.headers().location ?? '', origin).href).toBe(
      `${origin}/signin?next=${encodeURIComponent(COLLECTION)}`,
    )
    const form = { headers: { ...headers, origin }, form: { next: COLLECTION } }
    const started = new URL((await anonymous.post('/signin/start', form)).headers().location ?? '')
    expect(started.origin).toBe(secured.portal.provider.issuer)
    expect(started.searchParams.get('redirect_uri')).toBe(`${origin}/api/auth/callback/oidc`)
    const signin = await anonymous.get('/signin', { headers })
    expect(await signin.text()).not.toContain('evil.example')
    expect(JSON.stringify(signin.headersArray())).not.toContain('evil.example')
  }
})

test('attempt 41: no page can be put into another site’s frame', async ({ tlsPage: page, secured }) => {
  const server = createServer((request, response) => {
    const [, frame] = /^\/\?(.*)/.exec(request.url ?? '') ?? []
    response.writeHead(200, { 'content-type': 'text/html' })
    response.end(frame ? `<iframe src="${decodeURIComponent(frame)}"></iframe>` : 'a frame of its own')
  })
  try {
    const outside = await listening(server)
    for (const path of ['/signin', COLLECTION, '/no/such/page'])
      expect(await framed(page, outside, `${secured.proxy.origin}${path}`)).toBe('refused')
    expect(await framed(page, outside, `${outside}/own`)).toBe('a frame of its own')
  } finally {
    server.closeAllConnections()
    server.close()
  }
})

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
}

async function framed(page: Page, outside: string, address: string): Promise<string | null> {
  await page.goto(`${outside}/?${encodeURIComponent(address)}`)
  const frame = page.frames()[1]
  if (!frame || frame.url().startsWith('chrome-error:')) return 'refused'
  return frame.locator('body').textContent()
}

test('attempt 42: every answer says what it is and for whom, and that TLS is the way here', async ({
  tlsPage: page,
  anonymous,
}) => {
  const answers = await Promise.all([
    page.request.get(COLLECTION),
    page.request.get(`${COLLECTION}/download`),
    page.request.get('/collections/5'),
    page.request.get('/no/such/page'),
    page.request.get('/healthz'),
    anonymous.get(COLLECTION),
    anonymous.get(`${COLLECTION}/download`),
    anonymous.get('/signin'),
    anonymous.post('/signout'),
  ])
  expect(answers.map((answer) => answer.status())).toEqual([200, 200, 404, 404, 200, 307, 401, 200, 403])
  for (const answer of answers) {
    const headers = answer.headers()
    expect(headers, answer.url()).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'same-origin',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'x-frame-options': 'DENY',
      'strict-transport-security': 'max-age=31536000',
    })
    expect(headers['x-powered-by']).toBeUndefined()
  }
})

test('attempts 32, 43: where the provider has no sign-out one is signed out here, and Back shows nothing', async ({
  tlsPage: page,
}) => {
  await page.goto(`${COLLECTION}?from=today`)
  await expect(page.getByRole('table')).toContainText(SECRET)
  const old = await page.context().cookies()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await expect(page).toHaveURL(/\/signin$/)
  await page.goBack()
  await expect(page).toHaveURL(/\/signin\?next=/)
  await expect(page.locator('body')).not.toContainText(SECRET)
  await page.context().addCookies(old)
  await page.goto(COLLECTION)
  await expect(page).toHaveURL(/\/signin\?next=/)
})

test('attempt 44: a cache in front never gives one person’s page to another', async ({
  tlsPage: page,
  anonymous,
  visitor,
  secured,
}) => {
  const other = await (await visitor()).newPage()
  await other.goto('/signin')
  await signIn(other, 'web-owner')
  const paths = ['/', COLLECTION, `${COLLECTION}?from=today`, `${COLLECTION}/download`, '/signin']
  for (const path of paths) {
    const own = await page.request.get(path)
    expect(own.headers()['cache-control'], path).toMatch(/private, no-store/)
    for (const foreign of [await anonymous.get(path), await other.request.get(path, { maxRedirects: 0 })])
      expect(await foreign.text(), path).not.toContain(SECRET)
  }
  expect(await (await page.request.get(`${COLLECTION}/download`)).text()).toContain(SECRET)
  // What is nobody's own is kept, or this cache would show nothing.
  expect(secured.proxy.hits.filter((key) => !key.includes('/_next/static/'))).toEqual([])
  expect(secured.proxy.hits.length).toBeGreaterThan(0)
})
