import { readFile, writeFile } from 'node:fs/promises'
import { expect, type Page } from 'playwright/test'
import { cookieHeader, feed, logLine, signIn, test } from './fixtures.ts'

/** Why a person may read a collection or not, for admins, with JavaScript and without. */

const CANARY = 'canary-of-the-claims'

async function ask(page: Page, collection: string, claims: string): Promise<void> {
  await page.getByLabel('Collection id').fill(collection)
  await page.getByLabel(/Claims as JSON/).fill(claims)
  await page.getByRole('button', { name: 'Explain' }).click()
}

for (const javaScriptEnabled of [true, false])
  test(`pasted claims are explained, ${javaScriptEnabled ? 'with' : 'without'} JavaScript, and land in no address and no log`, async ({
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
    await signIn(page, 'admin')
    await page.goto('/admin')
    await page.getByRole('link', { name: 'Who can read what, and why' }).click()
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('Access')
    const status = page.getByLabel('Explanation').getByRole('status')

    await ask(page, '1824', `{"groups": ["/hr/owners"], "email": "${CANARY}"}`)
    await expect(status).toContainText('Human Resources 1824 may be read.')
    await expect(status).toContainText('The rule: the group /hr/owners, line 8 of the access file.')
    await expect(status).toContainText('Claims sent, names only: email, groups')
    await expect(status).not.toContainText(CANARY)

    await ask(page, '1824', `{"groups": ["/HR/owners", "<b>\u202e"], "email": "${CANARY}"}`)
    await expect(status).toContainText('Human Resources 1824 may not be read.')
    await expect(status).toContainText(/Nearly, line 8: .*“\/HR\/owners” was sent: case differs\./)
    await expect(status).toContainText('<b>\\u{202e}')

    await ask(page, '1824', '{"groups": ["/hr/analysts"]}')
    await expect(status).toContainText('Human Resources 1824 may be read, with addresses masked.')

    await ask(page, '01824', '{}')
    await expect(status).toContainText('The collection takes an id of 1 to 20 digits')
    await ask(page, '1824', `{"groups": ["${CANARY}"`)
    await expect(status).toContainText('The claims are not JSON.')
    await expect(page.getByLabel(/Claims as JSON/)).toHaveValue(`{"groups": ["${CANARY}"`)

    expect(new URL(page.url()).search).toBe('')
    expect(portal.log()).not.toContain(CANARY)
    expect(await redis.keys(`*${CANARY}*`)).toEqual([])
    expect(violations).toEqual([])
    await context.close()
  })

test('somebody signed in is chosen by name; the tables say who reads what and why', async ({
  signedIn,
  portal,
}) => {
  await feed(portal, [logLine('1824', 'a'), logLine('4711', 'b'), logLine('4711', 'c')])
  const owner = await signedIn('hr-owner')
  const name = ((await owner.locator('header bdi').textContent()) ?? '').trim()
  const page = await signedIn('admin')
  await page.goto('/admin/access')
  await page.getByLabel('Collection id').fill('762')
  await page.getByLabel('Person').selectOption({ label: name })
  await page.getByRole('button', { name: 'Explain' }).click()
  const status = page.getByLabel('Explanation').getByRole('status')
  await expect(status).toContainText('Web 762 may not be read.')
  await expect(status).toContainText(`By the claims of ${name}, confirmed `)
  await expect(status).toContainText('Line 9: It takes the group “/it/web”.')
  await expect(page.getByLabel('Person').locator('option:checked')).toHaveText(name)

  const row = page
    .getByRole('region', { name: 'Who can read what' })
    .getByRole('row', { name: /Human Resources/ })
  await expect(row).toContainText('the group /hr/owners, line 8 of the access file')
  await expect(row).toContainText(`${name}: the group /hr/owners, line 8`)
  await expect(row).toContainText('line 10 of the access file, addresses masked')
  const ungranted = page.getByRole('region', { name: 'Ids in logs that no rule grants' })
  await expect(ungranted.getByRole('row')).toHaveText([/Id/, /4711\s*2/])
})

test('a broken file and what is in force are told; a rule that takes ids from claims is named as such', async ({
  signedIn,
  portal,
}) => {
  const good = await readFile(portal.accessFile, 'utf8')
  const page = await signedIn('admin')
  try {
    await writeFile(portal.accessFile, `${good}  - { pattern: "/logs/c-{id}" }\n`)
    await page.goto('/admin/access')
    await expect(page.locator('main')).toContainText('it has 4 rules')
    await expect(page.locator('main')).toContainText('the group pattern /logs/c-{id}, line 11')
    await writeFile(portal.accessFile, `${good}  - { group: /x, collections: [007] }\n`)
    await page.goto('/admin/access')
    await expect(page.getByRole('alert').filter({ hasText: 'broken' })).toContainText('line 11')
    await expect(page.locator('main')).toContainText('it has 4 rules')
  } finally {
    await writeFile(portal.accessFile, good)
  }
})

test('the form answers an admin on the portal’s own page and nobody else', async ({ signedIn, portal }) => {
  const admin = await signedIn('admin')
  await admin.goto('/admin/access')
  // What a browser without JavaScript sends: the names of the form's own fields say which action it is for.
  const fields = await admin.evaluate(async () => {
    const text = await (await fetch(location.href)).text()
    const form = new DOMParser().parseFromString(text, 'text/html').querySelector('form:has(textarea)')
    return [...(form?.querySelectorAll('input[type=hidden]') ?? [])].map((one): [string, string] => [
      one.getAttribute('name') ?? '',
      one.getAttribute('value') ?? '',
    ])
  })
  expect(fields.length).toBeGreaterThan(0)
  const owner = await signedIn('hr-owner')
  const send = async (page: Page, from: Readonly<Record<string, string>>) => {
    const body = new FormData()
    for (const [name, value] of fields) body.append(name, value)
    body.append('collection', '1824')
    body.append('person', '')
    body.append('claims', '{"groups": ["/hr/owners"]}')
    const headers = { cookie: await cookieHeader(page), ...from }
    const answer = await fetch(`${portal.origin}/admin/access`, { method: 'POST', headers, body })
    return { status: answer.status, text: await answer.text() }
  }
  const answered = await send(admin, { origin: portal.origin })
  expect(answered.status).toBe(200)
  expect(answered.text).toContain('may be read')
  // The framework refuses a foreign origin by itself, and lets a missing one pass.
  for (const from of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }, {}])
    expect((await send(admin, from)).text, JSON.stringify(from)).not.toContain('may be read')
  const refused = await send(owner, { origin: portal.origin })
  expect(refused.status).toBe(404)
  expect(refused.text).not.toContain('may be read')
})
