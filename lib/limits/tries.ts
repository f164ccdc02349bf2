import type { Redis } from 'ioredis'
import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import { answered } from '../store/redis.ts'

/**
 * How often a secret may be tried, counted in Redis for all processes together. Unlike the limits of `rate-limits.ts` nothing
 * is let through uncounted while Redis is away. A try is counted before it is made, so that tries at the same moment are all
 * counted, and given back where it turns out to be none.
 *
 *     limit:<name>:<whose>  tries in the time that began with the first; expires with it
 */

export interface Limit {
  readonly name: string
  readonly tries: number
  readonly withinSeconds: number
}

/** @returns null when it may be tried, else the seconds after which it may. @throws PortalError when Redis does not tell */
export async function countTry(redis: Redis, limit: Limit, whose: string): Promise<number | null> {
  return answered(
    limiter(redis, limit)
      .consume(whose)
      .then(
        () => null,
        (thrown: unknown) => {
          if (thrown instanceof RateLimiterRes) return Math.max(1, Math.ceil(thrown.msBeforeNext / 1000))
          throw thrown
        },
      ),
  )
}

/** Gives back one that was counted. */
export async function uncountTry(redis: Redis, limit: Limit, whose: string): Promise<void> {
  await answered(limiter(redis, limit).reward(whose))
}

function limiter(redis: Redis, { name, tries, withinSeconds }: Limit): RateLimiterRedis {
  return new RateLimiterRedis({
    storeClient: redis,
    keyPrefix: `limit:${name}`,
    points: tries,
    duration: withinSeconds,
  })
}
