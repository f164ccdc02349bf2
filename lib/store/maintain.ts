import type { Redis } from 'ioredis'
import type { CollectionId } from '../collection-id.ts'
import { applyBudget } from './budget.ts'
import { collectionFault } from './collection-fault.ts'
import {
  type CollectionLook,
  type Looked,
  type LookOptions,
  lookAtCollection,
  lookAtCollections,
  unreconciled,
} from './collection-look.ts'
import { knownIds } from './counts.ts'
import { evenWhenFull } from './even-when-full.ts'
import { joinCollection } from './join.ts'
import { DIRTY_KEY, KNOWN_KEY, knownField } from './keys.ts'
import type { MaintainOptions, MaintainReport } from './maintain-report.ts'
import { MemoryMeter } from './memory.ts'
import { projectAll } from './projector.ts'
import { answered, redisFault } from './redis.ts'
import { applyRetention } from './retention.ts'
import { ageCut } from './retention-plan.ts'
import { secondOfMicros } from './score.ts'
import { sealCollection, settledBefore } from './seal.ts'

/**
 * Maintenance: removes lines that are kept no longer, seals those that have settled, joins cold segments, brings the
 * projections up to date, and looks whether every line that was ever counted is accounted for. All of it may run in several
 * places at once and die anywhere; the lease (see `maintain-lease.ts`) only spares doing the work twice.
 *
 * Most collections have nothing to do in most rounds. Many are looked at together, and a look tells everything that
 * decides whether there is something to do, so that an idle one costs its part of a pipeline and nothing else.
 */

/** Collections in one pipeline. */
const LOOKS_AT_ONCE = 1000
/** Collections worked on at once. Each may hold some segments in memory. */
const WORKED_ON_AT_ONCE = 8

/** What is remembered of a collection between rounds. */
interface Remembered {
  readonly look: CollectionLook
  /** When there may be something to join although the index did not change; null for never. */
  readonly joinAtSecond: number | null
}

/** Rounds over all collections. Keeps what spares looking at an unchanged index again. */
export class Maintainer {
  readonly #redis: Redis
  readonly #meter = new MemoryMeter()
  readonly #remembered = new Map<CollectionId, Remembered>()

  constructor(redis: Redis) {
    this.#redis = redis
  }

