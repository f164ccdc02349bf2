import type { Redis } from 'ioredis'
import { Script } from './redis.ts'

const script = new Script('even-when-full')

/**
 * Writes what maintenance needs on its way to free memory, which a full Redis would refuse together with new lines: then
 * nothing could be sealed or removed, and nothing would ever go on. The scripts that do the freeing have the same right.
 * @returns what the command answers; errors of the client pass through
 */
export function evenWhenFull(
  redis: Redis,
  [name, key, ...rest]: readonly [name: string, key: string, ...rest: (string | Buffer | number)[]],
): Promise<unknown> {
  return script.run(redis, [key], [name, ...rest])
}
