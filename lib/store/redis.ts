import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { type ErrorCode, PortalError } from '../errors.ts'

/**
 * The connection to Redis and what its errors mean. Everything under `lib/store` takes the connection as an argument;
 * nothing outside it sends a command to it.
 */

export interface ConnectOptions {
  readonly url: string
  /** A command without an answer after this long fails; the connection is kept. */
  readonly commandTimeoutMs?: number
  /** Told about every failed attempt to connect and every lost connection; the client goes on trying by itself. */
  readonly onError?: (error: Error) => void
}

const CONNECT_TIMEOUT_MS = 5000
/** A server that hangs does not close its side; it is not waited for. */
const DISCONNECT_TIMEOUT_MS = 500
const RECONNECT_MAX_MS = 1000

/**
 * Connects in the background and keeps reconnecting. A command given while there is no connection fails at once: what to
 * send again, and when, is decided by whoever knows whether sending twice is harmless.
 */
export function connectRedis({ url, commandTimeoutMs, onError }: ConnectOptions): Redis {
  const redis = new Redis(url, {
    protocol: 2,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: CONNECT_TIMEOUT_MS,
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
    // While Redis loads its data the client asks again every so often instead of giving up.
    maxLoadingRetryTime: RECONNECT_MAX_MS,
    retryStrategy: (attempt) => Math.min(50 * attempt, RECONNECT_MAX_MS),
    connectionName: 'log-portal',
    disableClientInfo: true,
    ...(commandTimeoutMs === undefined ? {} : { commandTimeout: commandTimeoutMs }),
  })
  redis.on('error', (error: Error) => onError?.(error))
  return redis
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
const REFUSED = /^(NOAUTH|WRONGPASS|NOPERM)\b|invalid password|without any password configured/i
/** Answers that pass by themselves: starting, failing over, full, busy. */
const PASSING =
  /^(LOADING|READONLY|OOM|CLUSTERDOWN|TRYAGAIN|MASTERDOWN|BUSY|MISCONF|NOREPLICAS|MOVED|ASK|UNBLOCKED)\b/
const CONNECTION =
  /Connection is closed|Stream isn't writeable|ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOST|Command timed out|max retries per request|Socket closed|isn't connected|connection close/i

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
  if (REFUSED.test(message)) return 'refused'
  if (PASSING.test(message) || CONNECTION.test(message)) return 'passing'
  return 'other'
}

/** @returns the error as the portal tells it; programming faults stay what they are. */
export function storeError(error: unknown): PortalError {
  if (error instanceof PortalError) return error
  const fault = redisFault(error)
  if (fault === 'other') return new PortalError('internal', { cause: error })
  return new PortalError(fault === 'refused' ? 'store_refused' : 'store_unavailable', { cause: error })
}

/** Whether the server answers, by the cheapest command there is. */
export async function pingStore(redis: Redis): Promise<void> {
  await redis.ping()
}

/** Runs one read or write of the store and turns the client's errors into the portal's. */
export async function answered<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw storeError(error)
  }
}

/**
 * Refuses a Redis that may throw lines away by itself.
 * @throws PortalError `store_refused`
 */
export async function refuseEvictingRedis(redis: Redis): Promise<void> {
  const memory = String(await answered(redis.info('memory')))
  const policy = /^maxmemory_policy:(\S+)/m.exec(memory)?.[1]
  if (policy === undefined || policy === 'noeviction') return
  throw new PortalError('store_refused', {
    detail: `Its maxmemory-policy is ${policy}, which may remove lines. Set it with: redis-cli CONFIG SET maxmemory-policy noeviction`,
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

  load(redis: Redis): Promise<unknown> {
    return redis.script('LOAD', this.text)
  }

  /** One call; answers come as Buffers. A server that lost the script (restarted, failed over) is given it again. */
  async run(redis: Redis, keys: readonly string[], args: readonly Argument[]): Promise<unknown> {
    const parameters = [this.sha, keys.length, ...keys, ...args]
    try {
      return await redis.callBuffer('EVALSHA', parameters)
    } catch (error) {
      if (!isNoScript(error)) throw error
      await this.load(redis)
      return redis.callBuffer('EVALSHA', parameters)
    }
  }

  /** The arguments of an `EVALSHA` for a pipeline. */
  call(keys: readonly string[], args: readonly Argument[]): [string, ...Argument[]] {
    return ['EVALSHA', this.sha, keys.length, ...keys, ...args]
  }
}

/** A key holds something else than what the command is for. */
export function isWrongType(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('WRONGTYPE')
}

export function isNoScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT')
}
