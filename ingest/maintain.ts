import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import type { RetentionDays } from '#lib/access/retention-days.ts'
import { Maintainer } from '#lib/store/maintain.ts'
import { takeMaintainLease } from '#lib/store/maintain-lease.ts'
import { type MaintainReport, newReport, type Retention } from '#lib/store/maintain-report.ts'
import { redisFault, storeSeconds } from '#lib/store/redis.ts'
import { AGE_GRAIN_SECONDS } from '#lib/store/retention.ts'
import { messageOf } from './batch-writer.ts'

/** The verb `maintain`: one round of maintenance, or one every so often until it is told to stop. */

export interface MaintainRun {
  readonly redis: Redis
  /** Lines are sealed at this age; null: never. */
  readonly sealAfterSeconds: number | null
  readonly retention: Omit<Retention, 'daysOf' | 'grainSeconds'>
  /** Asked at each round. */
  readonly retentionDays: () => RetentionDays
  /** From the beginning of one round to that of the next; null for a single round. */
  readonly everySeconds: number | null
  /** How long a single round waits while somebody else maintains. */
  readonly waitSeconds: number
  readonly stop: AbortSignal
  readonly say: (text: string) => void
}

/**
 * @returns what was done in all rounds, with the collections and faults of the last one; null where somebody else was at
 * work all the time, so that there was none.
 * @throws PortalError `store_unavailable`, `store_refused`; with `everySeconds` only what no waiting mends
 */
export async function maintain(run: MaintainRun): Promise<MaintainReport | null> {
  const rounds = new Rounds(run)
  for (;;) {
    const startMs = Date.now()
    await rounds.next()
    if (run.everySeconds === null || run.stop.aborted) return rounds.total
    const leftMs = Math.max(0, run.everySeconds * 1000 - (Date.now() - startMs))
    await delay(leftMs, undefined, { signal: run.stop }).catch(() => undefined)
    if (run.stop.aborted) return rounds.total
  }
}

class Rounds {
  total: MaintainReport | null = null
  readonly #run: MaintainRun
  readonly #maintainer: Maintainer
  /** What was told last, so that one state is not told every round. */
  #told = new Set<string>()

  constructor(run: MaintainRun) {
    this.#run = run
    this.#maintainer = new Maintainer(run.redis)
  }

  async next(): Promise<void> {
    const { everySeconds } = this.#run
    const report = newReport()
    try {
      if (await this.#round(report)) this.#add(report)
    } catch (error) {
      this.#add(report)
      if (everySeconds === null || redisFault(error) !== 'passing') throw error
      this.#tell([`Redis: ${messageOf(error)}. The next round tries again; nothing is lost.`])
    }
  }

  /** @returns false when somebody else is at work. */
  async #round(report: MaintainReport): Promise<boolean> {
    const { redis, sealAfterSeconds, everySeconds, waitSeconds, stop } = this.#run
    const waitMs = everySeconds === null ? waitSeconds * 1000 : 0
    const lease = await takeMaintainLease(redis, { waitMs, stop })
    if (!lease) {
      this.#tell(['Another maintain is at work.'])
      return false
    }
    try {
      // A machine whose clock is ahead would take lines for old that are not; what is removed does not come back.
      const nowSeconds = Math.min(Math.floor(Date.now() / 1000), await storeSeconds(redis))
      const { daysOf, problem } = this.#run.retentionDays()
      if (problem !== null) report.faults.push({ collection: null, reason: problem })
      const retention = {
        ...this.#run.retention,
        daysOf: daysOf ?? (() => null),
        grainSeconds: everySeconds === null ? 0 : AGE_GRAIN_SECONDS,
      }
      await this.#maintainer.round({ nowSeconds, sealAfterSeconds, retention, stop }, report)
    } finally {
      await lease.release()
    }
    if (everySeconds !== null && report.sealed + report.joined + report.recompressed + report.removed > 0)
      this.#run.say(workText(report))
    this.#tell([...report.notes, ...report.faults.map(faultText)])
    return true
  }

  #tell(texts: readonly string[]): void {
    for (const text of texts) if (!this.#told.has(text)) this.#run.say(text)
    this.#told = new Set(texts)
  }

  #add(report: MaintainReport): void {
    const before = this.total ?? newReport()
    this.total = {
      ...report,
      sealed: before.sealed + report.sealed,
      joined: before.joined + report.joined,
      recompressed: before.recompressed + report.recompressed,
      removed: before.removed + report.removed,
    }
  }
}

const number = new Intl.NumberFormat('en-US')
const counted = (count: number, what: string) => `${number.format(count)} ${what}${count === 1 ? '' : 's'}`

function workText({ sealed, joined, recompressed, removed }: MaintainReport): string {
  const gone = removed > 0 ? `, ${counted(removed, 'line')} removed` : ''
  return `${counted(sealed, 'line')} sealed, ${counted(joined, 'segment')} joined, ${number.format(recompressed)} compressed anew${gone}`
}

const faultText = ({ collection, reason }: MaintainReport['faults'][number]) =>
  collection === null ? reason : `Collection ${collection}: ${reason}`

export function maintainText(report: MaintainReport): string {
  const { collections, faults } = report
  const wrong = faults.length === 0 ? '' : `; ${counted(faults.length, 'fault')}`
  return `${counted(collections, 'collection')}: ${workText(report)}${wrong}`
}

/** One object on one line. */
export function maintainJson(report: MaintainReport): string {
  return JSON.stringify(report)
}
