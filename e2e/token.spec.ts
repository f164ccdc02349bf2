import { Redis } from 'ioredis'
import { cookieHeader, expect, feed, logLine, signIn } from './fixtures.ts'
import { runIngest } from './ingest.ts'
import { type RunningPortal, startPortal } from './portal.ts'
import {
  bearer,
  DAY,
  download,
  fillForm,
  get,
  makeToken,
  SECRET,
  statusWith,
  TOKEN,
  test,
} from './token-portal.ts'
import { until } from './waiting.ts'

/** Tokens for curl and scripts: what they open, what they do not, and when they end. */

const AGED_MS = 6 * 60_000

/** Makes the claims of every session so old that they are refreshed at the next request. */
async function age(portal: RunningPortal, redis: Redis): Promise<void> {
  portal.provider.events.clear()
  for (const key of await redis.keys('session:*')) {
    const session = JSON.parse((await redis.get(key)) ?? '') as { checkedAtMs: number }
    const aged = { ...session, checkedAtMs: session.checkedAtMs - AGED_MS }
    await redis.set(key, JSON.stringify(aged), 'KEEPTTL')
  }
}

for (const javaScriptEnabled of [true, false])
  test(`a token is made ${javaScriptEnabled ? 'with' : 'without'} JavaScript, is shown once, and downloads byte for byte what print gives`, async ({
    browser,
    portal,
    redis,
  }) => {
    const context = await browser.newContext({ baseURL: portal.origin, javaScriptEnabled })
    const page = await context.newPage()
    const violations: string[] = []
    page.on('console', (message) => {
      if (/Content Security Policy/.test(message.text())) violations.push(message.text())
    })
    await page.goto('/signin')
    await signIn(page, 'both')
    const name = `nightly <b>${javaScriptEnabled}</b>`
    const token = await makeToken(page, { name })
    expect(page.url()).toBe(`${portal.origin}/account`)
    const row = page.getByRole('region', { name: 'Your tokens' }).getByRole('row', { name })
    await expect(row).toContainText('all that you may read')
    await expect(row).toContainText('here, in this sign-in')
    await expect(row).toContainText('never')

    const { status, body } = await get(portal, download('1824'), bearer(token))
    expect(status).toBe(200)
    const printed = await runIngest(portal.redis.url, [
      ...['print', '1824', '--from', '2026-03-08', '--to', '2026-03-09'],
    ])
    expect(body).toBe(printed.stdout)
    expect(body.split('\n')).toHaveLength(51)

    await page.getByRole('link', { name: 'Done' }).click()
    await expect(row).not.toContainText('never')
    const plain = token.slice('prt_'.length)
    expect(await page.content()).not.toContain(plain)
    expect(await (await page.request.get('/account')).text()).not.toContain(plain)
    expect(portal.log()).not.toContain(plain)
    for (const key of await redis.keys('*')) {
      expect(key).not.toContain(plain)
      if ((await redis.type(key)) === 'string') expect((await redis.get(key)) ?? '').not.toContain(plain)
    }
    expect(violations).toEqual([])

    await row.getByRole('button', { name: /Revoke/ }).click()
    await expect(row).toHaveCount(0)
    await expect(page).toHaveURL(/\/account#tokens$/)
    expect(await statusWith(portal, token)).toBe(401)
    await context.close()
  })

test('attempt 53: what is no token of the portal is 401 on data, also beside a good cookie, and a good token is not', async ({
  signedIn,
  portal,
  redis,
}) => {
  const page = await signedIn('both')
  const token = await makeToken(page)
  const revoked = await makeToken(page, { name: 'to be revoked' })
  await page.goto('/account')
  await page
    .getByRole('row', { name: /to be revoked/ })
    .getByRole('button', { name: /Revoke/ })
    .click()
  await page.waitForURL(/#tokens$/)
  const cookie = await cookieHeader(page)
  const value = cookie.split('; ').find((one) => one.startsWith('log-portal.session='))
  const [key = ''] = await redis.keys('session:*')
  const session = JSON.parse((await redis.get(key)) ?? '') as Record<string, string>
  const strangers = {
    'an id token': session.idToken ?? '',
    'an access token of the provider': session.accessToken ?? '',
    'a refresh token of the provider': session.refreshToken ?? '',
    'the value of the cookie': value?.slice(value.indexOf('=') + 1) ?? '',
    'an id of a session': key.slice('session:'.length),
    'a revoked token': revoked,
    'an unknown token': `prt_${'A'.repeat(43)}`,
    'a token cut short': token.slice(0, -1),
    'a token without its beginning': token.slice(4),
    'a digest': ((await redis.keys('token:*'))[0] ?? '').slice('token:'.length),
    nothing: '',
  }
  for (const [what, stranger] of Object.entries(strangers))
    for (const beside of ['', cookie]) {
      const answer = await get(portal, download('1824'), { ...bearer(stranger), cookie: beside })
      expect(answer.status, what).toBe(401)
      expect(answer.headers.get('www-authenticate'), what).toBe('Bearer')
      expect(answer.body, what).not.toContain(SECRET)
    }
  for (const name of ['access_token', 'token', 'bearer']) {
    const answer = await get(portal, `${download('1824')}&${name}=${token}`)
    expect(answer.status, name).toBe(401)
    expect(answer.body).not.toContain(SECRET)
  }
  expect(portal.log()).not.toContain(token.slice(4))
  expect(await statusWith(portal, token)).toBe(200)
  const lower = await get(portal, download('1824'), { authorization: `bearer ${token}` })
  expect(lower.status).toBe(200)
  // Of another scheme, such as a proxy's own: the cookie counts.
  const basic = { authorization: 'Basic eDp5', cookie }
  expect((await get(portal, download('1824'), basic)).status).toBe(200)
})

test('a token opens its own collections and no other, no page, and nothing of an admin', async ({
  signedIn,
  portal,
}) => {
  const page = await signedIn('both')
  const token = await makeToken(page, { collections: ['762', '1824'] })
  await expect(page.getByRole('region', { name: 'Your tokens' })).toContainText(
    'Web 762; Human Resources 1824',
  )
  for (const [id, expected] of [
    ['1824', 200],
    ['762', 200],
    ['3242', 404],
    ['999999', 404],
    ['x', 404],
  ] as const) {
    const answer = await get(portal, download(id), bearer(token))
    expect(answer.status, id).toBe(expected)
    expect(answer.body.includes(`${SECRET}-${id}`), id).toBe(expected === 200)
  }
  for (const path of ['/', '/collections/1824', '/admin', '/admin/access', '/account', '/device']) {
    const answer = await get(portal, path, bearer(token))
    expect([303, 307], path).toContain(answer.status)
    expect(answer.headers.get('location'), path).toContain('/signin?next=')
    expect(answer.body, path).not.toContain(SECRET)
  }
  const web = await makeToken(await signedIn('web-owner'))
  expect(await statusWith(portal, web, '1824')).toBe(404)
  expect(await statusWith(portal, web, '762')).toBe(200)
})

test('what is entered amiss is told, and nothing is made', async ({ signedIn, portal, redis }) => {
  const page = await signedIn('both')
  const before = (await redis.keys('token:*')).length
  const form = page.getByRole('form', { name: 'Make a token' })
  const refused = async (words: RegExp) => {
    await page.getByRole('button', { name: 'Make the token' }).click()
    await expect(form.getByRole('status')).toContainText(words)
  }
  await fillForm(page, { name: '\u202ex', collections: ['762'] })
  await refused(/name takes 1 to 64 characters/)
  await expect(form.getByLabel(/762$/)).toBeChecked()
  await fillForm(page, { collections: [] })
  await refused(/Tick at least one collection/)
  await fillForm(page, { collections: ['762'] })
  await form.getByLabel(/all that I may read/).check()
  await refused(/Some collections are ticked, but all are chosen/)
  await fillForm(page, { collections: ['762'] })
  const value = await form.getByLabel(/762$/).evaluate((box: HTMLInputElement) => {
    box.value = '5'
    return box.value
  })
  expect(value).toBe('5')
  await refused(/no longer yours to read/)
  expect((await redis.keys('token:*')).length).toBe(before)

  await fillForm(page, {})
  const fields = await form.locator('input').evaluateAll((all) =>
    all.flatMap((one) => {
      const { name, value, type } = one as HTMLInputElement
      return name === '' || type === 'checkbox' ? [] : [[name, value] as const]
    }),
  )
  const post = async (from: { origin?: string }) => {
    // As a browser without JavaScript sends it.
    const plain = await get(portal, '/account', { cookie: await cookieHeader(page) })
    const hidden = [
      ...plain.body.matchAll(/<input type="hidden" name="(\$ACTION[^"]*)"(?: value="([^"]*)")?/g),
    ]
    const body = new FormData()
    for (const [, name = '', value = ''] of hidden) body.append(name, value.replaceAll('&quot;', '"'))
    for (const [name, value] of [...fields, ['name', 'posted'], ['days', '1'], ['which', 'all']])
      body.set(name ?? '', value ?? '')
    const headers = { cookie: await cookieHeader(page), ...from }
    return (await fetch(`${portal.origin}/account`, { method: 'POST', headers, body })).text()
  }
  // The framework refuses a foreign origin by itself, and lets a missing one pass.
  for (const from of [{ origin: 'https://evil.example' }, {}]) expect(await post(from)).not.toMatch(TOKEN)
  expect((await redis.keys('token:*')).length).toBe(before)
  expect(await post({ origin: portal.origin })).toMatch(TOKEN)
})

test('attempt 17 for tokens: a group removed at the provider closes the collection once the claims are five minutes old', async ({
  signedIn,
  portal,
  redis,
}) => {
  portal.provider.accounts.set('mover', { name: 'Mover', groups: ['/hr/owners', '/it/web'] })
  const token = await makeToken(await signedIn('mover'))
  expect(await statusWith(portal, token, '1824')).toBe(200)
  portal.provider.accounts.set('mover', { name: 'Mover', groups: ['/it/web'] })
  await age(portal, redis)
  expect(await statusWith(portal, token, '1824')).toBe(404)
  expect(await statusWith(portal, token, '762')).toBe(200)
  portal.provider.accounts.delete('mover')
  await age(portal, redis)
  expect(await statusWith(portal, token, '762')).toBe(401)
})

test('tokens and the browser that ask at once after five minutes make one call to a provider that rotates', async ({
  signedIn,
  portal,
  redis,
}) => {
  const page = await signedIn('both')
  const token = await makeToken(page)
  const cookie = await cookieHeader(page)
  for (const _ of [1, 2]) {
    await age(portal, redis)
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        get(portal, download('1824'), n % 2 === 0 ? { cookie } : bearer(token)),
      ),
    )
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
    expect(portal.provider.events.tokenCalls('refresh_token')).toBe(1)
  }
})

