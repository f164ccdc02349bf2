import { createHash } from 'node:crypto'
import type { Redis } from 'ioredis'
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes, RLWrapperTimeouts } from 'rate-limiter-flexible'
import { PortalError } from '../errors.ts'

/**
 * How often something may be done in a minute, by address, by session or by person. Counted in Redis, so that all
 * processes of the portal count together:
 *
 *     limit:<name>:<digest of who>   how often since it was first done; expires a minute after that
 *
 * Who is over a limit is remembered in the process until the minute is over, and costs Redis nothing more. A Redis that
 * is away never refuses anybody: the process then counts by itself, as far as it sees, and whether there is an answer is
 * for what was asked to say.
 */

interface Limit {
  /** So often within {@link WINDOW_SECONDS}, counted from the first time. */
  readonly points: number
}

const WINDOW_SECONDS = 60

export const LIMITS = {
  /** Sign-ins begun from one address. An office behind one address signs in within a few minutes; a flood does not. */
  signIns: { points: 60 },
  /** Returns from the provider to one address, of browsers that had begun a sign-in: others are strangers. One that brings no session counts twice, so that half as many can be forged. */
  callbacks: { points: 60 },
  /** Sign-outs of the provider that are not taken. A good one is never refused: it would leave a session alive. */
  logouts: { points: 600 },
  /** Requests of nobody, from one address: each page of somebody who has to sign in is two or three. */
  strangers: { points: 600 },
  /**
   * Pages and data of one session. One after the other on one connection two cores answer some 70 pages a second (14 ms
   * a page of 200 lines, `npm run bench -- page`); what goes on longer at a higher rate than 100 is no reading. What many requests at once would take from others is capped apart, see `held.ts`.
   */
  requests: { points: 6_000 },
  /** Downloads that one person begins: a script that polls asks less often than every half second. */
  downloads: { points: 120 },
} as const satisfies Record<string, Limit>

export type LimitName = keyof typeof LIMITS

export interface Refusal {
  /** Whole seconds, at least one, after which it is allowed again. */
  readonly retryAfterSeconds: number
  /** Whether it is the first refusal of that minute, which is worth a line in the log. */
  readonly isFirst: boolean
}

export interface RateLimits {
  /**
   * Counts something that is about to be done, or that went wrong and counts once more.
   * @param who an address, a session or a person; only its digest is kept
   * @returns null when it may be done. Redis being away is no error, and it never takes longer than {@link ANSWER_MS}.
   */
  take(name: LimitName, who: string): Promise<Refusal | null>
}

/** Redis answers within a millisecond or two; without an answer by then the process counts by itself. */
export const ANSWER_MS = 400
const KEY_PREFIX = 'limit:'
/** Of a SHA-256 in base64url: 132 bits. */
const DIGEST_CHARACTERS = 22

/** @param redis of any kind: each key is a slot of its own */
export function createRateLimits(redis: Redis): RateLimits {
  const limiters = new Map(
    (Object.keys(LIMITS) as LimitName[]).map((name) => [name, limiterOf(redis, name)] as const),
  )
  return {
    async take(name, who) {
      const key = createHash('sha256').update(who).digest('base64url').slice(0, DIGEST_CHARACTERS)
      try {
        await limiters.get(name)?.consume(key)
        return null
      } catch (thrown) {
        // The library throws what it counted; with its own insurance it throws nothing else.
        if (!(thrown instanceof RateLimiterRes)) throw thrown
        return refusalOf(name, thrown)
      }
    },
  }
}

function limiterOf(redis: Redis, name: LimitName): RLWrapperTimeouts {
  const options = { keyPrefix: `${KEY_PREFIX}${name}`, points: LIMITS[name].points, duration: WINDOW_SECONDS }
  return new RLWrapperTimeouts({
    keyPrefix: options.keyPrefix,
    limiter: new RateLimiterRedis({
      ...options,
      storeClient: redis,
      inMemoryBlockOnConsumed: options.points + 1,
    }),
    insuranceLimiter: new RateLimiterMemory(options),
    timeoutMs: ANSWER_MS,
  })
}

function refusalOf(name: LimitName, { msBeforeNext, consumedPoints }: RateLimiterRes): Refusal {
  return {
    retryAfterSeconds: Math.max(1, Math.ceil(msBeforeNext / 1000)),
    isFirst: consumedPoints === LIMITS[name].points + 1,
  }
}

/** @param seconds after which it is allowed again */
export function tooMany(seconds: number): PortalError {
  return new PortalError('too_many', {
    detail: `Try again in ${seconds} ${seconds === 1 ? 'second' : 'seconds'}.`,
    retryAfterSeconds: seconds,
  })
}
