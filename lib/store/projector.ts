import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { CollectionId } from '../collection-id.ts'
import { askEach } from './ask-each.ts'
import { evenWhenFull } from './even-when-full.ts'
import { countsKey, DIRTY_KEY, KNOWN_KEY, knownField, PROJECTING_KEY, PROJECTOR_LEASE_KEY } from './keys.ts'
import { answered, isWrongType, Script } from './redis.ts'

/**
 * Carries the authoritative counts of each collection over to the projections (`known:`), which the original layout
 * keeps in keys of their own. Values are absolute, never increments, so that projecting twice is harmless.
 *
 * An id is moved from the dirty set to a taken set, its counts are read, the projection is written, and the counts are
 * read again: an id whose counts are what was written leaves the taken set, any other is marked dirty anew. The write
 * goes out together with a mark in the taken set, since another projector may have finished the id in between: whoever
 * wrote last has a mark standing until it has looked that what it wrote is right. So neither a mark set meanwhile, nor a
 * projector that dies or sleeps between its steps, leaves a projection behind for longer than the next round.
 *
 * In a cluster the projection lies elsewhere than the sets, so that mark and write cannot go out together: the mark is
 * answered before the write is sent. A projection could stay behind there until the collection's next line, if one projector
 * finished the id between another's mark and write and that other died right after its write.
 *
 * The lease keeps several `ingest` processes from doing the same work; it is not what makes it right.
 *
 * A collection whose counts are no hash is left out: its lines are rejects (see `append.lua`) and it has no counts.
 */

const takeDirty = new Script('take-dirty')

const IDS_A_ROUND = 1000
const LEASE_MS = 5000

/**
 * One round.
 * @returns how many ids are still to be done, or null when another process holds the lease.
 */
export async function projectDirty(redis: Redis, owner: string): Promise<number | null> {
  const holder = await redis.set(PROJECTOR_LEASE_KEY, owner, 'PX', LEASE_MS, 'NX')
  if (holder === null && (await redis.get(PROJECTOR_LEASE_KEY)) !== owner) return null
  if (holder === null) await redis.pexpire(PROJECTOR_LEASE_KEY, LEASE_MS)
  return projectOnce(redis)
}

async function projectOnce(redis: Redis): Promise<number> {
  const reply = (await takeDirty.run(redis, [DIRTY_KEY, PROJECTING_KEY], [IDS_A_ROUND])) as Buffer[]
  const ids = reply.map((id) => id.toString('latin1') as CollectionId)
  if (ids.length === 0) return 0
  const before = await hitsOf(redis, ids)
  await writeProjections(redis, before)
  const after = await hitsOf(redis, ids)
  const unsettled = [...before.keys()].filter((id) => before.get(id) !== after.get(id))
  if (unsettled.length > 0) await evenWhenFull(redis, ['sadd', DIRTY_KEY, ...unsettled])
  await redis.srem(PROJECTING_KEY, ids)
  return unsettled.length + (await redis.scard(DIRTY_KEY))
}

/** The mark comes before the write: a projector that dies after it leaves the id to the next. */
export async function writeProjections(redis: Redis, hits: ReadonlyMap<CollectionId, string>): Promise<void> {
  if (hits.size === 0) return
  await evenWhenFull(redis, ['sadd', PROJECTING_KEY, ...hits.keys()])
  const fields = [...hits].flatMap(([id, count]) => [knownField(id), count])
  await evenWhenFull(redis, ['hset', KNOWN_KEY, ...fields])
}

/** @returns the hits of each id; ids whose counts are no hash are left out. */
async function hitsOf(redis: Redis, ids: readonly CollectionId[]): Promise<Map<CollectionId, string>> {
  const answers = await askEach(
    redis,
    ids.map((id) => ['hget', countsKey(id), 'hits']),
  )
  const hits = new Map<CollectionId, string>()
  for (const [index, [error, value]] of answers.entries()) {
    const id = ids[index]
    if (error && !isWrongType(error)) throw error
    if (id && !error) hits.set(id, (value as string | null) ?? '0')
  }
  return hits
}

/** Marks collections whose projections may be behind although no mark says so: a server that took over lost some writes. Errors of
 * the client pass through. */
export async function markDirty(redis: Redis, ids: readonly CollectionId[]): Promise<void> {
  for (let from = 0; from < ids.length; from += IDS_A_ROUND)
    await redis.sadd(DIRTY_KEY, ids.slice(from, from + IDS_A_ROUND))
}

/** Works through everything that is dirty, lease or not; for a run that ends and leaves its projections equal. */
export async function projectAll(redis: Redis): Promise<void> {
  while ((await answered(projectOnce(redis))) > 0);
}

/** Projects once a second while a run lasts. A round that fails is repeated by the next; {@link projectAll} tells. */
export class Projector {
  readonly #redis: Redis
  readonly #owner = randomUUID()
  #timer: NodeJS.Timeout | null = null
  #round: Promise<unknown> = Promise.resolve()

  constructor(redis: Redis) {
    this.#redis = redis
  }

  start(intervalMs = 1000): void {
    this.#timer = setInterval(() => {
      this.#round = this.#round.then(() => projectDirty(this.#redis, this.#owner)).catch(() => undefined)
    }, intervalMs)
    this.#timer.unref()
  }

  /** Ends the rounds and gives the lease back. */
  async stop(): Promise<void> {
    if (this.#timer) clearInterval(this.#timer)
    await this.#round
    const holder = await this.#redis.get(PROJECTOR_LEASE_KEY).catch(() => null)
    if (holder === this.#owner) await this.#redis.del(PROJECTOR_LEASE_KEY).catch(() => undefined)
  }
}
