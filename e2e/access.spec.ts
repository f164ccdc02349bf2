import { readFile, writeFile } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { text } from 'node:stream/consumers'
import { ageClaims } from './aged-claims.ts'
import { cookieHeader, expect, feed, logLine, signIn, test } from './fixtures.ts'

/** Who sees what, on every route. Each refusal stands beside the neighbour that is allowed. */

const SECRET = 'canary-only-for-owners'
const PAGES = ['', '?from=0', '?from=today', '?limit=5']
/** All that is posted to, but what programs post to. */
const CHANGES = [
  '/signin/start',
  '/signout',
  '/theme',
  '/account/sessions',
  '/admin/access/end-sessions',
  '/account/tokens/revoke',
  '/device/decide',
]
const FOREIGN = ['762', '999999', '0101', '1e2', '-1', '%00', '１８２４', '123456789012345678901', 'x']

test.beforeAll(async ({ portal }) => {
  for (const id of ['1824', '762', '3242']) await feed(portal, [logLine(id, `${SECRET}-${id}`)])
})

test('an owner of one collection goes straight to it and sees its lines', async ({ signedIn }) => {
  const page = await signedIn('hr-owner')
  await expect(page).toHaveURL(/\/collections\/1824$/)
  await expect(page.getByRole('heading', { level: 1 })).toContainText('Human Resources 1824 · foo.com/hr')
  await expect(page.getByRole('table')).toContainText(`/${SECRET}-1824`)
  await expect(page.locator('body')).not.toContainText(`${SECRET}-762`)
})

test('an owner of two chooses between these and no others', async ({ signedIn }) => {
  const page = await signedIn('web-owner')
  await expect(page.getByRole('row')).toHaveCount(3)
  await expect(page.getByRole('table')).not.toContainText('Human Resources')
  await page.getByRole('link', { name: 'Finance' }).click()
  await expect(page.getByRole('table')).toContainText(`/${SECRET}-3242`)
})