test('attempt 30: signing out ends the tokens of that sign-in at once, and those of another one stay', async ({
  signedIn,
  portal,
}) => {
  const [leaving, staying] = [await signedIn('both'), await signedIn('both')]
  const [ended, kept] = [await makeToken(leaving), await makeToken(staying)]
  await leaving.goto('/account')
  await expect(leaving.getByText('signing out of that sign-in ends it too')).toBeVisible()
  expect(await statusWith(portal, ended)).toBe(200)
  await leaving.getByRole('button', { name: 'Sign out' }).click()
  await leaving.waitForURL(/session\/end/)
  expect(await statusWith(portal, ended)).toBe(401)
  expect(await statusWith(portal, kept)).toBe(200)
  // At the provider, in the other browser: the provider tells the portal.
  await staying.goto(`${portal.provider.issuer}/session/end`)
  await staying.getByRole('button').first().click()
  await staying.waitForLoadState()
  expect(await statusWith(portal, kept)).toBe(401)
})

test('a provider without refresh tokens: the page says so, and opening it again is what a token goes on with', async ({
  browser,
}) => {
  test.setTimeout(60_000)
  const portal = await startPortal({ provider: { refreshTokens: false } })
  const context = await browser.newContext({ baseURL: portal.origin })
  const redis = new Redis(portal.redis.url)
  try {
    await feed(portal, [logLine('1824', SECRET, new Date(DAY))])
    const page = await context.newPage()
    await page.goto('/signin')
    await signIn(page, 'hr-owner')
    const token = await makeToken(page, { days: 90 })
    await page.goto('/account')
    await expect(
      page.getByText(/works only while its word about you is at most 15 minutes old/),
    ).toBeVisible()
    expect(await statusWith(portal, token)).toBe(200)
    for (let n = 0; n < 3; n++) await age(portal, redis)
    expect(await statusWith(portal, token)).toBe(401)
    await page.goto('/account')
    await expect(page.getByRole('row', { name: /nightly/ })).toContainText('in this sign-in')
    expect(await statusWith(portal, token)).toBe(200)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await until('the token ends', async () => (await statusWith(portal, token)) === 401)
  } finally {
    redis.disconnect()
    await context.close()
    await portal.stop()
  }
})
