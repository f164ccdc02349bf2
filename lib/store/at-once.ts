import type { Redis } from 'ioredis'
import { isCluster } from './redis-client.ts'

/**
 * Runs `ask`, and sends all commands that it gives before it first waits for an answer in a few large writes to the system,
 * instead of one a command, which also wakes the server each time. Nothing else changes; to a cluster they go as ever.
 * @returns what `ask` returns
 */
export function atOnce<T>(redis: Redis, ask: () => T): T {
  // There is no stream before the first connection, whatever the client's types say.
  const stream: Redis['stream'] | undefined = isCluster(redis) ? undefined : redis.stream
  stream?.cork()
  try {
    return ask()
  } finally {
    stream?.uncork()
  }
}
