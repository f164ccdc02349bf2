import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import type { Browser } from 'playwright/test'
import { PROJECT_ROOT } from '../lib/build.ts'
import { cookieHeader, expect, signIn } from './fixtures.ts'
import type { RunningPortal } from './portal.ts'
import { bearer, download, get, makeToken, SECRET, statusWith, TOKEN, test } from './token-portal.ts'
import { until } from './waiting.ts'

/** The device flow: codes for a script, a person's yes or no, and the token that comes of it. */

/** Above the limit for one session. */
const TRIES = 11
const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:device_code'

interface Codes {
  readonly device_code: string
  readonly user_code: string
  readonly verification_uri: string
  readonly verification_uri_complete: string
  readonly expires_in: number
  readonly interval: number
}

const postForm = async (portal: RunningPortal, path: string, form: Record<string, string>) => {
  const answer = await fetch(`${portal.origin}${path}`, { method: 'POST', body: new URLSearchParams(form) })
  expect(answer.headers.get('cache-control')).toContain('no-store')
  return { status: answer.status, body: (await answer.json()) as Record<string, string> & Codes }
}

async function askForCodes(portal: RunningPortal, more: Record<string, string> = {}): Promise<Codes> {
  const { status, body } = await postForm(portal, '/device/code', { client_id: 'backup on web1', ...more })
  expect(status).toBe(200)
  return body
}

const pollFor = (portal: RunningPortal, { device_code }: Codes, client_id = 'backup on web1') =>
  postForm(portal, '/device/token', { grant_type: GRANT_TYPE, device_code, client_id })

async function signedOutPage(browser: Browser, portal: RunningPortal, javaScriptEnabled: boolean) {
  const context = await browser.newContext({ baseURL: portal.origin, javaScriptEnabled })
  return context.newPage()
}

for (const javaScriptEnabled of [true, false])
  test(`a device gets its token after a yes, ${javaScriptEnabled ? 'with' : 'without'} JavaScript, signing in on the way`, async ({
    browser,
    portal,
    redis,
  }) => {
    const codes = await askForCodes(portal, { scope: '762 5 1824' })
    expect(codes.user_code).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/)
    expect([codes.expires_in, codes.interval]).toEqual([600, 5])
    expect(codes.verification_uri).toBe(`${portal.origin}/device`)
    expect((await pollFor(portal, codes)).body.error).toBe('authorization_pending')

    const page = await signedOutPage(browser, portal, javaScriptEnabled)
    await page.goto(codes.verification_uri_complete)
    await signIn(page, 'both')
    const question = page.getByRole('region', { name: 'What the device asks for' })
    for (const words of ['backup on web1', codes.user_code, '127.0.0.1', '762', '1824'])
      await expect(question).toContainText(words)
    await expect(question).toContainText('1 collection that you may not read, which it does not get: 5.')
    await question.getByLabel('Days').fill('2')
    await question.getByRole('button', { name: /Yes/ }).click()
    await expect(page.getByRole('status')).toContainText('You said yes.')
    expect(page.url()).not.toContain('user_code')

    const given = await pollFor(portal, codes)
    expect(given.status).toBe(200)
    expect(given.body.token_type).toBe('Bearer')
    expect(Number(given.body.expires_in)).toBeGreaterThan(2 * 86_400 - 60)
    const token = given.body.access_token ?? ''
    expect(token).toMatch(TOKEN)
    expect((await pollFor(portal, codes)).body.error).toBe('expired_token')
    for (const [id, expected] of [
      ['762', 200],
      ['1824', 200],
      ['3242', 404],
    ] as const)
      expect(await statusWith(portal, token, id)).toBe(expected)
    for (const key of await redis.keys('*')) {
      const value = (await redis.type(key)) === 'string' ? await redis.get(key) : ''
      for (const plain of [token.slice(4), codes.device_code, codes.user_code])
        expect(`${key} ${value}`).not.toContain(plain)
    }
    expect(portal.log()).not.toContain(codes.user_code)

    await page.goto('/account')
    const row = page.getByRole('row', { name: /backup on web1/ }).first()
    await expect(row).toContainText('by a device, in this sign-in')
    await row.getByRole('button', { name: /Revoke/ }).click()
    await page.waitForURL(/#tokens$/)
    expect(await statusWith(portal, token, '762')).toBe(401)
    await page.context().close()
  })

test('attempt 54: no is no, also for the one who asks again, and the code is spent', async ({
  signedIn,
  portal,
}) => {
  const page = await signedIn('both')
  const codes = await askForCodes(portal)
  await page.goto('/device')
  await page.getByLabel('Code').fill(codes.user_code.toLowerCase().replace('-', ' '))
  await page.getByRole('button', { name: 'Go on' }).click()
  await page.getByRole('button', { name: 'No', exact: true }).click()
  await expect(page.getByRole('status')).toContainText('You said no.')
  expect((await pollFor(portal, codes)).body.error).toBe('access_denied')
  await page.goto(codes.verification_uri_complete)
  await expect(page.getByRole('status')).toContainText('No device is waiting under that code.')
  await expect(page.getByRole('button', { name: /Yes/ })).toHaveCount(0)
})