test('attempts 5, 6, 7: a collection of somebody else, one nobody has and an id that is none are the same page on every route', async ({
  signedIn,
  portal,
}) => {
  const page = await signedIn('hr-owner')
  const cookie = await cookieHeader(page)
  const get = (path: string) => fetch(`${portal.origin}${path}`, { headers: { cookie }, redirect: 'manual' })
  // What differs from request to request by design: the nonce, and the request's own address.
  const comparable = (text: string, id: string) =>
    text
      .replaceAll(/nonce="[^"]*"|"nonce":"[^"]*"|nonce\\":\\"[^"]*"/g, '')
      .replaceAll(id, '')
      .replaceAll(decodeURIComponent(id), '')
      .replaceAll(encodeURIComponent(id), '')
  for (const suffix of PAGES) {
    const bodies = new Set<string>()
    for (const id of FOREIGN) {
      const answer = await get(`/collections/${id}${suffix}`)
      expect(answer.status, id + suffix).toBe(404)
      const body = await answer.text()
      expect(body).not.toContain(SECRET)
      expect(body).toContain('Not found')
      bodies.add(visible(comparable(body, id)))
    }
    expect(bodies.size, [...bodies].join('\n')).toBe(1)
    expect((await get(`/collections/1824${suffix}`)).status).toBe(200)
  }
  const answers = new Set<string>()
  for (const id of FOREIGN) {
    const answer = await get(`/collections/${id}/download`)
    const { ref, ...body } = (await answer.json()) as Record<string, string>
    expect(ref).toMatch(/^[0-9a-f]{4}$/)
    answers.add(JSON.stringify([answer.status, body]))
  }
  expect([...answers]).toEqual([
    '[404,{"error":"not_found","message":"There is no such page, or it is not yours to read."}]',
  ])
  const own = await get('/collections/1824/download')
  expect(own.status).toBe(200)
  expect(await own.text()).toContain(`${SECRET}-1824`)
})

/** The text a person sees. */
function visible(html: string): string {
  return html
    .replaceAll(/<script[\s\S]*?<\/script>/g, '')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
}

test('attempt 6: no Redis command names a collection that is not one’s own', async ({
  signedIn,
  portal,
  redis,
}) => {
  const page = await signedIn('hr-owner')
  const cookie = await cookieHeader(page)
  const commands: string[] = []
  const monitor = await redis.duplicate().monitor()
  monitor.on('monitor', (_time: string, args: string[]) => commands.push(args.join(' ')))
  for (const id of ['762', '999999', '1824'])
    for (const path of [`/collections/${id}`, `/collections/${id}/download`])
      await (await fetch(`${portal.origin}${path}`, { headers: { cookie } })).text()
  await redis.echo('the end')
  await expect.poll(() => commands.some((command) => command.includes('the end'))).toBe(true)
  monitor.disconnect()
  expect(commands.some((command) => command.includes('collid:1824'))).toBe(true)
  // A number of its own, as in `logs:collid:762`: the digits alone also stand in moments of the bars. What was refused is
  // an entry of the audit, in the stream of all.
  const isEntry = (command: string) => /^(?:evalsha \S+ 1|xadd) audit /i.test(command)
  expect(
    commands.filter((command) => !isEntry(command) && /(?<![\d.])(?:762|999999)(?![\d.])/.test(command)),
  ).toEqual([])
})

test('attempts 1, 2, 3: anonymous requests are sent to sign-in or answered 401, without a byte of a log in any body', async ({
  portal,
}) => {
  const headers: Record<string, string>[] = [
    {},
    { rsc: '1' },
    { rsc: '1', 'next-router-prefetch': '1' },
    { rsc: '1', 'next-router-segment-prefetch': '/collections' },
    { 'x-middleware-subrequest': 'proxy:proxy:proxy:proxy:proxy' },
    { 'next-action': 'x' },
    { cookie: 'portal.sid=forged; __Host-portal.sid=forged' },
  ]
  const paths = [
    '/',
    '/admin',
    '/collections/1824',
    '/collections/1824?from=0',
    '/collections/762',
    '/collections/x',
  ]
  for (const header of headers)
    for (const path of [...paths, ...paths.map((one) => `${one}${one.includes('?') ? '&' : '?'}_rsc=abc`)]) {
      const answer = await fetch(`${portal.origin}${path}`, { headers: header, redirect: 'manual' })
      const body = await answer.text()
      expect(body).not.toContain(SECRET)
      expect(body).not.toContain('Human Resources')
      if (Object.keys(header).length === 0 && !path.includes('_rsc')) {
        expect([303, 307]).toContain(answer.status)
        const wanted = `/signin?next=${encodeURIComponent(path)}`
        expect(new URL(answer.headers.get('location') ?? '', portal.origin).href).toBe(
          `${portal.origin}${wanted}`,
        )
      }
    }
  for (const path of ['/collections/1824/download', '/collections/762/download', '/collections/x/download']) {
    const answer = await fetch(`${portal.origin}${path}`)
    expect(answer.status).toBe(401)
    expect(answer.headers.get('cache-control')).toContain('no-store')
    expect(((await answer.json()) as { error: string }).error).toBe('unauthenticated')
  }
})

/** As a client sends it, without the tidying of an address that `fetch` does. */
function rawGet(
  origin: string,
  path: string,
  cookie: string,
): Promise<{ status: number; location: string; body: string }> {
  const { hostname, port } = new URL(origin)
  return new Promise((resolve, reject) => {
    const asked = httpRequest({ hostname, port, path, headers: { cookie } }, (answer) => {
      const { statusCode: status = 0, headers } = answer
      text(answer).then((body) => resolve({ status, location: headers.location ?? '', body }), reject)
    })
    asked.once('error', reject).end()
  })
}

test('attempt 4: an address written otherwise is the same address or none, and never somebody else’s page', async ({
  signedIn,
  portal,
}) => {
  const cookie = await cookieHeader(await signedIn('hr-owner'))
  const written = (id: string) => [
    `//collections/${id}`,
    `/collections//${id}`,
    `/collections%2F${id}`,
    `/collections/${id}/`,
    `/collections/./${id}`,
    `/collections/1824/../${id}`,
    `/collections/1824%2F..%2F${id}`,
    `/Collections/${id}`,
    `/COLLECTIONS/${id}/DOWNLOAD`,
    `/%63ollections/${id}`,
    `/collections/${id}%20`,
    `/collections/${id};x`,
    `/collections/${id}%00`,
    `/collections/${id}.rsc`,
    `/collections/${id}.json`,
    `/_next/data/x/collections/${id}.json`,
    `\\collections\\${id}`,
    `/collections/${id}/download/`,
    `/./collections/${id}/download`,
  ]
  for (const path of [...written('762'), ...written('1824')]) {
    for (const cookies of ['', cookie]) {
      const { status, location, body } = await rawGet(portal.origin, path, cookies)
      expect([200, 303, 307, 308, 400, 401, 404], path).toContain(status)
      if (location) expect(new URL(location, portal.origin).origin, path).toBe(portal.origin)
      expect(body, path).not.toContain(`${SECRET}-762`)
      if (cookies === '') expect(body, path).not.toContain(SECRET)
    }
  }
  const own = await rawGet(portal.origin, '/collections/1824', cookie)
  expect([own.status, own.body.includes(`${SECRET}-1824`)]).toEqual([200, true])
})

test('attempt 39: what changes something is taken from the portal’s own pages alone', async ({ portal }) => {
  const own = { origin: portal.origin, 'sec-fetch-site': 'same-origin' }
  const foreign: Record<string, string>[] = [
    {},
    { origin: 'null' },
    { origin: 'https://evil.example' },
    { origin: `${portal.origin}.evil.example` },
    { origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' },
    { origin: portal.origin, 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { referer: `${portal.origin}/` },
  ]
  for (const path of CHANGES) {
    const post = async (headers: Record<string, string>) => {
      const address = `${portal.origin}${path}`
      const answer = await fetch(address, { method: 'POST', headers, redirect: 'manual' })
      await answer.arrayBuffer()
      return answer.status
    }
    for (const headers of foreign) expect(await post(headers), `${path} ${JSON.stringify(headers)}`).toBe(403)
    expect(await post(own), path).not.toBe(403)
  }
})

test('sign-in leads back to the page that was asked for', async ({ page }) => {
  await page.goto('/collections/1824?from=today&limit=7')
  await signIn(page, 'hr-owner')
  await expect(page).toHaveURL(/\/collections\/1824\?from=today&limit=7$/)
})

test('attempt 8: an admin sees counts of all collections and no raw line', async ({ signedIn, portal }) => {
  const page = await signedIn('admin')
  await expect(page).toHaveURL(/\/admin$/)
  const row = page.getByRole('row', { name: /Human Resources/ })
  await expect(row).toContainText('1824')
  await expect(row.getByRole('cell').nth(2)).toHaveText('1')
  await expect(row.getByRole('cell').nth(3)).toHaveText('1')
  await page.getByRole('searchbox').fill('foo.com/web')
  await page.getByRole('button', { name: 'Search' }).click()
  await expect(page.getByRole('row')).toHaveCount(2)
  await page.getByRole('link', { name: 'Id' }).click()
  await expect(page).toHaveURL(/q=foo.com%2Fweb&sort=id/)
  expect(await page.content()).not.toContain(SECRET)
  expect((await page.goto('/collections/1824'))?.status()).toBe(404)
  const cookie = await cookieHeader(page)
  const download = await fetch(`${portal.origin}/collections/1824/download`, { headers: { cookie } })
  expect(download.status).toBe(404)
})

test('attempt 9: there is no admin page for anybody else', async ({ signedIn }) => {
  const page = await signedIn('hr-owner')
  expect((await page.goto('/admin'))?.status()).toBe(404)
  await expect(page.getByRole('heading')).toHaveText('Not found')
})

test('attempt 10: somebody whom no rule names is told so', async ({ signedIn }) => {
  const page = await signedIn('no-groups')
  await expect(page.getByRole('heading', { name: 'No collection is open to you' })).toBeVisible()
  expect((await page.goto('/collections/1824'))?.status()).toBe(404)
})

test('attempts 15, 16: a rule that is removed acts on the next request, and a broken file keeps the last good one and says so', async ({
  signedIn,
  portal,
}) => {
  const page = await signedIn('hr-owner')
  const admin = await signedIn('admin')
  const good = await readFile(portal.accessFile, 'utf8')
  try {
    await writeFile(portal.accessFile, good.replace('  - { group: /hr/owners, collections: [1824] }\n', ''))
    expect((await page.goto('/collections/1824'))?.status()).toBe(404)
    await writeFile(portal.accessFile, good)
    expect((await page.goto('/collections/1824'))?.status()).toBe(200)
    await writeFile(portal.accessFile, `${good}  - { group: /x, collections: [007] }\n`)
    expect((await page.goto('/collections/1824'))?.status()).toBe(200)
    const health = await fetch(`${portal.origin}/healthz`)
    expect([health.status, await health.json()]).toEqual([
      200,
      { status: 'degraded', reasons: ['access_file_broken'] },
    ])
    await admin.reload()
    await expect(admin.getByRole('alert').first()).toContainText(
      'line 11: rules[3].collections[0] takes an id',
    )
  } finally {
    await writeFile(portal.accessFile, good)
  }
  expect(await (await fetch(`${portal.origin}/healthz`)).json()).toEqual({ status: 'ok', reasons: [] })
})

test('attempt 20: twenty requests at once, when claims are due and refresh tokens rotate, make one token call and all succeed', async ({
  signedIn,
  portal,
  redis,
}) => {
  const page = await signedIn('hr-owner')
  const cookie = await cookieHeader(page)
  await ageClaims(redis, 6)
  portal.provider.events.clear()
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      fetch(`${portal.origin}/collections/1824${i % 2 ? '/download' : ''}`, {
        headers: { cookie },
        redirect: 'manual',
      }),
    ),
  )
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200))
  expect(portal.provider.events.tokenCalls('refresh_token')).toBe(1)
})

