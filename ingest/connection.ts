import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { z } from 'zod'
import { isAlive } from '#lib/child-process.ts'
import { PortalError } from '#lib/errors.ts'
import { type Environment, parseRedisUrl } from '#lib/settings.ts'
import { connectRedis, pingStore, redisFault, refuseEvictingRedis } from '#lib/store/redis.ts'
import { parseRedisAddress } from '#lib/store/redis-url.ts'

/** Which Redis `ingest` talks to, and how it gets there. */

const RETRY_MS = 100
const DEFAULT_URL = 'redis://127.0.0.1:6379'
/** Written by the demo while it runs. */
const DEMO_FILE = join(import.meta.dirname, '..', '.data', 'demo.json')
/** A file that is cut off is one of a demo that was, and no longer runs. */
const demoSchema = z
  .string()
  .transform((text, context) => {
    try {
      return JSON.parse(text) as unknown
    } catch (error) {
      context.issues.push({ code: 'custom', input: text, message: String(error) })
      return z.NEVER
    }
  })
  .pipe(z.object({ redisUrl: z.url(), pid: z.int().positive() }))

function demoUrl(): string | null {
  let text: string
  try {
    text = readFileSync(DEMO_FILE, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  const demo = demoSchema.safeParse(text)
  return demo.success && isAlive(demo.data.pid) ? demo.data.redisUrl : null
}

/** @returns the URL, and how to name it: without a password. */
export function chooseRedis(env: Environment): { url: string; name: string } {
  const given = parseRedisUrl(env)
  const url = given ?? demoUrl() ?? DEFAULT_URL
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
      await delay(RETRY_MS)
    }
    await refuseEvictingRedis(redis)
    return redis
  } catch (error) {
    redis.disconnect()
    throw error
  }
}
