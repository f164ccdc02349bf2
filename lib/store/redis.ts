import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Redis } from 'ioredis'
import { type ErrorCode, PortalError } from '../errors.ts'
import { type ClientOptions, isCluster, mastersOf, openClient } from './redis-client.ts'
import { parseRedisAddress, REDIS_URL_TAKEN } from './redis-url.ts'

/**
 * The connection to Redis and what its errors mean. Everything under `lib/store` takes the connection as an argument;
 * nothing outside it sends a command to it.
 */

export interface ConnectOptions extends ClientOptions {
  /** One of the forms of `redis-url.ts`. */
  readonly url: string
}

/**
 * Connects in the background and keeps reconnecting. A command given while there is no connection fails at once: what to
 * send again, and when, is decided by whoever knows whether sending twice is harmless. `onError` is told about every failed
 * attempt to connect and every lost connection.
 * @throws PortalError `bad_settings` where the URL is none
 */
export function connectRedis({ url, ...options }: ConnectOptions): Redis {
  const address = parseRedisAddress(url)
  if (!address) throw new PortalError('bad_settings', { detail: `The URL of Redis ${REDIS_URL_TAKEN}` })
  return openClient(address, options)
}

/** @returns when the connection is usable, or false after `timeoutMs`. */
export function whenReady(redis: Redis, timeoutMs: number): Promise<boolean> {
  if (redis.status === 'ready') return Promise.resolve(true)
  return new Promise((resolve) => {
    const timer = setTimeout(() => finish(false), timeoutMs)
    const onReady = () => finish(true)
    function finish(ready: boolean) {
      clearTimeout(timer)
      redis.off('ready', onReady)
      resolve(ready)
    }
    redis.on('ready', onReady)
  })
}

/** Redis answers that no waiting mends: somebody has to change a password, a right or a setting. */
const REFUSED =
  /^(NOAUTH|WRONGPASS|NOPERM)\b|Last error: (NOAUTH|WRONGPASS|NOPERM)\b|invalid password|without any password configured|cluster support disabled/i
/** Answers that pass by themselves: starting, failing over, full, busy, a script that was given again but not there. */
const PASSING =
  /^(LOADING|READONLY|OOM|CLUSTERDOWN|TRYAGAIN|MASTERDOWN|BUSY|MISCONF|NOREPLICAS|MOVED|ASK|UNBLOCKED|NOSCRIPT|ERR WAIT cannot be used)\b/
const CONNECTION =
  /Connection is closed|Stream isn't writeable|ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOST|Command timed out|max retries per request|Socket closed|isn't connected|connection close|Cluster isn't ready|Cluster is ended|startup nodes|refresh slots cache|Too many Cluster redirections|sentinels are unreachable/i

const FAULT_OF_CODE: Partial<Record<ErrorCode, 'refused' | 'passing'>> = {
  store_unavailable: 'passing',
  store_refused: 'refused',
}

/**
 * What an error of the client means: `refused`, `passing` (try again), or `other`, a fault of the command itself.
 * Never log the error object: its `command.args` carries log lines.
 */
export function redisFault(error: unknown): 'refused' | 'passing' | 'other' {
  if (error instanceof PortalError) return FAULT_OF_CODE[error.code] ?? 'other'
  const message = error instanceof Error ? error.message : String(error)
  if (REFUSED.test(message) || (error instanceof Error && REFUSED.test(nodeMessageOf(error))))
    return 'refused'
  if (PASSING.test(message) || CONNECTION.test(message)) return 'passing'
  return 'other'
}

/** Why the last node of a cluster could not be asked; the error about all of them does not repeat it. */
function nodeMessageOf(error: Error): string {
  return 'lastNodeError' in error && error.lastNodeError instanceof Error ? error.lastNodeError.message : ''
}

/** @returns the error as the portal tells it; programming faults stay what they are. */
export function storeError(error: unknown): PortalError {
  if (error instanceof PortalError) return error
  const fault = redisFault(error)
  if (fault === 'other') return new PortalError('internal', { cause: error })
  return new PortalError(fault === 'refused' ? 'store_refused' : 'store_unavailable', { cause: error })
}

/**
 * Whether the store answers, by the cheapest command there is; of a cluster, whether one of its masters calls it whole.
 * Errors of the client pass through.
 */
