import { lookup } from 'node:dns'
import { Cluster, type Command, Redis, type RedisOptions } from 'ioredis'
import type { RedisAddress } from './redis-url.ts'

/**
 * Opens the connection to one Redis, to the master that sentinels name, or to a cluster, all with the same manners: a
 * command given while there is no connection fails at once, and none is sent again by the client. Redirections of a
 * cluster (MOVED, ASK, TRYAGAIN) are followed, since a command so answered was not carried out.
 *
 * Whichever it is, the rest of the code sees the client's type `Redis`: both clients have the same commands, and the few
 * places where a cluster needs another way ask {@link isCluster}. A union of the two types would resolve none of the
 * client's overloaded methods without a cast at each call.
 *
 * For a cluster, code of the store keeps to: commands and pipelines with keys of one slot; scripts whose keys share a
 * hash tag; `askEach` for one question to many collections; no order between commands of different slots but by waiting
 * for the first one's answer; what has no key (INFO, WAIT, SCRIPT) goes to {@link mastersOf}.
 */

export interface ClientOptions {
  /** A command without an answer after this long fails; the connection is kept. */
  readonly commandTimeoutMs?: number
  readonly onError?: (error: Error) => void
}

const CONNECT_TIMEOUT_MS = 5000
/** A server that hangs does not close its side; it is not waited for. */
const DISCONNECT_TIMEOUT_MS = 500
const RECONNECT_MAX_MS = 1000
/** For a sentinel's answer; after it the next one is asked. */
const SENTINEL_TIMEOUT_MS = 1000
/** For a node's answer to which node holds what; after it the next one is asked. */
const SLOTS_TIMEOUT_MS = 1000
/** How often a client looks at which node holds what: nobody tells it that a replica took over. */
const SLOTS_REFRESH_MS = 1000
const CLOSED = 'Connection is closed.'

const reconnectMs = (attempt: number) => Math.min(50 * attempt, RECONNECT_MAX_MS)

const manners = (commandTimeoutMs: number | undefined) =>
  ({
    protocol: 2,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: CONNECT_TIMEOUT_MS,
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
    // While Redis loads its data the client asks again every so often instead of giving up.
    maxLoadingRetryTime: RECONNECT_MAX_MS,
    connectionName: 'log-portal',
    disableClientInfo: true,
    ...(commandTimeoutMs === undefined ? {} : { commandTimeout: commandTimeoutMs }),
  }) as const satisfies RedisOptions

/** Connects in the background and keeps reconnecting. */
export function openClient(address: RedisAddress, options: ClientOptions): Redis {
  const client = address.kind === 'cluster' ? openCluster(address, options) : openServer(address, options)
  for (const event of ['error', 'node error', 'sentinelError'])
    client.on(event, (error: Error) => options.onError?.(error))
  // See above.
  return client as Redis
}

function openServer(
  address: Exclude<RedisAddress, { kind: 'cluster' }>,
  { commandTimeoutMs }: ClientOptions,
): Redis {
  const options = {
    ...manners(commandTimeoutMs),
    enableOfflineQueue: false,
    retryStrategy: reconnectMs,
  }
  if (address.kind === 'one') return new Redis(address.url, options)
  const { sentinels, name, db, username, password, sentinelUsername, sentinelPassword } = address
  return new Redis({
    ...options,
    sentinels: [...sentinels],
    name,
    db,
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password }),
    ...(sentinelUsername === null ? {} : { sentinelUsername }),
    ...(sentinelPassword === null ? {} : { sentinelPassword }),
    sentinelCommandTimeout: SENTINEL_TIMEOUT_MS,
    sentinelRetryStrategy: reconnectMs,
    // Sentinels tell of a new master; the old one may still be there and answer.
    failoverDetector: true,
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  })
}

function openCluster(
  { nodes, username, password, tls }: Extract<RedisAddress, { kind: 'cluster' }>,
  { commandTimeoutMs }: ClientOptions,
): StoreCluster {
  const cluster = new StoreCluster([...nodes], {
    // See StoreCluster.
    enableOfflineQueue: true,
    // A cluster that is down says so to each command, in words.
    enableReadyCheck: false,
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    clusterRetryStrategy: reconnectMs,
    slotsRefreshTimeout: SLOTS_TIMEOUT_MS,
    slotsRefreshInterval: SLOTS_REFRESH_MS,
    // A certificate names hosts, which a look-up would turn into addresses.
    dnsLookup: tls ? (host, done) => done(null, host) : (host, done) => lookup(host, done),
    redisOptions: {
      ...manners(commandTimeoutMs),
      ...(username === null ? {} : { username }),
      ...(password === null ? {} : { password }),
      ...(tls ? { tls: {} } : {}),
    },
  })
  // Soon after a node is lost others hold its slots; the client by itself would find out from commands that fail.
  cluster.on('-node', () => {
    if (cluster.status === 'ready') cluster.refreshSlotsCache()
  })
  return cluster
}

/**
 * The client's own choice is between a queue without end or time while the cluster is away, and refusing every command
 * but the first to a node whose connection is just being made. This one refuses while there is no cluster, and waits, for
 * as long as the command's timeout, for a node's connection.
 */
class StoreCluster extends Cluster {
  override sendCommand(command: Command, ...rest: TailOf<Parameters<Cluster['sendCommand']>>): unknown {
    // A cluster that serves no slot yet is one without nodes. `cluster` is the client's own way to find out.
    const usable = this.status === 'ready' && this.nodes().length > 0
    if (usable || command.name === 'cluster') return super.sendCommand(command, ...rest)
    command.reject(new Error(CLOSED))
    return command.promise
  }
}

type TailOf<T extends readonly unknown[]> = T extends [unknown, ...infer Rest] ? Rest : never

export function isCluster(redis: Redis): boolean {
  return redis.isCluster
}

/** @returns which node of a cluster holds a slot, as far as the client knows. */
export function nodeOfSlot(redis: Redis, slot: number): string | undefined {
  const client: unknown = redis
  return isCluster(redis) ? (client as Cluster).slots[slot]?.[0] : undefined
}

/** The connections on which everything is written; with `all`, those to a cluster's replicas as well. */
export function mastersOf(redis: Redis, role: 'all' | 'master' = 'master'): Redis[] {
  const client: unknown = redis
  // By its own word and not by its class, of which the bundler gives parts of the portal a copy each.
  return isCluster(redis) ? (client as Cluster).nodes(role) : [redis]
}