  /**
   * One round. An error of the connection ends it; what was done stays done.
   * @param report what happens is added to it as it happens
   * @throws PortalError `store_unavailable`, `store_refused`
   */
  async round(options: MaintainOptions, report: MaintainReport): Promise<void> {
    const ids = await answered(knownIds(this.#redis))
    for (let from = 0; from < ids.length && !options.stop.aborted; from += LOOKS_AT_ONCE) {
      const some = ids.slice(from, from + LOOKS_AT_ONCE)
      const looks = await lookAtCollections(this.#redis, some, this.#lookOptions(options))
      await this.#markBehind(some, looks)
      await this.#maintainEach(some, { looks, options, report })
    }
    if (!options.stop.aborted) await this.#keepBudget(ids, options, report)
    await projectAll(this.#redis)
  }

  /** Some at a time. An error of the connection ends it when all that was begun has ended. */
  async #maintainEach(
    ids: readonly CollectionId[],
    {
      looks,
      options,
      report,
    }: { looks: readonly Looked[]; options: MaintainOptions; report: MaintainReport },
  ): Promise<void> {
    const queue = ids.entries()
    let isFailed = false
    const work = async () => {
      for (const [index, collection] of queue) {
        if (options.stop.aborted || isFailed) return
        report.collections++
        try {
          const looked = looks[index]
          if (looked && 'error' in looked) throw looked.error
          if (looked) await this.#maintainCollection(collection, looked.look, options, report)
        } catch (error) {
          const reason = faultOfOne(error)
          if (reason === null) {
            isFailed = true
            throw error
          }
          report.faults.push({ collection, reason })
        }
      }
    }
    const ended = await Promise.allSettled(Array.from({ length: WORKED_ON_AT_ONCE }, work))
    for (const one of ended) if (one.status === 'rejected') throw one.reason
  }

  /**
   * Marks those whose projection is not what was counted: a writer or a projector that died at the wrong moment leaves one
   * behind until its collection gets another line.
   */
  async #markBehind(ids: readonly CollectionId[], looks: readonly Looked[]): Promise<void> {
    const projected = await answered(this.#redis.hmget(KNOWN_KEY, ...ids.map(knownField)))
    const behind = ids.filter((_, i) => {
      const look = looks[i]
      return look && 'look' in look && projected[i] !== String(look.look.hits)
    })
    if (behind.length > 0) await answered(evenWhenFull(this.#redis, ['sadd', DIRTY_KEY, ...behind]))
  }

  async #keepBudget(
    collections: readonly CollectionId[],
    { nowSeconds, retention: { budgetBytes, archiveDir } }: MaintainOptions,
    report: MaintainReport,
  ): Promise<void> {
    if (budgetBytes === null) return
    const options = {
      redis: this.#redis,
      collections,
      budgetBytes,
      nowSeconds,
      archiveDir,
      meter: this.#meter,
    }
    try {
      const { lines, problems, notes } = await applyBudget(options)
      report.removed += lines
      report.notes.push(...notes)
      report.faults.push(...problems.map((reason) => ({ collection: null, reason })))
    } catch (error) {
      const reason = faultOfOne(error)
      if (reason === null) throw error
      report.faults.push({ collection: null, reason: `MEMORY_BUDGET: ${reason}` })
    }
  }

  /** The work on one collection, one step after the other, and then whether all its lines are accounted for. */
  async #maintainCollection(
    collection: CollectionId,
    first: CollectionLook,
    options: MaintainOptions,
    report: MaintainReport,
  ): Promise<void> {
    const removed = isRemovalDue(collection, first, options)
      ? await this.#removeOld(collection, options, report)
      : false
    const sealed = await sealCollection(this.#redis, collection, { look: first, options, report })
    let look = removed || sealed > 0 ? await this.#look(collection, options) : first
    const remembered = this.#remembered.get(collection)
    let joinAtSecond = remembered?.joinAtSecond ?? null
    const isDue = joinAtSecond !== null && joinAtSecond <= options.nowSeconds
    if (look.sealedLines > 0 && (isDue || look.indexWord !== remembered?.look.indexWord)) {
      joinAtSecond = await joinCollection(this.#redis, collection, { options, report })
      look = await this.#look(collection, options)
    }
    this.#remembered.set(collection, { look, joinAtSecond })
    const reason = unreconciled(look)
    if (reason !== null) report.faults.push({ collection, reason })
  }

  /** @returns whether lines went */
  async #removeOld(
    collection: CollectionId,
    { nowSeconds, retention: { daysOf, archiveDir, grainSeconds }, stop }: MaintainOptions,
    report: MaintainReport,
  ): Promise<boolean> {
    const retentionDays = daysOf(collection)
    const options = { redis: this.#redis, collection, nowSeconds, retentionDays, archiveDir, grainSeconds }
    let lines = 0
    for (let isFinished = false; !isFinished && !stop.aborted; ) {
      const outcome = await applyRetention(options)
      lines += outcome.lines
      report.removed += outcome.lines
      report.notes.push(...outcome.notes)
      if (outcome.problem !== null) report.faults.push({ collection, reason: outcome.problem })
      isFinished = outcome.isFinished || outcome.lines === 0
    }
    return lines > 0
  }

  #look(collection: CollectionId, options: MaintainOptions): Promise<CollectionLook> {
    return lookAtCollection(this.#redis, collection, this.#lookOptions(options))
  }

  #lookOptions(options: MaintainOptions): LookOptions {
    return {
      settledBeforeMicros: settledBefore(options),
      before: (id) => this.#remembered.get(id)?.look,
    }
  }
}

/** Whether lines are too old, or a removal was cut short. */
function isRemovalDue(
  collection: CollectionId,
  { oldestHotMicros, firstSealedMicros, archives }: CollectionLook,
  { nowSeconds, retention: { daysOf, grainSeconds } }: MaintainOptions,
): boolean {
  if (archives > 0) return true
  const days = daysOf(collection)
  const oldestMicros = Math.min(
    oldestHotMicros ?? Number.POSITIVE_INFINITY,
    firstSealedMicros ?? Number.POSITIVE_INFINITY,
  )
  if (days === null || oldestMicros === Number.POSITIVE_INFINITY) return false
  return ageCut({ nowSeconds, days, oldestSecond: secondOfMicros(oldestMicros), grainSeconds }) !== null
}

/**
 * @returns what is wrong with a collection, also where nobody thought of it: what other programs put under its keys must
 * not keep all others from being maintained. Null for an error of the connection or the server.
 */
function faultOfOne(error: unknown): string | null {
  const known = collectionFault(error)
  if (known !== null || redisFault(error) !== 'other') return known
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}
