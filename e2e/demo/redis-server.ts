import type { ChildProcess } from 'node:child_process'
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { endChild, ended, isRunning, spawnBound } from '../../lib/child-process.ts'

/** A redis-server of one's own on loopback: the demo's store, and the real store that tests run against. */

export interface RedisServerOptions {
  /** TCP port on 127.0.0.1; a free one is taken when none is given. */
  readonly port?: number
  /** Where Redis keeps its files and its log; a temporary folder, removed by `stop`, when none is given. */
  readonly directory?: string
  /** Keep the data over a restart (append-only file, synced each second). Otherwise nothing is written. */
  readonly persist?: boolean
  /** `requirepass`; it is part of `url` then. */
  readonly password?: string
  /** More configuration directives, such as `{ 'maxmemory-policy': 'allkeys-lru' }`. They win over the ones here. */
  readonly directives?: Readonly<Record<string, string>>
  /** Makes it a sentinel instead of a store: lines of its configuration, which it rewrites as it learns. */
  readonly sentinel?: readonly string[]
}

export interface RedisServer {
  readonly url: string
  readonly port: number
  /** The server itself, for tests that kill or freeze it. */
  readonly process: ChildProcess
  /** Ends the server and resolves when it is gone. Can be called again, and after it died by itself. */
  stop(): Promise<void>
}

/** Past it, a server that runs but does not answer PING counts as failed. Loading a day of lines takes about 1 s. */
const START_TIMEOUT_MS = 30_000
const RETRY_MS = 15
/** Another process may take the free port between our look and Redis's bind. */
const FREE_PORT_ATTEMPTS = 5
const LOG_TAIL_CHARACTERS = 2_000

/** @returns a TCP port of 127.0.0.1 that nothing listened on a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      const port = typeof address === 'object' && address ? address.port : 0
      server.close(() => resolve(port))
    })
  })
}

/** RESP arrays, since an inline command would split a password at its blanks. */
function encode(words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`
}

/**
 * Whether the Redis on that port is ready and is this very process: on a port that was taken, a stranger would answer
 * the PING while ours is still on its way to failing.
 */
function isReady(port: number, pid: number, password: string | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    let reply = ''
    socket.setTimeout(1_000, () => socket.destroy())
    socket.once('connect', () => {
      if (password !== undefined) socket.write(encode(['AUTH', password]))
      socket.end(encode(['PING']) + encode(['INFO', 'server']))
    })
    socket.setEncoding('utf8').on('data', (chunk) => {
      reply += chunk
    })
    // No listener yet, or a server that is just going away: the caller tries again.
    socket.once('error', () => resolve(false))
    // Any other reply to PING, such as LOADING, means not ready.
    socket.once('close', () =>
      resolve(reply.includes('+PONG\r\n') && reply.includes(`process_id:${pid}\r\n`)),
    )
  })
}

function settingsOf(options: RedisServerOptions, port: number, directory: string): Record<string, string> {
  return {
    port: String(port),
    bind: '127.0.0.1',
    dir: directory,
    daemonize: 'no',
    ...(options.sentinel ? {} : storeSettings(options)),
    ...(options.password === undefined ? {} : { requirepass: options.password }),
    ...options.directives,
  }
}

function storeSettings({ persist }: RedisServerOptions): Record<string, string> {
  return {
    save: '',
    appendonly: persist ? 'yes' : 'no',
    appendfsync: 'everysec',
    'maxmemory-policy': 'noeviction',
  }
}

/** What redis-server is started with. A sentinel takes its settings from a file alone. */
function argumentsFor(options: RedisServerOptions, port: number, directory: string): string[] {
  const settings = Object.entries(settingsOf(options, port, directory))
  if (!options.sentinel) return settings.flatMap(([name, value]) => [`--${name}`, value])
  const file = join(directory, 'sentinel.conf')
  writeFileSync(
    file,
    [...settings.map(([name, value]) => `${name} ${JSON.stringify(value)}`), ...options.sentinel, ''].join(
      '\n',
    ),
  )
  return [file, '--sentinel']
}

async function comesUp(child: ChildProcess, port: number, password: string | undefined): Promise<boolean> {
  const deadline = Date.now() + START_TIMEOUT_MS
  while (child.pid !== undefined && isRunning(child) && Date.now() < deadline) {
    if (await isReady(port, child.pid, password)) return true
    await delay(RETRY_MS)
  }
  return false
}

/**
 * Starts redis-server (which must be on PATH) and resolves when it answers PING.
 * @throws Error with the end of Redis's own log when it does not come up.
 */
export async function startRedisServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  const temporary = options.directory === undefined
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'log-portal-redis-')))
  await mkdir(directory, { recursive: true })
  const removeTemporary = () => (temporary ? rm(directory, { recursive: true, force: true }) : undefined)
  const logFile = join(directory, 'redis.log')

  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort())
    const log = openSync(logFile, 'w')
    const child = spawnBound('redis-server', argumentsFor(options, port, directory), {
      stdio: ['ignore', log, log],
      ownGroup: true,
    })
    closeSync(log)
    // Handled by `ended`; without a listener Node would throw it here.
    child.once('error', () => undefined)
    if (await comesUp(child, port, options.password)) {
      const userInfo = options.password === undefined ? '' : `:${encodeURIComponent(options.password)}@`
      return {
        url: `redis://${userInfo}127.0.0.1:${port}`,
        port,
        process: child,
        async stop() {
          await endChild(child)
          await removeTemporary()
        },
      }
    }
    await endChild(child)
    const { code } = await ended(child)
    const words = readFileSync(logFile, 'utf8').slice(-LOG_TAIL_CHARACTERS)
    const taken = words.includes('Address already in use')
    if (taken && options.port === undefined && attempt < FREE_PORT_ATTEMPTS) continue
    await removeTemporary()
    throw new Error(
      code === 127
        ? 'redis-server is not on PATH'
        : `redis-server on port ${port} did not come up (exit code ${code}):\n${words}`,
    )
  }
}
