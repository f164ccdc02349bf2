import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PROJECT_ROOT } from '../lib/build.ts'
import { cookieHeader, expect, feed, logLine, test } from './fixtures.ts'
import { TEST_BUILD } from './portal.ts'

/**
 * The status matrix: every route of the build × who asks × what is asked. The routes come from the build's own
 * manifest; one that is not in the table fails.
 */

const PEOPLE = ['hr-owner', 'web-owner', 'no-groups', 'admin'] as const
type Who = 'anonymous' | 'signed out' | (typeof PEOPLE)[number]
const EVERYBODY: readonly Who[] = ['anonymous', 'signed out', ...PEOPLE]

type Expected =
  /** A page with a heading. */
  | { readonly status: number; readonly page: RegExp }
  /** `{error, message, ref}`, no-store. */
  | { readonly status: number; readonly error: string; readonly names?: RegExp }
  | { readonly status: readonly number[]; readonly to: string }
  | { readonly status: number; readonly type?: RegExp }

interface Asked {
  readonly path: string
  readonly method?: string
  readonly form?: Record<string, string>
  /** The `Origin` of the form's page; the portal's own when left out. */
  readonly origin?: string
}

type Row = readonly [asked: string | Asked, who: readonly Who[], expected: Expected]

const NOT_FOUND: Expected = { status: 404, page: /Not found/ }
const NO_DATA: Expected = { status: 404, error: 'not_found' }
const STRANGERS: readonly Who[] = ['anonymous', 'signed out']
const toSignIn = (path: string): Expected => ({
  status: [303, 307],
  to: `/signin?next=${encodeURIComponent(path)}`,
})
const bad = (names: RegExp): Expected => ({ status: 400, error: 'bad_parameter', names })

/** Ids that are somebody else's, nobody's, and none at all. */
const FOREIGN = [
  '762',
  '999999',
  '0101',
  '1e2',
  '-1',
  '%00',
  '%EF%BC%91',
  '123456789012345678901',
  'x',
  '1824x',
]
const OTHERS: readonly Who[] = ['web-owner', 'no-groups', 'admin']

