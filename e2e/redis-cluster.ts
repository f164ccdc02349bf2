import { Redis } from 'ioredis'
import { freePort, type RedisServer, startRedisServer } from './demo/redis-server.ts'
import { until } from './waiting.ts'

/** A Redis Cluster of one's own on loopback: three masters, each with a replica. */

export interface RedisCluster {
  /** Names all nodes, so that any of them may be gone. */
  readonly url: string
  /** The servers by their place: the masters first, then the replica of each in the same order. */
  readonly nodes: readonly RedisServer[]
  /** The server that is the master of a key now, by what the nodes still there say. */
  masterOf(key: string): Promise<RedisServer>
  stop(): Promise<void>
}

const MASTERS = 3
const SLOTS = 16_384
/** After which a node that is silent counts as failed. Much less, and a busy machine fails over by itself. */
const NODE_TIMEOUT_MS = 1_500

async function startNode(password: string | undefined): Promise<{ server: RedisServer; busPort: number }> {
  const busPort = await freePort()
  const server = await startRedisServer({
    ...(password === undefined ? {} : { password }),
    directives: {
      ...(password === undefined ? {} : { masterauth: password }),
      'cluster-enabled': 'yes',
      'cluster-port': String(busPort),
      'cluster-node-timeout': String(NODE_TIMEOUT_MS),
      'cluster-replica-validity-factor': '0',
      'repl-diskless-sync-delay': '0',
    },
  })
  return { server, busPort }
}

const ask = async (client: Redis, ...words: [string, ...string[]]): Promise<string> =>
  String(await client.call(...words))

async function form(clients: readonly Redis[], nodes: readonly { server: RedisServer; busPort: number }[]) {
  for (const [place, client] of clients.entries()) {
    await client.call('CLUSTER', 'SET-CONFIG-EPOCH', place + 1)
    const [first, end] = [place, place + 1].map((n) => Math.floor((n * SLOTS) / MASTERS))
    if (place < MASTERS) await client.call('CLUSTER', 'ADDSLOTSRANGE', first ?? 0, (end ?? 0) - 1)
  }
  const [greeter] = clients
  for (const { server, busPort } of nodes.slice(1))
    await greeter?.call('CLUSTER', 'MEET', '127.0.0.1', server.port, busPort)
  const everyone = (holds: (client: Redis) => Promise<boolean>) => async () =>
    (await Promise.all(clients.map(holds))).every(Boolean)
  await until(
    'the nodes of the cluster know each other',
    everyone(async (client) =>
      (await ask(client, 'CLUSTER', 'INFO')).includes(`known_nodes:${nodes.length}\r`),
    ),
  )
  for (const [place, client] of clients.slice(MASTERS).entries()) {
    const master = clients[place]
    if (master) await client.call('CLUSTER', 'REPLICATE', await ask(master, 'CLUSTER', 'MYID'))
  }
  await until(
    'the replicas of the cluster are in step',
    async () =>
      (await Promise.all(clients.slice(MASTERS).map((client) => client.info('replication')))).every((text) =>
        text.includes('master_link_status:up'),
      ) &&
      (await Promise.all(clients.slice(0, MASTERS).map((client) => client.info('replication')))).every(
        (text) => text.includes('state=online'),
      ),
  )
  await until(
    'the cluster serves every slot',
    everyone(async (client) => {
      const replicas = (await ask(client, 'CLUSTER', 'NODES')).split('slave ').length - 1
      return replicas === MASTERS && (await ask(client, 'CLUSTER', 'INFO')).includes('cluster_state:ok')
    }),
  )
}

/**
 * Starts the cluster and resolves when every node calls it whole and the replicas are in step.
 * @throws Error when it does not form
 */
export async function startRedisCluster(options: { password?: string } = {}): Promise<RedisCluster> {
  const { password } = options
  const nodes = await Promise.all(Array.from({ length: 2 * MASTERS }, () => startNode(password)))
  const servers = nodes.map(({ server }) => server)
  const stop = async () => void (await Promise.all(servers.map((server) => server.stop())))
  const clients = nodes.map(({ server }) => new Redis(server.url, { protocol: 2 }))
  for (const client of clients) client.on('error', () => undefined)
  try {
    await form(clients, nodes)
  } catch (error) {
    await stop()
    throw error
  } finally {
    for (const client of clients) client.disconnect()
  }
  const login = password === undefined ? '' : `:${encodeURIComponent(password)}@`
  return {
    url: `redis://${login}${servers.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    nodes: servers,
    masterOf: (key) => masterOf(servers, key),
    stop,
  }
}

async function masterOf(servers: readonly RedisServer[], key: string): Promise<RedisServer> {
  for (const { url } of servers) {
    const client = new Redis(url, { protocol: 2, retryStrategy: null, lazyConnect: true })
    client.on('error', () => undefined)
    try {
      await client.connect()
      const slot = Number(await client.call('CLUSTER', 'KEYSLOT', key))
      for (const [first, last, master] of await client.cluster('SLOTS')) {
        const server = servers.find(({ port }) => port === master?.[1])
        if (slot >= first && slot <= last && server) return server
      }
    } catch {
      // A node that is gone; the next one is asked.
    } finally {
      client.disconnect()
    }
  }
  throw new Error('no node of the cluster answers')
}