test('attempt 54: codes are tried ten times in a session and no more, and another session still answers', async ({
  signedIn,
  portal,
}) => {
  const [guesser, owner] = [await signedIn('both'), await signedIn('both')]
  const codes = await askForCodes(portal)
  const cookie = await cookieHeader(guesser)
  const statuses = []
  for (let n = 0; n < TRIES; n++)
    statuses.push((await get(portal, '/device?user_code=BBBB-BBBB', { cookie })).status)
  expect(statuses).toEqual([...Array.from({ length: TRIES - 1 }, () => 200), 429])
  await guesser.goto(codes.verification_uri_complete)
  await expect(guesser.getByRole('status')).toContainText('Too many codes were tried.')
  const yes = await fetch(`${portal.origin}/device/decide`, {
    method: 'POST',
    redirect: 'manual',
    headers: { cookie, origin: portal.origin },
    body: new URLSearchParams({ user_code: codes.user_code, decision: 'yes', days: '1' }),
  })
  expect(yes.headers.get('location')).toBe('/device?outcome=too-many')
  expect((await pollFor(portal, codes)).body.error).toBe('authorization_pending')
  await owner.goto(codes.verification_uri_complete)
  await expect(owner.getByRole('button', { name: /Yes/ })).toBeVisible()
})

test('attempt 54: a poll that comes too soon is told to slow down, and an expired code says so', async ({
  portal,
  redis,
}) => {
  const codes = await askForCodes(portal)
  expect((await pollFor(portal, codes)).body.error).toBe('authorization_pending')
  const soon = await pollFor(portal, codes)
  expect([soon.status, soon.body.error]).toEqual([400, 'slow_down'])
  for (const key of await redis.keys('device:*')) await redis.pexpire(key, 1)
  await until('it expired', async () => (await pollFor(portal, codes)).body.error === 'expired_token')
})

test('a yes comes from a person on the portal’s own page: not from another site, not by a token, not by a link', async ({
  signedIn,
  portal,
}) => {
  const page = await signedIn('both')
  const token = await makeToken(page)
  const cookie = await cookieHeader(page)
  const codes = await askForCodes(portal)
  const yes = (headers: Record<string, string>, days = '1') =>
    fetch(`${portal.origin}/device/decide`, {
      method: 'POST',
      redirect: 'manual',
      headers,
      body: new URLSearchParams({ user_code: codes.user_code, decision: 'yes', days }),
    })
  expect((await yes({ cookie, origin: 'https://evil.example' })).status).toBe(403)
  expect((await yes({ cookie })).status).toBe(403)
  const byToken = await yes({ ...bearer(token), origin: portal.origin })
  expect(byToken.headers.get('location')).toMatch(/^\/signin\?next=/)
  const days = await yes({ cookie, origin: portal.origin }, '91')
  expect(days.headers.get('location')).toBe(`/device?user_code=${codes.user_code}&outcome=days`)
  await page.goto(codes.verification_uri_complete)
  expect((await pollFor(portal, codes)).body.error).toBe('authorization_pending')
  const taken = await yes({ cookie, origin: portal.origin })
  expect(taken.headers.get('location')).toBe('/device?outcome=approved')
  expect(await statusWith(portal, (await pollFor(portal, codes)).body.access_token ?? '')).toBe(200)
})

test('somebody who may read nothing of what is asked has nothing to say yes to', async ({
  signedIn,
  portal,
}) => {
  const codes = await askForCodes(portal, { scope: '762' })
  const page = await signedIn('hr-owner')
  await page.goto(codes.verification_uri_complete)
  await expect(page.getByText('nothing: what it asked for is not yours to read')).toBeVisible()
  await expect(page.getByRole('button', { name: /Yes/ })).toHaveCount(0)
  const forced = await fetch(`${portal.origin}/device/decide`, {
    method: 'POST',
    redirect: 'manual',
    headers: { cookie: await cookieHeader(page), origin: portal.origin },
    body: new URLSearchParams({ user_code: codes.user_code, decision: 'yes', days: '1' }),
  })
  expect(forced.headers.get('location')).toBe(`/device?user_code=${codes.user_code}`)
  expect((await pollFor(portal, codes)).body.error).toBe('authorization_pending')
})

test('attempt 54: a yes dies with the sign-in that it was given in', async ({ signedIn, portal }) => {
  const page = await signedIn('both')
  const codes = await askForCodes(portal)
  await page.goto(codes.verification_uri_complete)
  await page.getByRole('button', { name: /Yes/ }).click()
  await expect(page.getByRole('status')).toContainText('You said yes.')
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.waitForURL(/session\/end/)
  expect((await pollFor(portal, codes)).body.error).toBe('access_denied')
})

/** The script that stands in the README, as it stands there. */
async function readmeScript(): Promise<string> {
  const readme = await readFile(join(PROJECT_ROOT, 'README.md'), 'utf8')
  const [, script = ''] = /```sh\n(#!\/bin\/sh\n[\s\S]*?)```/.exec(readme) ?? []
  expect(script).toContain('/device/code')
  return script
}

const hasCurl = await promisify(execFile)('curl', ['--version']).then(
  () => true,
  () => false,
)

test('the script of the README gets a token from a person’s yes, and curl downloads with it', async ({
  signedIn,
  portal,
}) => {
  test.skip(!hasCurl, 'there is no curl on this machine')
  test.setTimeout(60_000)
  const script = spawn('sh', ['-c', await readmeScript()], {
    env: { ...process.env, PORTAL: portal.origin },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  script.stderr.on('data', (chunk: Buffer) => {
    said += chunk
  })
  const output = text(script.stdout)
  const ended = once(script, 'exit')
  await until('it says where to go', () => /http\S+user_code=\S+/.test(said))
  const page = await signedIn('both')
  await page.goto(/http\S+user_code=[A-Z-]+/.exec(said)?.[0] ?? '')
  await page.getByRole('button', { name: /Yes/ }).click()
  const [exitCode] = await ended
  expect(exitCode, said).toBe(0)
  const token = (await output).trim()
  expect(token).toMatch(/^prt_[A-Za-z0-9_-]{43}$/)
  const { stdout } = await promisify(execFile)('curl', [
    ...['-fsS', '-H', `Authorization: Bearer ${token}`, `${portal.origin}${download('1824')}`],
  ])
  expect(stdout).toContain(`${SECRET}-1824/49`)
})
