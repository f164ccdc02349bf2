import type { ChildProcess } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { endChild, isRunning, spawnBound } from '../lib/child-process.ts'
import { freePort } from './demo/redis-server.ts'
import { administration, type Registrations, registrations, setUp } from './glewlwyd-setup.ts'
import { until } from './waiting.ts'

/**
 * Glewlwyd, an identity provider written in C that Debian packages: one process on a free port of loopback, with its
 * configuration and its SQLite database in a temporary folder, set up through its own administration API. Of the system's
 * installation only what the package brought is read; its service, `/etc/glewlwyd` and its database are left alone.
 */

/** The program, and Debian's package of it. */
export const GLEWLWYD = { program: 'glewlwyd', aptPackage: 'glewlwyd' }

export interface Glewlwyd extends Registrations {
  readonly issuer: string
  /** What it wrote so far. */
  readonly log: () => string
  stop(): Promise<void>
}

const FILES = {
  schema: '/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3',
  pages: '/usr/share/glewlwyd/webapp',
  pagesConfiguration: '/usr/share/glewlwyd/templates/config.json',
  modules: '/usr/lib/glewlwyd',
}
/** A part of the issuer's address. */
const PLUGIN = 'oidc'
const START_MS = 20_000

/**
 * Starts it (the package must be installed) with a key, and without clients or users.
 * @throws Error with its log when it does not come up
 */
export async function startGlewlwyd(): Promise<Glewlwyd> {
  const directory = await mkdtemp(join(tmpdir(), 'portal-glewlwyd-'))
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  await writeFiles(directory, origin)
  let log = ''
  const child = spawnBound(GLEWLWYD.program, [`--config-file=${join(directory, 'glewlwyd.conf')}`], {
    stdio: ['ignore', 'pipe', 'pipe'],
    deathSignal: 'KILL',
  })
  // Seen by `comesUp`; without a listener Node would throw it here.
  child.once('error', () => undefined)
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => {
      log += chunk
    })
  const stop = async () => {
    await endChild(child)
    await rm(directory, { recursive: true, force: true })
  }
  try {
    await comesUp(child, origin)
    const api = await administration(`${origin}/api`)
    const issuer = `${origin}/api/${PLUGIN}`
    await setUp(api, { name: PLUGIN, issuer })
    return { issuer, ...registrations(api), log: () => log, stop }
  } catch (error) {
    await stop()
    throw new Error(`glewlwyd did not start:\n${log}`, { cause: error })
  }
}

async function comesUp(child: ChildProcess, origin: string): Promise<void> {
  const answers = () =>
    fetch(`${origin}/config`).then(
      ({ ok }) => ok,
      () => false,
    )
  await until('glewlwyd answers', async () => (await answers()) || !isRunning(child), { withinMs: START_MS })
  if (!isRunning(child)) throw new Error('it ended')
}

async function writeFiles(directory: string, origin: string): Promise<void> {
  const database = new DatabaseSync(join(directory, 'database'))
  database.exec(await readFile(FILES.schema, 'utf8'))
  database.close()
  const pages = join(directory, 'pages')
  // Copied, since it serves no file that a link leads to. The package's own link to its configuration is one to a folder.
  await cp(FILES.pages, pages, {
    recursive: true,
    dereference: true,
    filter: (path) => path !== join(FILES.pages, 'config.json'),
  })
  await cp(FILES.pagesConfiguration, join(pages, 'config.json'))
  await writeFile(join(directory, 'glewlwyd.conf'), configuration(directory, origin))
}

const MIME_TYPES = {
  '.html': 'text/html',
  '.css': 'text/css',
  '.js': 'application/javascript',
  '.json': 'application/json',
}

/** In the format of libconfig, whose texts are written as those of JSON. */
function configuration(directory: string, origin: string): string {
  const settings = {
    bind_address: '127.0.0.1',
    external_url: origin,
    login_url: 'login.html',
    api_prefix: 'api',
    static_files_path: `${join(directory, 'pages')}/`,
    log_mode: 'console',
    log_level: 'DEBUG',
    cookie_same_site: 'lax',
    admin_scope: 'g_admin',
    profile_scope: 'g_profile',
    user_module_path: join(FILES.modules, 'user'),
    client_module_path: join(FILES.modules, 'client'),
    user_auth_scheme_module_path: join(FILES.modules, 'scheme'),
    plugin_module_path: join(FILES.modules, 'plugin'),
    hash_algorithm: 'SHA512',
  }
  const types = Object.entries(MIME_TYPES).map(
    ([extension, type]) =>
      `{ extension = ${JSON.stringify(extension)}; mime_type = ${JSON.stringify(type)}; }`,
  )
  return [
    `port = ${new URL(origin).port}`,
    'cookie_secure = 0',
    ...Object.entries(settings).map(([name, value]) => `${name} = ${JSON.stringify(value)}`),
    `static_files_mime_types = (${types.join(', ')})`,
    `database = { type = "sqlite3"; path = ${JSON.stringify(join(directory, 'database'))}; }`,
    '',
  ].join('\n')
}
