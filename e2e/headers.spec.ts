import { expect, feed, logLine, test } from './fixtures.ts'

/** What every answer carries. */

test('attempt 40: each page has a policy with a nonce of its own, also the ones that are errors, and Chromium finds no violation', async ({
  signedIn,
  portal,
}) => {
  await feed(portal, [logLine('1824', 'x')])
  const page = await signedIn('hr-owner')
  const complaints: string[] = []
  page.on('console', (message) => {
    if (/policy|violat/i.test(message.text())) complaints.push(message.text())
  })
  const nonces = new Set<string>()
  const paths = ['/collections/1824', '/collections/5', '/no/such/page', '/collections/1824?x=1', '/admin']
  for (const path of paths) {
    const answer = await page.goto(path)
    const headers = answer?.headers() ?? {}
    const policy = headers['content-security-policy'] ?? ''
    nonces.add(/'nonce-([^']+)'/.exec(policy)?.[1] ?? '')
    expect(policy, path).not.toMatch(/unsafe-inline|unsafe-eval/)
    for (const part of ["object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"])
      expect(policy, path).toContain(part)
    expect(headers['x-content-type-options']).toBe('nosniff')
    expect(headers['cache-control'], path).toContain('no-store')
  }
  expect(nonces.size).toBe(paths.length)
  expect(complaints).toEqual([])
})

test('a page asked for by another name of this machine goes to the printed address', async ({ portal }) => {
  const { port } = new URL(portal.origin)
  const answer = await fetch(`http://localhost:${port}/signin?next=%2Fadmin`, { redirect: 'manual' })
  expect(answer.status).toBe(303)
  expect(answer.headers.get('location')).toBe(`${portal.origin}/signin?next=%2Fadmin`)
  expect((await fetch(`http://localhost:${port}/healthz`, { redirect: 'manual' })).status).toBe(200)
})

test('attempt 35: the route that sends on to the printed address leads nowhere else, whatever path it is told', async ({
  portal,
}) => {
  const sentTo = async (path: string) => {
    const told = Buffer.from(path).toString('base64url')
    const answer = await fetch(`${portal.origin}/own-address?path=${told}`, { redirect: 'manual' })
    expect(answer.status, path).toBe(303)
    return new URL(answer.headers.get('location') ?? '', portal.origin)
  }
  for (const path of [
    'https://evil.example',
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/\t/evil.example',
    '@evil.example',
    '.evil.example',
    'javascript:alert(1)',
  ])
    expect((await sentTo(path)).origin, path).toBe(portal.origin)
  expect((await sentTo('/admin?q=1')).href).toBe(`${portal.origin}/admin?q=1`)
})

test('attempt 37: only the parts of the sign-in library that are needed are there', async ({ portal }) => {
  for (const path of ['session', 'signout', 'verify-request', '_log'])
    expect((await fetch(`${portal.origin}/api/auth/${path}`, { redirect: 'manual' })).status, path).toBe(404)
  expect((await fetch(`${portal.origin}/api/auth/csrf`)).status).toBe(200)
})
