import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PortalError } from './errors.ts'
import { type Environment, parseRedisUrl } from './redis-setting.ts'
import {
  isProduction,
  parseListenSettings,
  parseMaintenanceSettings,
  parsePortalSettings,
} from './settings.ts'

const COMPLETE = {
  REDIS_URL: 'redis://redis.example.org:6379',
  OIDC_ISSUER: 'https://login.example.org/realms/main',
  OIDC_CLIENT_ID: 'log-portal',
  OIDC_CLIENT_SECRET: 'client secret',
  NEXTAUTH_URL: 'https://logs.example.org',
  NEXTAUTH_SECRET: 's'.repeat(32),
  ACCESS_FILE: '/etc/log-portal/access.yaml',
} satisfies Environment

/** The lines that name what is wrong. */
function faults(parse: () => unknown): string[] {
  try {
    parse()
  } catch (error) {
    assert.ok(error instanceof PortalError)
    assert.equal(error.code, 'bad_settings')
    return (error.detail ?? '').split('\n')
  }
  return assert.fail('was taken')
}

const portalFaults = (env: Environment) => faults(() => parsePortalSettings(env))
const changed = (changes: Environment) => portalFaults({ ...COMPLETE, ...changes })

test('complete settings are read, with defaults for the rest', () => {
  assert.deepEqual(parsePortalSettings(COMPLETE), {
    listen: { host: '127.0.0.1', port: 3000 },
    redisUrl: COMPLETE.REDIS_URL,
    oidc: {
      issuer: COMPLETE.OIDC_ISSUER,
      clientId: 'log-portal',
      clientSecret: 'client secret',
      authMethod: 'client_secret_basic',
      scope: 'openid profile email',
      name: 'single sign-on',
    },
    publicOrigin: 'https://logs.example.org',
    secret: COMPLETE.NEXTAUTH_SECRET,
    accessFile: COMPLETE.ACCESS_FILE,
    contact: null,
    sessionIdleSeconds: 3600,
    auditDays: 365,
    trustProxy: '',
    logoutTokenTyp: 'strict',
  })
})

test('every optional setting is taken', () => {
  const settings = parsePortalSettings({
    ...COMPLETE,
    HOST: '0.0.0.0',
    PORT: '8080',
    OIDC_AUTH_METHOD: 'client_secret_post',
    OIDC_SCOPE: 'openid groups',
    OIDC_NAME: 'Example login',
    CONTACT: 'The service desk, room 7',
    SESSION_IDLE: '90m',
    AUDIT_DAYS: '30',
    TRUST_PROXY: '10.0.0.0/24, 2001:db8::1',
    LOGOUT_TOKEN_TYP: 'any',
  })
  assert.deepEqual([settings.logoutTokenTyp, settings.trustProxy], ['any', '10.0.0.0/24, 2001:db8::1'])
  assert.equal(settings.auditDays, 30)
  assert.deepEqual(settings.contact, { text: 'The service desk, room 7', href: null })
  assert.deepEqual(settings.listen, { host: '0.0.0.0', port: 8080 })
  assert.deepEqual(
    [settings.oidc.authMethod, settings.oidc.scope, settings.oidc.name, settings.sessionIdleSeconds],
    ['client_secret_post', 'openid groups', 'Example login', 5400],
  )
})

test('attempt 55: names every setting that is missing or bad at once, one line each', () => {
  assert.deepEqual(
    portalFaults({}),
    Object.keys(COMPLETE).map((name) => `${name}: is missing`),
  )
  const lines = changed({
    REDIS_URL: 'mysql://x',
    OIDC_ISSUER: 'ftp://x',
    OIDC_CLIENT_ID: undefined,
    OIDC_AUTH_METHOD: 'private_key_jwt',
    OIDC_SCOPE: 'profile',
    NEXTAUTH_URL: 'http://logs.example.org/portal',
    NEXTAUTH_SECRET: 'short',
    PORT: '99999',
    SESSION_IDLE: '1 hour',
    AUDIT_DAYS: '0',
    TRUST_PROXY: 'yes',
    LOGOUT_TOKEN_TYP: 'loose',
  })
  assert.deepEqual(lines.map((line) => line.slice(0, line.indexOf(':'))).sort(), [
    'AUDIT_DAYS',
    'LOGOUT_TOKEN_TYP',
    'NEXTAUTH_SECRET',
    'NEXTAUTH_URL',
    'OIDC_AUTH_METHOD',
    'OIDC_CLIENT_ID',
    'OIDC_ISSUER',
    'OIDC_SCOPE',
    'PORT',
    'REDIS_URL',
    'SESSION_IDLE',
    'TRUST_PROXY',
  ])
  for (const line of lines) assert.match(line, /: (is missing|takes .+)$/)
})