test('attempt 17: a group taken away at the provider is gone once the claims are due', async ({
  signedIn,
  portal,
  redis,
}) => {
  const page = await signedIn('web-owner')
  const account = portal.provider.accounts.get('web-owner')
  portal.provider.accounts.set('web-owner', { ...account, groups: [] })
  await ageClaims(redis, 6)
  expect((await page.goto('/collections/762'))?.status()).toBe(404)
  if (account) portal.provider.accounts.set('web-owner', account)
})

test('attempt 26: signing out ends the session here and at the provider, and the old cookie opens nothing', async ({
  signedIn,
  portal,
}) => {
  const page = await signedIn('hr-owner')
  const cookie = await cookieHeader(page)
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.waitForURL(/session\/end/)
  await page.getByRole('button').first().click()
  await expect(page).toHaveURL(`${portal.origin}/signin`)
  const answer = await fetch(`${portal.origin}/collections/1824/download`, { headers: { cookie } })
  expect(answer.status).toBe(401)
  await page.getByRole('button', { name: /sign in/i }).click()
  await expect(page.locator('[name=password]')).toBeVisible()
})

test('attempt 31: sign-out by another site or by a link is refused', async ({ signedIn, portal }) => {
  const page = await signedIn('hr-owner')
  const cookie = await cookieHeader(page)
  const foreign = await fetch(`${portal.origin}/signout`, {
    method: 'POST',
    headers: { cookie, origin: 'https://evil.example' },
    redirect: 'manual',
  })
  expect(foreign.status).toBe(403)
  expect((await fetch(`${portal.origin}/signout`, { headers: { cookie } })).status).toBe(405)
  expect((await page.goto('/collections/1824'))?.status()).toBe(200)
})

test('attempt 52: a store that hangs is said in words with a reference within two seconds, and nobody is signed out', async ({
  signedIn,
  portal,
}) => {
  const page = await signedIn('hr-owner')
  const cookie = await cookieHeader(page)
  portal.redis.process.kill('SIGSTOP')
  try {
    const started = Date.now()
    const answer = await fetch(`${portal.origin}/collections/1824`, { headers: { cookie } })
    const body = await answer.text()
    expect(Date.now() - started).toBeLessThan(2000)
    expect(answer.status).toBe(503)
    expect(body).toContain('The log store did not answer. Nothing was lost.')
    expect(body).toMatch(/ref <!-- -->[0-9a-f]{4}|ref [0-9a-f]{4}/)
    const download = await fetch(`${portal.origin}/collections/1824/download`, { headers: { cookie } })
    expect(download.status).toBe(503)
    expect(download.headers.get('retry-after')).not.toBeNull()
    expect((await fetch(`${portal.origin}/healthz`)).status).toBe(503)
  } finally {
    portal.redis.process.kill('SIGCONT')
  }
  expect((await page.goto('/collections/1824'))?.status()).toBe(200)
})
