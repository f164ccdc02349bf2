import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { evenWhenFull } from './even-when-full.ts'
import { MAINTAIN_LEASE_KEY } from './keys.ts'
import { answered, Script } from './redis.ts'

/**
 * Who maintains the store just now. It keeps several maintainers from doing the same work; what makes the work right are
 * the checks of its commits, so that one whose lease ran out under it does no harm.
 */

const releaseScript = new Script('release-lock')

const LEASE_MS = 5000
const RENEW_MS = 1500
const RETRY_MS = 200

export interface MaintainLease {
  /** Gives the lease back. */
  release(): Promise<void>
}

/**
 * Takes the lease and keeps it until it is released.
 * @returns null when somebody else held it all through `waitMs`, or `stop` was aborted
 * @throws PortalError `store_unavailable`, `store_refused`
 */
export async function takeMaintainLease(
  redis: Redis,
  { waitMs, stop }: { waitMs: number; stop: AbortSignal },
): Promise<MaintainLease | null> {
  const owner = randomUUID()
  const deadline = Date.now() + waitMs
  while (
    (await answered(evenWhenFull(redis, ['set', MAINTAIN_LEASE_KEY, owner, 'PX', LEASE_MS, 'NX']))) === null
  ) {
    if (Date.now() >= deadline || stop.aborted) return null
    await delay(RETRY_MS, undefined, { signal: stop }).catch(() => undefined)
  }
  const renew = async () => {
    if ((await redis.get(MAINTAIN_LEASE_KEY)) === owner) await redis.pexpire(MAINTAIN_LEASE_KEY, LEASE_MS)
  }
  // One that fails is made good by the next, or by the lease's end.
  const timer = setInterval(() => void renew().catch(() => undefined), RENEW_MS)
  timer.unref()
  return {
    async release() {
      clearInterval(timer)
      await releaseScript.run(redis, [MAINTAIN_LEASE_KEY], [owner]).catch(() => undefined)
    },
  }
}