test('an empty setting is an absent one', () => {
  assert.deepEqual(changed({ ACCESS_FILE: '' }), ['ACCESS_FILE: is missing'])
  assert.equal(
    parsePortalSettings({ ...COMPLETE, PORT: '', OIDC_NAME: '', SESSION_IDLE: '' }).listen.port,
    3000,
  )
})

test('no value is ever repeated, since some are secrets', () => {
  const secret = 'hunter2'
  const lines = changed({
    REDIS_URL: `redis://user:${secret}@a,b/name`,
    OIDC_ISSUER: `http://${secret}@example.org`,
    OIDC_AUTH_METHOD: secret,
    OIDC_SCOPE: secret,
    NEXTAUTH_URL: `https://${secret}@example.org/x`,
    NEXTAUTH_SECRET: secret,
    PORT: secret,
    SESSION_IDLE: secret,
  })
  assert.ok(lines.length >= 8)
  assert.doesNotMatch(lines.join('\n'), /hunter2/)
  const error = (() => {
    try {
      return parsePortalSettings({ NEXTAUTH_SECRET: secret })
    } catch (thrown) {
      return thrown as PortalError
    }
  })()
  assert.ok(error instanceof PortalError)
  assert.doesNotMatch(`${error.message} ${error.publicMessage} ${error.stack} ${error.cause}`, /hunter2/)
})

test('attempt 55: http is taken for issuer and origin on loopback only', () => {
  for (const origin of [
    'http://127.0.0.1:3000',
    'http://[::1]:3000',
    'http://localhost:3000',
    'https://x.example.org',
  ]) {
    const settings = parsePortalSettings({ ...COMPLETE, OIDC_ISSUER: origin, NEXTAUTH_URL: origin })
    assert.deepEqual([settings.oidc.issuer, settings.publicOrigin], [origin, origin])
  }
  for (const url of [
    'http://logs.example.org',
    'http://localhost.example.org',
    'http://127.0.0.1.example.org',
    'http://127.0.0.1@example.org',
    'http://10.0.0.1',
    'ftp://localhost',
    'localhost:3000',
    'x',
  ])
    for (const name of ['OIDC_ISSUER', 'NEXTAUTH_URL'])
      assert.match(changed({ [name]: url }).join('\n'), new RegExp(`^${name}: takes an`), url)
})

test('the portal’s own address is an origin, given with or without its slash', () => {
  const origin = (url: string) => parsePortalSettings({ ...COMPLETE, NEXTAUTH_URL: url }).publicOrigin
  assert.equal(origin('https://logs.example.org/'), 'https://logs.example.org')
  assert.equal(origin('https://LOGS.example.org:443'), 'https://logs.example.org')
  for (const url of [
    'https://logs.example.org/x',
    'https://logs.example.org/?a',
    'https://a@logs.example.org',
  ])
    assert.match(changed({ NEXTAUTH_URL: url }).join(), /takes an origin without path/, url)
})

test('attempt 55: a secret has at least 32 characters', () => {
  assert.match(
    changed({ NEXTAUTH_SECRET: 's'.repeat(31) }).join(),
    /^NEXTAUTH_SECRET: takes at least 32 characters$/,
  )
})

