import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { type RedisServer, startRedisServer } from './demo/redis-server.ts'

/** A master and its replica of one's own on loopback, watched by three sentinels. */

export interface RedisSentinel {
  readonly url: string
  readonly master: RedisServer
  readonly replica: RedisServer
  readonly sentinels: readonly RedisServer[]
  stop(): Promise<void>
}

const NAME = 'logs'
const SENTINELS = 3
const QUORUM = 2
/** After which a silent server counts as down. */
const DOWN_AFTER_MS = 1_500
const FAILOVER_TIMEOUT_MS = 5_000
const FORMING_MS = 30_000
const LOOK_MS = 50

export interface SentinelOptions {
  readonly password?: string
  /** What the sentinels themselves ask for. */
  readonly sentinelPassword?: string
}

/**
 * Starts all five and resolves when the replica is in step and every sentinel knows it and the other sentinels.
 * @throws Error when they do not come together
 */
export async function startRedisSentinel(options: SentinelOptions = {}): Promise<RedisSentinel> {
  const { password, sentinelPassword } = options
  const shared = password === undefined ? {} : { password }
  const directives = {
    'repl-diskless-sync-delay': '0',
    ...(password === undefined ? {} : { masterauth: password }),
  }
  const master = await startRedisServer({ ...shared, directives })
  const replica = await startRedisServer({
    ...shared,
    directives: { ...directives, replicaof: `127.0.0.1 ${master.port}` },
  })
  const sentinel = [
    `sentinel monitor ${NAME} 127.0.0.1 ${master.port} ${QUORUM}`,
    `sentinel down-after-milliseconds ${NAME} ${DOWN_AFTER_MS}`,
    `sentinel failover-timeout ${NAME} ${FAILOVER_TIMEOUT_MS}`,
    ...(password === undefined ? [] : [`sentinel auth-pass ${NAME} ${JSON.stringify(password)}`]),
    ...(sentinelPassword === undefined ? [] : [`sentinel sentinel-pass ${JSON.stringify(sentinelPassword)}`]),
  ]
  const sentinels = await Promise.all(
    Array.from({ length: SENTINELS }, () =>
      startRedisServer({
        ...(sentinelPassword === undefined ? {} : { password: sentinelPassword }),
        sentinel,
      }),
    ),
  )
  const servers = [...sentinels, replica, master]
  const stop = async () => void (await Promise.all(servers.map((server) => server.stop())))
  try {
    await comeTogether(sentinels, master)
  } catch (error) {
    await stop()
    throw error
  }
  const login = password === undefined ? '' : `:${encodeURIComponent(password)}@`
  const query =
    sentinelPassword === undefined ? '' : `?sentinelPassword=${encodeURIComponent(sentinelPassword)}`
  const hosts = sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')
  return { url: `redis+sentinel://${login}${hosts}/${NAME}${query}`, master, replica, sentinels, stop }
}

async function comeTogether(sentinels: readonly RedisServer[], master: RedisServer): Promise<void> {
  const clients = [...sentinels, master].map(({ url }) => new Redis(url, { protocol: 2 }))
  for (const client of clients) client.on('error', () => undefined)
  const deadline = Date.now() + FORMING_MS
  try {
    for (;;) {
      const texts = await Promise.all(clients.map((client) => client.info()))
      const [replication = '', ...views] = texts.toReversed()
      const known = `status=ok,address=127.0.0.1:${master.port},slaves=1,sentinels=${SENTINELS}`
      if (replication.includes('state=online') && views.every((view) => view.includes(known))) return
      if (Date.now() > deadline) throw new Error(`the sentinels did not come together: ${views[0]}`)
      await delay(LOOK_MS)
    }
  } finally {
    for (const client of clients) client.disconnect()
  }
}
