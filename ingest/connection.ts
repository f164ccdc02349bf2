import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { PortalError } from '#lib/errors.ts'
import { type Environment, parseRedisUrl } from '#lib/redis-setting.ts'
import { connectRedis, pingStore, redisFault, refuseEvictingRedis, whenReady } from '#lib/store/redis.ts'
import { parseRedisAddress } from '#lib/store/redis-url.ts'

/** Which Redis `ingest` talks to, and how it gets there. */

const RETRY_MS = 100
const DEFAULT_URL = 'redis://127.0.0.1:6379'
/** Written by the demo while it runs. */
const DEMO_FILE = join(import.meta.dirname, '..', '.data', 'demo.json')

/** @returns the Redis of the demo while that runs, or null. */
export async function demoUrl(): Promise<string | null> {
  let text: string
  try {
    text = readFileSync(DEMO_FILE, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  // Loaded only now: nearly every run is told where Redis is, or finds no demo.
  return (await import('./running-demo.ts')).runningDemoUrl(text)
}

/** @returns the URL, and how to name it: without a password. */
export async function chooseRedis(env: Environment): Promise<{ url: string; name: string }> {
  const given = parseRedisUrl(env)
  const url = given ?? (await demoUrl()) ?? DEFAULT_URL
  const shown = parseRedisAddress(url)?.shown
  const why = given ? 'REDIS_URL' : url === DEFAULT_URL ? 'default' : 'of the demo, which runs'
  return { url, name: `${shown} (${why})` }
}

/**
 * Connects, trying for `waitSeconds`.
 * @throws PortalError `store_unavailable` when that was not enough; `store_refused` at once for a password that is missing
 * or wrong and for a Redis that may evict.
 */
export async function openRedis(options: {
  url: string
  name: string
  waitSeconds: number
  commandTimeoutMs: number
  /** Ends the trying. */
  stop?: AbortSignal
}): Promise<Redis> {
  const { url, name, waitSeconds, commandTimeoutMs, stop } = options
  let lastError = 'no answer'
  let refusal: PortalError | null = null
  const noteFailure = (error: Error) => {
    lastError = error.message
    if (redisFault(error) === 'refused')
      refusal = new PortalError('store_refused', { detail: `${name}: ${lastError}` })
    return false
  }
  const redis = connectRedis({
    url,
    commandTimeoutMs,
    onError: (error) => void noteFailure(error),
  })
  const deadline = Date.now() + waitSeconds * 1000
  try {
    for (;;) {
      // A server that asks for a password says so to the first command where it does not while connecting.
      const answers = redis.status === 'ready' && (await pingStore(redis).then(() => true, noteFailure))
      if (refusal) throw refusal
      if (answers) break
      if (stop?.aborted)
        throw new PortalError('store_unavailable', { detail: `Stopped before ${name} answered.` })
      if (Date.now() >= deadline)
        throw new PortalError('store_unavailable', {
          detail: `${name} did not answer within ${waitSeconds} s (${lastError}).`,
        })
      // A tenth of a second is a third of what a run of few lines takes: a connection is not waited for longer than it takes.
      if (redis.status === 'ready') await delay(RETRY_MS)
      else await whenReady(redis, RETRY_MS)
    }
    await refuseEvictingRedis(redis)
    return redis
  } catch (error) {
    redis.disconnect()
    throw error
  }
}