test('a port is a number from 0 to 65535', () => {
  const port = (text: string) => parseListenSettings({ PORT: text }).port
  assert.deepEqual(['0', '1', '65535'].map(port), [0, 1, 65_535])
  for (const text of ['65536', '-1', '1.5', '0x50', ' 80', '80a', '123456'])
    assert.deepEqual(
      faults(() => port(text)),
      ['PORT: takes a port number from 0 to 65535'],
      text,
    )
})

test('a duration is a whole number and a unit', () => {
  const seconds = (text: string) =>
    parsePortalSettings({ ...COMPLETE, SESSION_IDLE: text }).sessionIdleSeconds
  assert.deepEqual(['90s', '60m', '8h', '1d'].map(seconds), [90, 3600, 28_800, 86_400])
  for (const text of ['0m', '60', 'm', '1.5h', '-1h', '1w', '1h30m', ' 1h'])
    assert.match(changed({ SESSION_IDLE: text }).join(), /^SESSION_IDLE: takes a duration/, text)
})

test('a contact leads somewhere when it is a mail address or a link by https or mailto, and is text otherwise', () => {
  const hrefOf = (text: string) => parsePortalSettings({ ...COMPLETE, CONTACT: text }).contact?.href
  const cases: readonly [string, string | null][] = [
    ['logs@foo.com', 'mailto:logs@foo.com'],
    [" o'neil+logs?cc=x&y@help.foo.com ", "mailto:o'neil%2Blogs%3Fcc%3Dx%26y@help.foo.com"],
    ['https://help.foo.com/access?a=b', 'https://help.foo.com/access?a=b'],
    ['HTTPS://help.foo.com', 'https://help.foo.com/'],
    ['mailto:logs@foo.com?subject=Access', 'mailto:logs@foo.com?subject=Access'],
    ['https://help.foo.com or call 7', null],
    ['https://user:pass@foo.com', null],
    ['https://', null],
    ['http://help.foo.com', null],
    ['javascript:alert(1)', null],
    ['java\u200bscript:alert(1)', null],
    ['data:text/html,x', null],
    ['//foo.com', null],
    ['a@b', null],
    ['logs@foo.com,boss@foo.com', null],
    ['<b>Ask us</b>', null],
  ]
  for (const [text, href] of cases) assert.equal(hrefOf(text), href, text)
  assert.equal(parsePortalSettings({ ...COMPLETE, CONTACT: ' the web team ' }).contact?.text, 'the web team')
  for (const text of ['', '  '])
    assert.equal(parsePortalSettings({ ...COMPLETE, CONTACT: text }).contact, null)
  for (const text of ['x'.repeat(201), 'a\nb', 'a\u2028b', 'a\u001bb'])
    assert.match(changed({ CONTACT: text }).join(), /^CONTACT: takes a text of 1 to 200 characters/, text)
  assert.equal(isProduction({ CONTACT: 'x' }), false)
})

test('where to listen needs nothing else, and has defaults', () => {
  assert.deepEqual(parseListenSettings({}), { host: '127.0.0.1', port: 3000 })
  assert.deepEqual(parseListenSettings({ HOST: '::1', PORT: '4000' }), { host: '::1', port: 4000 })
})

test('the URL of Redis alone is enough for ingest, and its absence is no fault', () => {
  assert.equal(parseRedisUrl({}), null)
  assert.equal(parseRedisUrl({ REDIS_URL: '' }), null)
  for (const url of [
    'redis://127.0.0.1',
    'rediss://user:pass@redis.example.org:6380/2',
    'redis://[::1]:6379',
    'redis://a:7000,b:7000',
    'redis+sentinel://s1,s2/logs',
  ])
    assert.equal(parseRedisUrl({ REDIS_URL: url, PORT: 'x' }), url)
  for (const url of [
    '127.0.0.1:6379',
    'http://127.0.0.1',
    'redis:',
    'redis://',
    'redis://a,rediss://b',
    'redis://a,',
    'redis+sentinel://s1,s2',
  ])
    assert.match(faults(() => parseRedisUrl({ REDIS_URL: url })).join(), /^REDIS_URL: takes redis:/, url)
})

