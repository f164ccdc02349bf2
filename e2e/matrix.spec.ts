import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { PROJECT_ROOT } from '../lib/build.ts'
import { askFrom } from './ask-from.ts'
import { CookieJar } from './cookie-jar.ts'
import { deviceToken } from './device-token.ts'
import { expect, feed, logLine, test } from './fixtures.ts'
import { type RunningPortal, TEST_BUILD } from './portal.ts'

/**
 * Who gets what from where: every route of the build × who asks × how. Whether an answer has the right status is for
 * `statuses.spec.ts`; here it counts what is in it: lines, lines with addresses masked, counts, or nothing of anybody's.
 */

const SECRET = 'canary-of-the-matrix'
/** In no line of another spec. */
const ADDRESS = '203.0.113.77'
const NETWORK = '203.0.x.x'
const NAME = 'Human Resources'

const WHO = [
  'anonymous',
  'owner',
  'owner of another',
  'no groups',
  'admin',
  'masked owner',
  'token',
  'token of another',
  'ended session',
] as const
type Who = (typeof WHO)[number]

/** `nothing`: not even the name. `name`: what the collection is called, and no line. */
type Gets = 'lines' | 'masked lines' | 'name' | 'nothing'

interface Route {
  /** None where there is nothing to get by GET; then asking has to show nothing. */
  readonly paths: readonly string[]
  readonly gets: Partial<Record<Who, Gets>>
}

const nobody = (...paths: string[]): Route => ({ paths, gets: {} })
const ownersPage: Route['gets'] = { owner: 'lines', 'masked owner': 'masked lines' }
const PAGE = '/collections/1824'
/** What was fed just now: other specs leave segments behind that cannot be read, and a download of one breaks off. */
const DOWNLOAD = `${PAGE}/download?from=30m`

/** Who is not named under a route gets nothing there. */
const TABLE: Readonly<Record<string, Route>> = {
  '/': { paths: ['/', '/?q=human'], gets: {} },
  '/collections/[id]': { paths: [PAGE, `${PAGE}?from=30m`, `${PAGE}?limit=5&order=desc`], gets: ownersPage },
  '/collections/[id]/download': {
    paths: [
      '',
      '&format=csv',
      '&format=ndjson',
      '&gzip=1',
      '&format=csv&gzip=1',
      '&format=ndjson&gzip=1',
    ].map((format) => DOWNLOAD + format),
    gets: { ...ownersPage, token: 'lines' },
  },
  '/collections/[id]/readers': {
    paths: [`${PAGE}/readers`],
    gets: { owner: 'name', 'masked owner': 'name' },
  },
  '/account': { paths: ['/account'], gets: { owner: 'name', 'masked owner': 'name' } },
  '/admin': { paths: ['/admin', '/admin?q=1824'], gets: { admin: 'name' } },
  '/admin/access': { paths: ['/admin/access'], gets: { admin: 'name' } },
  '/admin/audit': nobody('/admin/audit'),
  '/admin/access/end-sessions': nobody('/admin/access/end-sessions'),
  '/account/sessions': nobody('/account/sessions'),
  '/account/tokens/revoke': nobody('/account/tokens/revoke'),
  '/device': nobody('/device'),
  '/device/code': nobody('/device/code'),
  '/device/decide': nobody('/device/decide'),
  '/device/token': nobody('/device/token'),
  '/signin': nobody('/signin'),
  '/signin/start': nobody('/signin/start'),
  '/signin/again': nobody('/signin/again?next=/collections/1824'),
  '/signout': nobody('/signout'),
  '/signout/backchannel': nobody('/signout/backchannel'),
  '/theme': nobody('/theme'),
  '/healthz': nobody('/healthz'),
  '/api/auth/[...nextauth]': nobody('/api/auth/csrf', '/api/auth/providers', '/api/auth/session'),
  '/own-address': nobody('/own-address'),
  '/icon.svg': nobody('/icon.svg'),
  '/_not-found': nobody('/no/such/page', '/collections/999999/download', '/collections/1824/nothing'),
  '/_global-error': nobody(),
}

