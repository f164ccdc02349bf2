/**
 * The forms of `REDIS_URL`, taken apart. Pure: who connects is `redis-client.ts`.
 *
 *     redis://[user:password@]host[:port][/db]                        one server; rediss:// with TLS
 *     redis://[user:password@]host[:port],host[:port],…               a cluster: some of its nodes, which name the others
 *     redis://[user:password@]host[:port]?cluster=true                a cluster behind one name
 *     redis+sentinel://[user:password@]host[:port],…/name[?db=N&sentinelUsername=U&sentinelPassword=P]
 *
 * A cluster's further addresses may repeat scheme and login (`redis://:p@a,redis://:p@b`); another login there is a fault.
 * With Sentinel the login before the hosts is that of the Redis servers. Anything else in a login is percent-encoded, a
 * comma as %2C.
 */

export interface HostPort {
  readonly host: string
  readonly port: number
}

interface Login {
  readonly username: string | null
  readonly password: string | null
}

export type RedisAddress =
  | { readonly kind: 'one'; readonly url: string; readonly shown: string }
  | ({
      readonly kind: 'cluster'
      readonly nodes: readonly HostPort[]
      readonly tls: boolean
      readonly shown: string
    } & Login)
  | ({
      readonly kind: 'sentinel'
      readonly sentinels: readonly HostPort[]
      /** What the sentinels call the master. */
      readonly name: string
      readonly db: number
      readonly sentinelUsername: string | null
      readonly sentinelPassword: string | null
      readonly shown: string
    } & Login)

/** What {@link parseRedisAddress} takes, in words. */
export const REDIS_URL_TAKEN =
  'takes redis://[user:password@]host[:port][/db] or rediss://…; several host:port with commas between them for a cluster; or redis+sentinel://[user:password@]host:port,host:port/name (a comma in a password is %2C)'

const REDIS_PORT = 6379
const SENTINEL_PORT = 26_379
const SENTINEL_SCHEME = 'redis+sentinel:'
const SCHEME = /^([a-z+]+:)\/\//

/** @returns what the text names, or null where it is none of the forms. */
export function parseRedisAddress(text: string): RedisAddress | null {
  const scheme = SCHEME.exec(text)?.[1]
  const items = text.split(',')
  const urls = items.map((item) => urlOf(SCHEME.test(item) ? item : `${scheme}//${item}`))
  if (!urls.every((url): url is URL => url !== null && url.protocol === scheme)) return null
  if (scheme === SENTINEL_SCHEME) return sentinelAddress(urls)
  if (scheme !== 'redis:' && scheme !== 'rediss:') return null
  const [first] = urls
  if (urls.length === 1 && first && first.searchParams.get('cluster') !== 'true')
    return oneAddress(text, first)
  return clusterAddress(urls)
}

function urlOf(text: string): URL | null {
  if (!URL.canParse(text)) return null
  const url = new URL(text)
  return url.hostname === '' || loginOf(url) === null ? null : url
}

function loginOf(url: URL): Login | null {
  try {
    return {
      username: decodeURIComponent(url.username) || null,
      password: decodeURIComponent(url.password) || null,
    }
  } catch {
    // A percent sign that begins no code.
    return null
  }
}

/** The login of a list of addresses: each has the first one's or none. */
function sharedLogin(urls: readonly URL[]): Login | null {
  const [first, ...others] = urls
  const own = (url: URL) => `${url.username}:${url.password}`
  if (!first || others.some((url) => own(url) !== ':' && own(url) !== own(first))) return null
  return loginOf(first)
}

const hostPort = (url: URL, defaultPort: number): HostPort => ({
  // Brackets belong to the address of a URL, not to that of a socket.
  host: url.hostname.replace(/^\[|\]$/g, ''),
  port: url.port === '' ? defaultPort : Number(url.port),
})

/** Whether nothing stands in these parts of a URL but the parameters named. */
function hasOnly(url: URL, path: RegExp, parameters: readonly string[]): boolean {
  const names = [...url.searchParams.keys()]
  return (
    path.test(url.pathname) &&
    url.hash === '' &&
    names.every((name) => parameters.includes(name)) &&
    new Set(names).size === names.length
  )
}

const hostsOf = (urls: readonly URL[]) => urls.map(({ host }) => host).join(',')

function oneAddress(text: string, url: URL): RedisAddress | null {
  if (!/^\/?[0-9]*$/.test(url.pathname)) return null
  const shown = new URL(url)
  shown.username = shown.password = shown.search = shown.hash = ''
  return { kind: 'one', url: text, shown: shown.href }
}

function clusterAddress(urls: readonly URL[]): RedisAddress | null {
  const login = sharedLogin(urls)
  // A cluster has database 0 alone.
  if (!login || !urls.every((url) => hasOnly(url, /^(\/0?)?$/, ['cluster']))) return null
  if (urls.some(({ searchParams }) => (searchParams.get('cluster') ?? 'true') !== 'true')) return null
  const scheme = urls[0]?.protocol
  const nodes = urls.map((url) => hostPort(url, REDIS_PORT))
  return { kind: 'cluster', nodes, ...login, tls: scheme === 'rediss:', shown: `${scheme}//${hostsOf(urls)}` }
}

function sentinelAddress(urls: readonly URL[]): RedisAddress | null {
  const login = sharedLogin(urls)
  const last = urls.at(-1)
  if (!login || !last || !urls.slice(0, -1).every((url) => hasOnly(url, /^$/, []))) return null
  if (!hasOnly(last, /^\/[\w.-]+$/, ['db', 'sentinelUsername', 'sentinelPassword'])) return null
  const { searchParams } = last
  const db = searchParams.get('db') ?? '0'
  if (!/^[0-9]{1,5}$/.test(db)) return null
  const name = last.pathname.slice(1)
  return {
    kind: 'sentinel',
    sentinels: urls.map((url) => hostPort(url, SENTINEL_PORT)),
    name,
    ...login,
    db: Number(db),
    sentinelUsername: searchParams.get('sentinelUsername'),
    sentinelPassword: searchParams.get('sentinelPassword'),
    shown: `${SENTINEL_SCHEME}//${hostsOf(urls)}/${name}`,
  }
}
