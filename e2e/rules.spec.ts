import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import type { Page } from 'playwright/test'
import { test as base, cookieHeader, expect, feed, logLine } from './fixtures.ts'
import { type RunningPortal, startPortal } from './portal.ts'

/** Rules by pattern and by claim, in the browser; what somebody reads whom no rule names; a file that goes bad meanwhile. */

const FAR = '12345678901234567890'
const IDS = ['101', '102', '9007199254740993', FAR]
const RULES = `  - { pattern: "/logs/collection-{id}" }
  - { claim: portal.collections }
`
const PEOPLE = {
  patterned: {
    name: 'Patterned',
    groups: ['/logs/collection-101', `/logs/collection-${FAR}`, '/logs/collection-102x'],
  },
  listed: { name: 'Listed', portal: { collections: ['9007199254740993', 102, Number(FAR)] } },
  curious: {
    name: 'Curious \u202e<b>x</b>',
    groups: ['/sales/<img src=x>', '/sales/\u202egnirts'],
    portal: { collections: '101' },
    hint: 'a value that is nobody’s business',
    '<i>odd</i>': 1,
  },
}

const test = base.extend<object, { portal: RunningPortal }>({
  portal: [
    // biome-ignore lint/correctness/noEmptyPattern: the shape that Playwright asks for
    async ({}, use) => {
      const portal = await startPortal({
        provider: { moreClaims: ['portal', 'hint', '<i>odd</i>'] },
        env: { CONTACT: 'logs@foo.com' },
      })
      for (const [name, claims] of Object.entries(PEOPLE)) portal.provider.accounts.set(name, claims)
      await writeFile(portal.accessFile, `${await readFile(portal.accessFile, 'utf8')}${RULES}`)
      await use(portal)
      await portal.stop()
    },
    { scope: 'worker', timeout: 90_000 },
  ],
})

test.beforeAll(async ({ portal }) => {
  await feed(
    portal,
    IDS.map((id) => logLine(id, `canary-${id}`)),
  )
})

async function expectExactly(portal: RunningPortal, page: Page, own: readonly string[]): Promise<void> {
  await page.goto('/')
  const links = page.getByRole('table').getByRole('link', { name: /^Collection \d+$/ })
  await expect(links).toHaveText(own.map((id) => `Collection ${id}`))
  const cookie = await cookieHeader(page)
  for (const id of IDS) {
    const isOwn = own.includes(id)
    const answer = await page.goto(`/collections/${id}`)
    expect(answer?.status(), id).toBe(isOwn ? 200 : 404)
    expect((await page.content()).includes(`canary-${id}`), id).toBe(isOwn)
    const download = await fetch(`${portal.origin}/collections/${id}/download`, { headers: { cookie } })
    expect(download.status, id).toBe(isOwn ? 200 : 404)
    expect((await download.text()).includes(`canary-${id}`), id).toBe(isOwn)
  }
}

test('groups whose names carry an id open exactly these collections', async ({ signedIn, portal }) => {
  await expectExactly(portal, await signedIn('patterned'), ['101', FAR])
})

test('a claim that lists ids opens exactly these, and not what a number past 2^53 became', async ({
  signedIn,
  portal,
}) => {
  await expectExactly(portal, await signedIn('listed'), ['102', '9007199254740993'])
})

test('attempt 16: a pattern that is removed acts on the next request', async ({ signedIn, portal }) => {
  const page = await signedIn('patterned')
  const good = await readFile(portal.accessFile, 'utf8')
  try {
    expect((await page.goto('/collections/101'))?.status()).toBe(200)
    await writeFile(portal.accessFile, good.replace('collection-{id}', 'part-{id}'))
    expect((await page.goto('/collections/101'))?.status()).toBe(404)
  } finally {
    await writeFile(portal.accessFile, good)
  }
  expect((await page.goto('/collections/101'))?.status()).toBe(200)
})

test('attempt 10: somebody without groups reads who they are, what was sent, what is missing, and whom to ask', async ({
  signedIn,
}) => {
  const page = await signedIn('no-groups')
  const main = page.getByRole('main')
  await expect(main.getByRole('heading', { level: 1 })).toHaveText('No collection is open to you')
  await expect(main).toContainText('You are signed in as No groups')
  await expect(main).toContainText('groups: nothing')
  await expect(main).toContainText('Single sign-on did not send the claim groups.')
  await expect(main).toContainText('Single sign-on did not send the claim portal.collections.')
  await expect(main).toContainText('Only the names are shown: name, preferred_username')
  await expect(main.getByRole('link', { name: 'logs@foo.com' })).toHaveAttribute(
    'href',
    'mailto:logs@foo.com',
  )
  await expect(main).toContainText('asks again after at most 15 minutes')
})

test('what a claim holds shows on the page and does nothing; values are shown only where the portal looks', async ({
  signedIn,
}) => {
  const page = await signedIn('curious')
  const main = page.getByRole('main')
  await expect(main).toContainText('groups: /sales/<img src=x>, /sales/\\u{202e}gnirts')
  await expect(main).toContainText('portal.collections: 101')
  await expect(main).toContainText(
    'The claim portal.collections is a text, not a list of ids. It grants nothing.',
  )
  await expect(main).toContainText('<i>odd</i>, groups, hint, name, portal, preferred_username')
  await expect(main).toContainText('Curious \\u{202e}<b>x</b>')
  await expect(main).not.toContainText('nobody’s business')
  await expect(main.locator('img, b')).toHaveCount(0)
})

test('attempt 15: however the access file goes bad, access stays as it was, /admin says where and /healthz that, until it is mended', async ({
  signedIn,
  portal,
}) => {
  const page = await signedIn('patterned')
  const admin = await signedIn('admin')
  const path = portal.accessFile
  const good = await readFile(path, 'utf8')
  const lines = good.split('\n').length
  const put = async (text: string) => {
    await rm(path, { recursive: true, force: true })
    await writeFile(`${path}.new`, text)
    await rename(`${path}.new`, path)
  }
  const ways: readonly [() => Promise<unknown>, string][] = [
    [
      () => writeFile(path, `${good}  - { pattern: "/x-{id}", group: a }\n`),
      `line ${lines}: rules[5] is a rule with group and pattern`,
    ],
    [() => writeFile(path, `${good}  - { pattern: /x-{id} }\n`), `line ${lines}: not YAML`],
    [() => put(`${good}extra: 1\n`), `line ${lines}: extra is not known`],
    [() => rm(path), 'cannot be read (ENOENT)'],
    [() => mkdir(path), 'cannot be read (it is a directory)'],
    [() => put(''), 'line 1: the file is empty'],
  ]
  const health = async () => {
    const answer = await fetch(`${portal.origin}/healthz`)
    return [answer.status, await answer.json()]
  }
  try {
    for (const [spoil, said] of ways) {
      await spoil()
      expect((await page.goto('/collections/101'))?.status(), said).toBe(200)
      expect((await page.goto('/collections/102'))?.status(), said).toBe(404)
      expect(await health()).toEqual([200, { status: 'degraded', reasons: ['access_file_broken'] }])
      await admin.goto('/admin')
      await expect(admin.getByRole('alert').first()).toContainText('The last good one stays in force')
      await expect(admin.getByRole('alert').first()).toContainText(said)
    }
  } finally {
    await put(good)
  }
  expect(await health()).toEqual([200, { status: 'ok', reasons: [] }])
  await admin.goto('/admin')
  await expect(admin.getByText('The access file is broken')).toHaveCount(0)
})