/** How a request may be made, besides by a browser that asks for the page. */
const MANNERS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  page: { accept: 'text/html' },
  'data of the page': { rsc: '1' },
  prefetch: { rsc: '1', 'next-router-prefetch': '1' },
  'prefetch of a segment': {
    rsc: '1',
    'next-router-prefetch': '1',
    'next-router-segment-prefetch': '/_tree',
  },
}

test('every route of the build stands in the matrix', () => {
  const manifest = join(PROJECT_ROOT, TEST_BUILD, 'app-path-routes-manifest.json')
  const routes = Object.values(JSON.parse(readFileSync(manifest, 'utf8')) as Record<string, string>)
  expect([...routes].sort()).toEqual(Object.keys(TABLE).sort())
})

test('attempts 2, 5: everybody gets from every route, in every manner, what is theirs and nothing else', async ({
  portal,
}) => {
  test.setTimeout(120_000)
  await feed(portal, [logLine('1824', SECRET).replace('192.0.2.7', ADDRESS)])
  const headersOf = await everybody(portal)
  const asking = Object.entries(TABLE).flatMap(([route, { paths, gets }]) =>
    paths.flatMap((path) =>
      WHO.map((who, place) => ({ route, path, who, place, mayGet: gets[who] ?? 'nothing' })),
    ),
  )
  for (const { route, path, who, place, mayGet } of asking)
    for (const [manner, headers] of Object.entries(MANNERS)) {
      const what = `${path} (${route}) as ${who}, ${manner}`
      const answer = await askFrom({
        // Of their own, or together they would meet the limit of one address.
        address: `127.3.0.${place + 1}`,
        origin: portal.origin,
        path,
        headers: { ...headers, ...headersOf.get(who) },
      })
      expectOnly(textOf(answer.bytes) + JSON.stringify(answer.headers), { what, mayGet })
      // Of the data of pages only what may not be in it is said: how much of a page is in it is Next.js's choice.
      if (manner === 'page') expectAll(textOf(answer.bytes), { what, mayGet })
    }
})

interface Answered {
  readonly what: string
  readonly mayGet: Gets
}

function expectOnly(text: string, { what, mayGet }: Answered): void {
  if (mayGet !== 'lines') expect.soft(text.includes(ADDRESS), `${what}: the address`).toBe(false)
  if (mayGet === 'nothing' || mayGet === 'name')
    expect.soft(text.includes(SECRET), `${what}: a line`).toBe(false)
  if (mayGet === 'nothing') expect.soft(text.includes(NAME), `${what}: the name`).toBe(false)
}

function expectAll(text: string, { what, mayGet }: Answered): void {
  const parts = { lines: [SECRET, ADDRESS], 'masked lines': [SECRET, NETWORK], name: [NAME], nothing: [] }
  for (const part of parts[mayGet]) expect.soft(text.includes(part), `${what}: ${part}`).toBe(true)
}

function textOf(body: Buffer): string {
  const isGzip = body[0] === 0x1f && body[1] === 0x8b
  return (isGzip ? gunzipSync(body) : body).toString('utf8')
}

async function everybody(portal: RunningPortal): Promise<ReadonlyMap<Who, Record<string, string>>> {
  const signedIn = async (name: string) => {
    const jar = new CookieJar()
    await jar.signIn(portal.origin, name)
    return jar
  }
  const headers = new Map<Who, Record<string, string>>([['anonymous', {}]])
  for (const [who, name] of [
    ['owner', 'hr-owner'],
    ['owner of another', 'web-owner'],
    ['no groups', 'no-groups'],
    ['admin', 'admin'],
    ['masked owner', 'masked-owner'],
    ['ended session', 'hr-owner'],
  ] as const) {
    const jar = await signedIn(name)
    headers.set(who, { cookie: jar.header })
    if (who === 'ended session') await jar.post(`${portal.origin}/signout`)
    if (who === 'owner') headers.set('token', { authorization: `Bearer ${await deviceToken(jar, portal)}` })
    if (who === 'owner of another')
      headers.set('token of another', { authorization: `Bearer ${await deviceToken(jar, portal)}` })
  }
  return headers
}
