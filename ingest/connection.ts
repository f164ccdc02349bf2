import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { z } from 'zod'
import { PortalError } from '#lib/errors.ts'
import { type Environment, parseRedisUrl } from '#lib/settings.ts'
import { connectRedis, redisFault, refuseEvictingRedis } from '#lib/store/redis.ts'

/** Which Redis `ingest` talks to, and how it gets there. */

const DEFAULT_URL = 'redis://127.0.0.1:6379'
/** Written by the demo while it runs. */
const DEMO_FILE = join(import.meta.dirname, '..', '.data', 'demo.json')
const demoSchema = z.object({ redisUrl: z.url(), pid: z.int().positive() })

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it runs, as somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function demoUrl(): string | null {
  let text: string
  try {
    text = readFileSync(DEMO_FILE, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  const demo = demoSchema.safeParse(JSON.parse(text))
  return demo.success && isAlive(demo.data.pid) ? demo.data.redisUrl : null
}

/** @returns the URL, and how to name it: without a password. */
export function chooseRedis(env: Environment): { url: string; name: string } {
  const given = parseRedisUrl(env)
  const url = given ?? demoUrl() ?? DEFAULT_URL
  const shown = new URL(url)
  shown.username = shown.password = ''
  const why = given ? 'REDIS_URL' : url === DEFAULT_URL ? 'default' : 'of the demo, which runs'
  return { url, name: `${shown.href} (${why})` }
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
}): Promise<Redis> {
  const { url, name, waitSeconds, commandTimeoutMs } = options
  let lastError = 'no answer'
  const redis = connectRedis({
    url,
    commandTimeoutMs,
    onError: (error) => {
      lastError = error.message
      if (redisFault(error) === 'refused')
        refused.reject(new PortalError('store_refused', { detail: `${name}: ${error.message}` }))
    },
  })
  const refused = Promise.withResolvers<never>()
  refused.promise.catch(() => undefined)
  const deadline = Date.now() + waitSeconds * 1000
  try {
    for (;;) {
      const answered = await Promise.race([firstAnswer(redis), refused.promise])
      if (answered) break
      if (Date.now() >= deadline)
        throw new PortalError('store_unavailable', {
          detail: `${name} did not answer within ${waitSeconds} s (${lastError}).`,
        })
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    await refuseEvictingRedis(redis)
    return redis
  } catch (error) {
    redis.disconnect()
    throw error
  }
}

/** @returns whether the server answers a command; one that asks for a password says so here and not while connecting. */
async function firstAnswer(redis: Redis): Promise<boolean> {
  if (redis.status !== 'ready') return false
  try {
    await redis.ping()
    return true
  } catch (error) {
    if (redisFault(error) === 'refused')
      throw new PortalError('store_refused', { detail: (error as Error).message, cause: error })
    return false
  }
}