export async function pingStore(redis: Redis): Promise<void> {
  if (!isCluster(redis)) await redis.ping()
  else await Promise.any(mastersOf(redis).map(asksWhole)).catch(throwFirst)
}

async function asksWhole(node: Redis): Promise<void> {
  if (!/^cluster_state:ok\r?$/m.test(String(await node.call('CLUSTER', 'INFO'))))
    throw new Error('CLUSTERDOWN The cluster is down')
}

function throwFirst(error: unknown): never {
  const errors: unknown[] = error instanceof AggregateError ? error.errors : [error]
  throw errors[0] ?? new Error('Connection is closed.')
}

/** @returns the server's clock, epoch seconds; of a cluster the earliest of its masters' */
export async function storeSeconds(redis: Redis): Promise<number> {
  const times = await answered(Promise.all(mastersOf(redis).map((node) => node.time())))
  return Math.min(...times.map(([second]) => Number(second)))
}

/** Runs one read or write of the store and turns the client's errors into the portal's. */
export async function answered<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw storeError(error)
  }
}

const REPLICA_TIMEOUT_MS = 1000

/**
 * Refuses a Redis that may throw lines away by itself, of a cluster when one of its nodes may, and a node of a cluster that is
 * taken for a server of its own.
 * @throws PortalError `store_refused`
 */
export async function refuseEvictingRedis(redis: Redis): Promise<void> {
  const masters = new Set(mastersOf(redis))
  const policies = mastersOf(redis, 'all').map(async (node) => {
    const asked = node.info('memory')
    // A replica that is down keeps nobody from starting; it has to be up again before it can become a master.
    const unasked = delay(REPLICA_TIMEOUT_MS, '', { ref: false })
    const memory = await (masters.has(node) ? asked : Promise.race([asked.catch(() => ''), unasked]))
    return { node, policy: /^maxmemory_policy:(\S+)/m.exec(memory)?.[1] ?? 'noeviction' }
  })
  const evicting = (await answered(Promise.all(policies))).find(({ policy }) => policy !== 'noeviction')
  if (evicting) {
    const { host, port } = evicting.node.options
    const at = isCluster(redis) ? ` of the node ${host}:${port}` : ''
    const cli = isCluster(redis) ? `redis-cli -h ${host} -p ${port}` : 'redis-cli'
    throw new PortalError('store_refused', {
      detail: `Its maxmemory-policy${at} is ${evicting.policy}, which may remove lines. Set it with: ${cli} CONFIG SET maxmemory-policy noeviction`,
    })
  }
  if (isCluster(redis)) return
  if (/^cluster_enabled:1\r?$/m.test(String(await answered(redis.info('cluster')))))
    throw new PortalError('store_refused', {
      detail:
        'It is a node of a cluster. Give several nodes with commas between them, or add ?cluster=true to the one.',
    })
}

type Argument = string | Buffer | number

/** A Lua script that lies beside its caller, named without `.lua`. */
export class Script {
  readonly text: string
  readonly sha: string

  constructor(name: string) {
    // `new URL(…, import.meta.url)` is rewritten by the bundler; a path is not.
    this.text = readFileSync(join(dirname(fileURLToPath(import.meta.url)), `${name}.lua`), 'utf8')
    this.sha = createHash('sha1').update(this.text).digest('hex')
  }

  /** To every master there is; one that comes later, or lost it, says NOSCRIPT. */
  load(redis: Redis): Promise<unknown> {
    return Promise.all(mastersOf(redis).map((node) => node.script('LOAD', this.text)))
  }

  /**
   * One call; answers come as Buffers. A server that lost the script (restarted, failed over) is given it again, with the
   * call, since that goes where the keys are.
   */
  async run(redis: Redis, keys: readonly string[], args: readonly Argument[]): Promise<unknown> {
    const parameters = [keys.length, ...keys, ...args]
    try {
      return await redis.callBuffer('EVALSHA', [this.sha, ...parameters])
    } catch (error) {
      if (!isNoScript(error)) throw error
      return redis.callBuffer('EVAL', [this.text, ...parameters])
    }
  }
}

/** A key holds something else than what the command is for. */
export function isWrongType(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('WRONGTYPE')
}

export function isNoScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT')
}