/** What each parameter of the explorer takes and does not. */
const GOOD_QUERIES = [
  '?from=15m',
  '?from=today',
  '?from=2026-11-23T13:55&to=2026-11-23T14:55',
  '?from=0&to=now&limit=1000&order=desc&tz=utc',
  '?tz=America/New_York',
  '?after=oldest',
  '?from=&to=&limit=',
  '?from=2030-01-01&to=2030-01-01',
]
const BAD_QUERIES: readonly (readonly [string, RegExp])[] = [
  ['?from=soon', /from=soon/],
  ['?from=now&to=0', /from=now/],
  ['?from=today&to=now', /to=now/],
  ['?to=nonsense', /to=nonsense/],
  ['?from=1h&from=2h', /&#x27;from&#x27; is given more than once|'from' is given more than once/],
  ['?colour=red', /colour/],
]
const BAD_ON_PAGES: readonly (readonly [string, RegExp])[] = [
  ['?limit=0', /limit: takes/],
  ['?limit=1001', /limit: takes/],
  ['?after=x', /after: takes/],
  ['?before=oldest', /before: takes/],
  ['?at=1', /at: takes/],
  ['?context=5', /context: goes with at/],
  ['?order=up', /order: takes/],
  ['?tz=Mars/Olympus', /tz/],
]

const TABLE: Readonly<Record<string, readonly Row[]>> = {
  '/': [
    ['/', STRANGERS, toSignIn('/')],
    ['/', ['hr-owner'], { status: [307], to: '/collections/1824' }],
    ['/', ['web-owner'], { status: 200, page: /Collections/ }],
    ['/', ['no-groups'], { status: 200, page: /No collection is open to you/ }],
    ['/', ['admin'], { status: [307], to: '/admin' }],
    ['/?q=fin&sort=total', ['web-owner'], { status: 200, page: /Collections/ }],
    ['/?sort=size', ['web-owner'], { status: 400, page: /sort: takes/ }],
    ['/?page=2', [...PEOPLE], { status: 400, page: /page/ }],
  ],
  '/admin': [
    ['/admin', STRANGERS, toSignIn('/admin')],
    ['/admin', ['hr-owner', 'web-owner', 'no-groups'], NOT_FOUND],
    ['/admin?sort=nonsense', ['hr-owner'], NOT_FOUND],
    ['/admin', ['admin'], { status: 200, page: /All collections/ }],
    ['/admin?q=hr&sort=name', ['admin'], { status: 200, page: /All collections/ }],
    ['/admin?sort=size', ['admin'], { status: 400, page: /sort: takes/ }],
    ['/admin?q=a&q=b', ['admin'], { status: 400, page: /given more than once/ }],
  ],
  '/admin/access': [
    ['/admin/access', STRANGERS, toSignIn('/admin/access')],
    ['/admin/access', ['hr-owner', 'web-owner', 'no-groups'], NOT_FOUND],
    ['/admin/access?x=1', ['hr-owner'], NOT_FOUND],
    [{ path: '/admin/access', form: { collection: '1824' } }, ['hr-owner', 'no-groups'], NOT_FOUND],
    ['/admin/access', ['admin'], { status: 200, page: /Who can read what/ }],
    ['/admin/access?x=1', ['admin'], { status: 400, page: /is not a parameter here/ }],
  ],
  '/admin/audit': [
    ['/admin/audit', STRANGERS, toSignIn('/admin/audit')],
    ['/admin/audit', ['hr-owner', 'web-owner', 'no-groups'], NOT_FOUND],
    ['/admin/audit?action=x', ['hr-owner'], NOT_FOUND],
    ['/admin/audit', ['admin'], { status: 200, page: /Audit/ }],
    ['/admin/audit?collection=1824&person=hr&action=view', ['admin'], { status: 200, page: /Audit/ }],
    ['/admin/audit?collection=01', ['admin'], { status: 400, page: /collection: takes/ }],
    ['/admin/audit?action=rename', ['admin'], { status: 400, page: /action: takes/ }],
    ['/admin/audit?before=x', ['admin'], { status: 400, page: /before: takes/ }],
  ],
  '/admin/access/end-sessions': [
    [{ path: '/admin/access/end-sessions', method: 'GET' }, EVERYBODY, { status: 405 }],
    [
      { path: '/admin/access/end-sessions', form: {}, origin: 'https://evil.example' },
      EVERYBODY,
      { status: 403, error: 'cross_site' },
    ],
    [
      { path: '/admin/access/end-sessions', form: {} },
      STRANGERS,
      { status: [303], to: '/signin?next=%2Fadmin%2Faccess' },
    ],
    [{ path: '/admin/access/end-sessions', form: {} }, ['hr-owner', 'web-owner', 'no-groups'], NO_DATA],
    [{ path: '/admin/access/end-sessions', form: {} }, ['admin'], bad(/takes issuer and subject/)],
    [
      { path: '/admin/access/end-sessions', form: { issuer: 'x', subject: 'y' } },
      ['admin'],
      { status: [303], to: '/admin/access?ended=0' },
    ],
  ],
  '/account': [
    ['/account', STRANGERS, toSignIn('/account')],
    ['/account', PEOPLE, { status: 200, page: /Where you are signed in/ }],
    ['/account?ended=2', PEOPLE, { status: 200, page: /2 sessions of yours were ended/ }],
    ['/account?ended=x', ['hr-owner'], { status: 400, page: /ended: takes a number/ }],
    ['/account?x=1', ['hr-owner'], { status: 400, page: /is not a parameter here/ }],
  ],
  '/account/sessions': [
    [{ path: '/account/sessions', method: 'GET' }, EVERYBODY, { status: 405 }],
    [
      { path: '/account/sessions', form: { end: 'others' }, origin: 'https://evil.example' },
      EVERYBODY,
      { status: 403, error: 'cross_site' },
    ],
    [
      { path: '/account/sessions', form: { end: 'others' } },
      STRANGERS,
      { status: [303], to: '/signin?next=%2Faccount' },
    ],
    [{ path: '/account/sessions', form: {} }, PEOPLE, bad(/end: takes others/)],
    [
      { path: '/account/sessions', form: { end: 'one', session: 'x' } },
      PEOPLE,
      { status: [303], to: '/account?ended=0' },
    ],
  ],
  '/account/tokens/revoke': [
    [{ path: '/account/tokens/revoke', method: 'GET' }, EVERYBODY, { status: 405 }],
    [
      { path: '/account/tokens/revoke', form: { token: 'x' }, origin: 'https://evil.example' },
      EVERYBODY,
      { status: 403, error: 'cross_site' },
    ],
    [{ path: '/account/tokens/revoke', form: {} }, EVERYBODY, bad(/token: takes/)],
    [{ path: '/account/tokens/revoke', form: { token: 'x' } }, STRANGERS, toSignIn('/account')],
    [
      { path: '/account/tokens/revoke', form: { token: 'x' } },
      PEOPLE,
      { status: [303], to: '/account#tokens' },
    ],
  ],
  '/device': [
    ['/device?user_code=BBBB-BBBB', STRANGERS, toSignIn('/device?user_code=BBBB-BBBB')],
    ['/device', [...PEOPLE], { status: 200, page: /shows a code such as/ }],
    ['/device?user_code=BBBB-BBBB', [...PEOPLE], { status: 200, page: /No device is waiting/ }],
    ['/device?code=x', [...PEOPLE], { status: 400, page: /is not a parameter here/ }],
  ],
  '/device/code': [
    [{ path: '/device/code', method: 'GET' }, EVERYBODY, { status: 405 }],
    [{ path: '/device/code', form: {} }, EVERYBODY, { status: 400, type: /json/ }],
    [{ path: '/device/code', form: { client_id: 'x' } }, EVERYBODY, { status: 200, type: /json/ }],
  ],
  '/device/token': [
    [{ path: '/device/token', method: 'GET' }, EVERYBODY, { status: 405 }],
    [{ path: '/device/token', form: {} }, EVERYBODY, { status: 400, type: /json/ }],
  ],
  '/device/decide': [
    [{ path: '/device/decide', method: 'GET' }, EVERYBODY, { status: 405 }],
    [
      { path: '/device/decide', form: { decision: 'yes' }, origin: 'https://evil.example' },
      EVERYBODY,
      { status: 403, error: 'cross_site' },
    ],
    [{ path: '/device/decide', form: { decision: 'x' } }, EVERYBODY, bad(/decision: takes/)],
    [{ path: '/device/decide', form: { decision: 'no' } }, STRANGERS, toSignIn('/device')],
    [
      { path: '/device/decide', form: { decision: 'no' } },
      PEOPLE,
      { status: [303], to: '/device?outcome=none' },
    ],
  ],
  '/collections/[id]': [
    ['/collections/1824', STRANGERS, toSignIn('/collections/1824')],
    ['/collections/x?from=soon', STRANGERS, toSignIn('/collections/x?from=soon')],
    ['/collections/1824', ['hr-owner'], { status: 200, page: /Human Resources/ }],
    ['/collections/1824', OTHERS, NOT_FOUND],
    ['/collections/1824?from=soon', OTHERS, NOT_FOUND],
    ...FOREIGN.map((id): Row => [`/collections/${id}`, ['hr-owner'], NOT_FOUND]),
    ...GOOD_QUERIES.map(
      (query): Row => [`/collections/1824${query}`, ['hr-owner'], { status: 200, page: /Human Resources/ }],
    ),
    ...[...BAD_QUERIES, ...BAD_ON_PAGES].map(
      ([query, names]): Row => [`/collections/1824${query}`, ['hr-owner'], { status: 400, page: names }],
    ),
  ],
  '/collections/[id]/download': [
    ['/collections/1824/download', STRANGERS, { status: 401, error: 'unauthenticated' }],
    ['/collections/x/download?from=soon', STRANGERS, { status: 401, error: 'unauthenticated' }],
    ['/collections/1824/download', OTHERS, NO_DATA],
    ['/collections/1824/download?from=soon', OTHERS, NO_DATA],
    ...FOREIGN.map((id): Row => [`/collections/${id}/download`, ['hr-owner'], NO_DATA]),
    ['/collections/1824/download', ['hr-owner'], { status: 200, type: /^text\/plain/ }],
    ['/collections/1824/download?from=15m&format=log', ['hr-owner'], { status: 200, type: /^text\/plain/ }],
    ['/collections/1824/download?format=csv', ['hr-owner'], { status: 200, type: /^text\/csv/ }],
    [
      '/collections/1824/download?format=ndjson',
      ['hr-owner'],
      { status: 200, type: /^application\/x-ndjson/ },
    ],
    ['/collections/1824/download?gzip=1', ['hr-owner'], { status: 200, type: /^application\/gzip/ }],
    [{ path: '/collections/1824/download', method: 'HEAD' }, ['hr-owner'], { status: 200 }],
    [{ path: '/collections/1824/download', method: 'POST' }, EVERYBODY, { status: 405 }],
    ...[
      ...BAD_QUERIES,
      ['?format=xml', /format.*log, csv/] as const,
      ['?gzip=yes', /gzip/] as const,
      ['?limit=5', /limit/] as const,
      // Not built yet.
      ['?q=text', /q/] as const,
      ['?status=4xx', /status/] as const,
      ['?tz=utc', /tz/] as const,
    ].map(([query, names]): Row => [`/collections/1824/download${query}`, ['hr-owner'], bad(names)]),
  ],
  '/collections/[id]/readers': [
    ['/collections/1824/readers', STRANGERS, toSignIn('/collections/1824/readers')],
    ['/collections/1824/readers', ['hr-owner'], { status: 200, page: /Who read this/ }],
    ['/collections/1824/readers', OTHERS, NOT_FOUND],
    ['/collections/1824/readers?before=x', OTHERS, NOT_FOUND],
    ...FOREIGN.map((id): Row => [`/collections/${id}/readers`, ['hr-owner'], NOT_FOUND]),
    ['/collections/1824/readers?before=x', ['hr-owner'], { status: 400, page: /before: takes/ }],
    ['/collections/1824/readers?person=x', ['hr-owner'], { status: 400, page: /is not a parameter here/ }],
  ],
  '/signin': [
    ['/signin', STRANGERS, { status: 200, page: /Sign in/ }],
    ['/signin?next=/admin', ['hr-owner'], { status: [307], to: '/admin' }],
    ['/signin?next=https://evil.example/', ['hr-owner'], { status: [307], to: '/' }],
    ['/signin?error=denied&ref=00ff', EVERYBODY, { status: 200, page: /did not let you in/ }],
  ],
  '/signin/start': [
    [{ path: '/signin/start', method: 'GET' }, EVERYBODY, { status: 405 }],
    [
      { path: '/signin/start', form: {}, origin: 'https://evil.example' },
      EVERYBODY,
      { status: 403, error: 'cross_site' },
    ],
    [{ path: '/signin/start', form: { next: '/admin' } }, EVERYBODY, { status: [303], to: 'the provider' }],
  ],
  '/signin/again': [
    ['/signin/again?next=/admin', EVERYBODY, { status: [303], to: '/signin?next=%2Fadmin' }],
    ['/signin/again?next=//evil.example', EVERYBODY, { status: [303], to: '/signin' }],
    [{ path: '/signin/again', method: 'POST' }, EVERYBODY, { status: 405 }],
  ],
  '/signout': [
    [{ path: '/signout', method: 'GET' }, EVERYBODY, { status: 405 }],
    [
      { path: '/signout', form: {}, origin: 'https://evil.example' },
      EVERYBODY,
      { status: 403, error: 'cross_site' },
    ],
    [{ path: '/signout', form: {} }, STRANGERS, { status: [303], to: '/signin' }],
  ],
  '/signout/backchannel': [
    [{ path: '/signout/backchannel', method: 'GET' }, EVERYBODY, { status: 405 }],
    [{ path: '/signout/backchannel', form: {} }, EVERYBODY, bad(/form field logout_token/)],
    [
      { path: '/signout/backchannel', form: { logout_token: 'x' }, origin: 'https://evil.example' },
      EVERYBODY,
      bad(/no signed token/),
    ],
  ],
  '/theme': [
    [{ path: '/theme', method: 'GET' }, EVERYBODY, { status: 405 }],
    [
      { path: '/theme', form: { theme: 'dark' }, origin: 'https://evil.example' },
      EVERYBODY,
      { status: 403, error: 'cross_site' },
    ],
    [{ path: '/theme', form: { theme: 'dark' } }, EVERYBODY, { status: [303], to: '/' }],
    [{ path: '/theme', form: { theme: 'pink' } }, EVERYBODY, bad(/theme: takes system, light, dark/)],
  ],
  '/healthz': [
    ['/healthz', EVERYBODY, { status: 200, type: /^application\/json/ }],
    [{ path: '/healthz', method: 'POST' }, EVERYBODY, { status: 405 }],
  ],
  '/api/auth/[...nextauth]': [
    ['/api/auth/csrf', EVERYBODY, { status: 200 }],
    ['/api/auth/providers', EVERYBODY, { status: 200 }],
    ['/api/auth/session', EVERYBODY, { status: 404 }],
    ['/api/auth/signout', EVERYBODY, { status: 404 }],
    ['/api/auth/_log', EVERYBODY, { status: 404 }],
  ],
  '/own-address': [['/own-address', EVERYBODY, { status: [303], to: '/' }]],
  '/icon.svg': [['/icon.svg', EVERYBODY, { status: 200, type: /^image\/svg/ }]],
  '/_not-found': [
    ['/no/such/page', EVERYBODY, NOT_FOUND],
    // What is not built yet is no route.
    ['/metrics', EVERYBODY, NOT_FOUND],
    ['/admin/ingest', EVERYBODY, NOT_FOUND],
    ['/collections/1824/manifest', EVERYBODY, NOT_FOUND],
    ['/collections/1824/live', EVERYBODY, NOT_FOUND],
  ],
  // Shown in place of a page that failed in a way nobody foresaw; no request leads to it.
  '/_global-error': [],
}

/** With the store gone: pages and data say so, with `Retry-After`, and never that somebody is not signed in. */
const STORE_DOWN: readonly Row[] = [
  ['/', PEOPLE, { status: 503, page: /did not answer/ }],
  ['/admin', PEOPLE, { status: 503, page: /did not answer/ }],
  ['/account', PEOPLE, { status: 503, page: /did not answer/ }],
  ['/admin/access', PEOPLE, { status: 503, page: /did not answer/ }],
  ['/admin/audit', PEOPLE, { status: 503, page: /did not answer/ }],
  ['/collections/1824/readers', PEOPLE, { status: 503, page: /did not answer/ }],
  ['/collections/1824', PEOPLE, { status: 503, page: /did not answer/ }],
  ['/collections/762?from=soon', PEOPLE, { status: 503, page: /did not answer/ }],
  ['/collections/1824/download', PEOPLE, { status: 503, error: 'store_unavailable' }],
  ['/device', PEOPLE, { status: 503, page: /did not answer/ }],
  [
    { path: '/device/code', form: { client_id: 'x' } },
    ['anonymous'],
    { status: 503, error: 'store_unavailable' },
  ],
  ['/signin', PEOPLE, { status: 503, page: /did not answer/ }],
  ['/healthz', EVERYBODY, { status: 503 }],
  ['/', ['anonymous'], toSignIn('/')],
  ['/collections/1824/download', ['anonymous'], { status: 401, error: 'unauthenticated' }],
]

test('every route of the build stands in the table', () => {
  const manifest = join(PROJECT_ROOT, TEST_BUILD, 'app-path-routes-manifest.json')
  const routes = Object.values(JSON.parse(readFileSync(manifest, 'utf8')) as Record<string, string>)
  expect([...routes].sort()).toEqual(Object.keys(TABLE).sort())
})

test('each route answers each of them as the table says, also while the store is away', async ({
  signedIn,
  portal,
}) => {
  test.setTimeout(480_000)
  await feed(portal, [logLine('1824', 'a'), logLine('762', 'b')])
  const cookies = new Map<Who, string>([['anonymous', '']])
  for (const who of PEOPLE) cookies.set(who, await cookieHeader(await signedIn(who)))
  const leaver = await signedIn('hr-owner')
  cookies.set('signed out', await cookieHeader(leaver))
  await leaver.getByRole('button', { name: 'Sign out' }).click()
  await leaver.waitForURL(/session\/end/)

  const ask = async ([asked, people, expected]: Row) => {
    const {
      path,
      form,
      origin = portal.origin,
      ...rest
    } = typeof asked === 'string' ? { path: asked } : asked
    const method = 'method' in rest && rest.method ? rest.method : form ? 'POST' : 'GET'
    for (const who of people) {
      const what = `${method} ${path} as ${who}`
      const answer = await fetch(`${portal.origin}${path}`, {
        method,
        redirect: 'manual',
        headers: { cookie: cookies.get(who) ?? '', ...(method === 'GET' ? {} : { origin }) },
        ...(form ? { body: new URLSearchParams(form) } : {}),
      })
      const body = await answer.text()
      expect.soft([expected.status].flat(), what).toContain(answer.status)
      if (answer.status === 503) expect.soft(answer.headers.get('retry-after'), what).toMatch(/^[0-9]+$/)
      if ('page' in expected) {
        expect.soft(answer.headers.get('content-type'), what).toMatch(/^text\/html/)
        expect.soft(expected.page.test(body), `${what}: ${expected.page}`).toBe(true)
        if (answer.status === 400 || answer.status === 503)
          expect.soft(/ref (<!-- -->)?[0-9a-f]{4}/.test(body), `${what}: a reference`).toBe(true)
      }
      if ('type' in expected && expected.type)
        expect.soft(answer.headers.get('content-type'), what).toMatch(expected.type)
      if ('to' in expected) {
        const to = new URL(answer.headers.get('location') ?? '', portal.origin)
        if (expected.to === 'the provider') expect.soft(to.origin, what).toBe(portal.provider.issuer)
        else expect.soft(to.href, what).toBe(`${portal.origin}${expected.to}`)
      }
      if ('error' in expected) {
        const { error, message, ref, ...more } = JSON.parse(body) as Record<string, string>
        expect.soft([error, more], what).toEqual([expected.error, {}])
        expect.soft(ref, what).toMatch(/^[0-9a-f]{4}$/)
        expect.soft(message, what).toMatch(expected.names ?? /./)
        expect.soft(answer.headers.get('cache-control'), what).toContain('no-store')
      }
    }
  }
  for (const rows of Object.values(TABLE)) for (const row of rows) await ask(row)
  portal.redis.process.kill('SIGSTOP')
  try {
    for (const row of STORE_DOWN) await ask(row)
  } finally {
    portal.redis.process.kill('SIGCONT')
  }
  await ask(['/collections/1824', ['hr-owner'], { status: 200, page: /Human Resources/ }])
})
