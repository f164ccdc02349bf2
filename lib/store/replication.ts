import type { Redis } from 'ioredis'
import { isCluster, mastersOf } from './redis-client.ts'

/**
 * Whether what was written would outlive its master. A master answers before its replicas have a write, so one that dies can
 * take along what it has acknowledged; WAIT tells when a replica has it too, but only of writes down the very connection that
 * asks. Hence {@link changes}: while it stays the same, the connections have, and a confirmation speaks of all that was
 * written since. When it changed, what is not confirmed yet has to be sent again.
 */
export class Replication {
  readonly #redis: Redis
  #changes = 0

  constructor(redis: Redis) {
    this.#redis = redis
    for (const event of isCluster(redis) ? ['+node', '-node'] : ['ready'])
      redis.on(event, () => {
        this.#changes++
      })
  }

  /** Grows when a connection was lost or another made. */
  get changes(): number {
    return this.#changes
  }

  /**
   * Waits until of every master that has replicas in step at least one holds all that was written.
   * @returns false when that took longer than `timeoutMs`; true where there are none.
   * Errors of the client pass through.
   */
  async confirmed(timeoutMs: number): Promise<boolean> {
    const each = mastersOf(this.#redis).map(async (master) => {
      // A replica that is still being filled is none yet: it would be waited for all that while.
      if (!/^slave\d+:.*\bstate=online\b/m.test(await master.info('replication'))) return true
      return (await master.wait(1, timeoutMs)) > 0
    })
    return (await Promise.all(each)).every(Boolean)
  }
}
