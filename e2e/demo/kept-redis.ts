import { setTimeout as delay } from 'node:timers/promises'
import { ended } from '../../lib/child-process.ts'
import { type RedisServer, type RedisServerOptions, startRedisServer } from './redis-server.ts'

/** The demo's Redis, started again when it dies: the portal shows for a moment what it shows without its store. */

const RESTART_MS = 10_000

export interface KeptRedis {
  readonly url: string
  /** Ends it for good, and resolves when it is gone. */
  stop(): Promise<void>
}

export async function keepRedis(
  options: RedisServerOptions & { port: number },
  log: (line: string) => void,
): Promise<KeptRedis> {
  const stopping = new AbortController()
  let server: RedisServer | null = await startRedisServer(options)
  const { url } = server

  async function watch(): Promise<void> {
    while (server) {
      await ended(server.process)
      if (stopping.signal.aborted) return
      log(`Redis ended by itself and is started again in ${RESTART_MS / 1000} s.`)
      await delay(RESTART_MS, undefined, { signal: stopping.signal }).catch(() => undefined)
      if (stopping.signal.aborted) return
      server = await startRedisServer(options).catch((error) => {
        log(`Redis does not come up again: ${error instanceof Error ? error.message : error}`)
        return null
      })
    }
  }
  const watched = watch()

  return {
    url,
    async stop() {
      stopping.abort()
      await server?.stop()
      await watched
      // One that came up while the old one was being stopped.
      await server?.stop()
    },
  }
}