test('one production setting is enough for a production start, empty ones are none', () => {
  for (const name of [
    'REDIS_URL',
    'ACCESS_FILE',
    'OIDC_ISSUER',
    'OIDC_ANYTHING',
    'NEXTAUTH_URL',
    'NEXTAUTH_SECRET',
  ])
    assert.equal(isProduction({ [name]: 'x' }), true, name)
  for (const env of [
    {},
    { REDIS_URL: '' },
    { OIDC_ISSUER: undefined },
    { HOST: '0.0.0.0', PORT: '80', PATH: '/bin', MY_OIDC_ISSUER: 'x', REDIS_URLS: 'x', oidc_issuer: 'x' },
  ])
    assert.equal(isProduction(env), false, JSON.stringify(env))
})

test('a blank setting is a missing one, and what no server could use is named', () => {
  const blank = changed({ OIDC_CLIENT_ID: ' ', NEXTAUTH_SECRET: ' '.repeat(40) })
  assert.deepEqual(blank, ['OIDC_CLIENT_ID: is missing', 'NEXTAUTH_SECRET: is missing'])
  assert.match(changed({ SESSION_IDLE: '99999999999999999999d' }).join(), /^SESSION_IDLE: .* up to 365d$/)
  assert.match(changed({ REDIS_URL: 'redis://h/abc' }).join(), /^REDIS_URL: takes redis/)
})

test('retention is off unless it is asked for, and each of its settings is taken', () => {
  assert.deepEqual(parseMaintenanceSettings({ RETENTION_DAYS: '' }), {
    sealAfterSeconds: 900,
    retentionDays: null,
    memoryBudgetBytes: null,
    archiveDir: null,
    accessFile: null,
  })
  const settings = parseMaintenanceSettings({
    RETENTION_DAYS: '30',
    MEMORY_BUDGET: '8GiB',
    ARCHIVE_DIR: '/var/lib/archive',
    ACCESS_FILE: 'access.yaml',
    SEAL_AFTER: 'never',
  })
  assert.deepEqual(settings, {
    sealAfterSeconds: null,
    retentionDays: 30,
    memoryBudgetBytes: 8 * 1024 ** 3,
    archiveDir: '/var/lib/archive',
    accessFile: 'access.yaml',
  })
})

test('every setting of retention that is no such thing is named with what it takes', () => {
  const bad = (env: Environment) => faults(() => parseMaintenanceSettings(env)).join()
  for (const text of ['0', '-1', '1.5', '3651', '30d', ' 30', '1e3'])
    assert.match(
      bad({ RETENTION_DAYS: text }),
      /^RETENTION_DAYS: takes a whole number of days from 1 to 3650$/,
      text,
    )
  for (const text of ['0MiB', '512', '512MB', '512mib', '1.5GiB', '999999999TiB', '1 GiB'])
    assert.match(bad({ MEMORY_BUDGET: text }), /^MEMORY_BUDGET: takes a size such as 512MiB or 8GiB/, text)
  for (const text of ['archive', './archive', '~/archive'])
    assert.equal(bad({ ARCHIVE_DIR: text }), 'ARCHIVE_DIR: takes an absolute path', text)
  const all = { RETENTION_DAYS: 'x', MEMORY_BUDGET: 'x', ARCHIVE_DIR: 'x' }
  assert.equal(faults(() => parseMaintenanceSettings(all)).length, 3)
})

test('lines are sealed after a quarter of an hour, after what SEAL_AFTER says, or never', () => {
  assert.equal(parseMaintenanceSettings({}).sealAfterSeconds, 900)
  assert.equal(parseMaintenanceSettings({ SEAL_AFTER: '' }).sealAfterSeconds, 900)
  assert.equal(parseMaintenanceSettings({ SEAL_AFTER: '2h' }).sealAfterSeconds, 7200)
  assert.equal(parseMaintenanceSettings({ SEAL_AFTER: 'never' }).sealAfterSeconds, null)
  for (const text of ['0', '15', 'Never', 'soon', '-1s', '366d'])
    assert.throws(
      () => parseMaintenanceSettings({ SEAL_AFTER: text }).sealAfterSeconds,
      /SEAL_AFTER: takes a duration .*, or never$/,
      text,
    )
})
