import type { Redis } from 'ioredis'
import { isCluster } from './redis-client.ts'

/** A command of one key: name, key, further arguments. */
export type Ask = readonly [name: string, key: string, ...rest: (string | number)[]]
/** What one command came to; `error` is the client's. */
export type Answer = readonly [error: Error | null, value: unknown]

/**
 * Sends many commands at once, each of a key of its own, and answers in their order. To one server they go as a pipeline,
 * which a cluster takes only where all keys lie on one node; to that they go one by one, each to its node.
 */
export async function askEach(redis: Redis, asks: readonly Ask[]): Promise<Answer[]> {
  if (!isCluster(redis)) return (await redis.pipeline(asks.map((ask) => [...ask])).exec()) ?? []
  return Promise.all(
    asks.map(([name, ...words]) =>
      redis.call(name, words).then(
        (value): Answer => [null, value],
        (error: Error): Answer => [error, null],
      ),
    ),
  )
}
