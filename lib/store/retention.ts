import type { Redis } from 'ioredis'
import type { CollectionId } from '../collection-id.ts'
import { PortalError } from '../errors.ts'
import { ArchiveFault, tidyArchives } from './archive.ts'
import { WrongKeyType } from './collection-fault.ts'
import { foldDays } from './fold-days.ts'
import { isWrongType } from './redis.ts'
import { oldestSecondOf, removeStep, type StepOptions } from './removal.ts'
import { markRemoved, markRemoving } from './removals.ts'
import { ageCut } from './retention-plan.ts'
import { firstSecondOf } from './segment-descriptor.ts'
import { UnreadableSegment } from './segment-store.ts'

/**
 * Retention: what is older than it is to be goes, oldest seconds first, and never in silence. Each step is done by
 * removal.ts; here is how far it goes, and what stops it.
 *
 * What cannot be removed as it has to be is left where it is and said: lines that cannot be archived, a segment that
 * cannot be read where its lines are needed. The next round tries again.
 */

/**
 * A round that comes every half minute lets lines stay up to this much longer. Removing every second as it comes due would
 * write an archive file and a segment anew for each round and collection; so it is 144 a day at most.
 */
export const AGE_GRAIN_SECONDS = 600
/** Steps of one collection before others have their turn. */
const STEPS_A_ROUND = 64
/** Times that somebody else's writes may come between before it is left to the next round. */
const ATTEMPTS = 10

export interface RetentionOutcome {
  /** Lines removed. */
  readonly lines: number
  /** Why not all that should have gone is gone, a sentence; null when nothing stood in the way. */
  readonly problem: string | null
  /** Whether everything that was to go and could is gone; if not, the next round goes on. */
  readonly isFinished: boolean
  /** What else an operator should know. */
  readonly notes: readonly string[]
}

export interface RetentionOptions {
  readonly redis: Redis
  readonly collection: CollectionId
  readonly nowSeconds: number
  /** Days that lines are kept, or null to keep them. */
  readonly retentionDays: number | null
  /** `ARCHIVE_DIR`, an absolute path, or null to keep nothing of what is removed. */
  readonly archiveDir: string | null
  /** {@link AGE_GRAIN_SECONDS} in a round of many, 0 to the second. */
  readonly grainSeconds?: number
}

/**
 * Removes what is older than `retentionDays`.
 * @throws PortalError `store_unavailable`, `store_refused`
 */
export async function applyRetention(options: RetentionOptions): Promise<RetentionOutcome> {
  const {
    redis,
    collection,
    nowSeconds,
    retentionDays,
    archiveDir,
    grainSeconds = AGE_GRAIN_SECONDS,
  } = options
  return sayingProblems(async () => {
    const oldestSecond = retentionDays === null ? null : await oldestSecondOf(redis, collection)
    const cutSecond =
      retentionDays === null || oldestSecond === null
        ? null
        : ageCut({ nowSeconds, days: retentionDays, oldestSecond, grainSeconds })
    if (cutSecond === null) {
      const notes = await tidyArchives({ redis, collection, folder: archiveDir })
      return { lines: 0, problem: null, isFinished: true, notes }
    }
    const how = { reason: 'age', days: retentionDays, nowSeconds, archiveDir } as const
    return removeBelow({ redis, collection, cutSecond, ...how })
  })
}

/**
 * Removes the lines below a cut, step by step, and folds the days that are gone.
 * @throws PortalError `store_unavailable`, `store_refused`
 */
export function removeBelow(options: StepOptions): Promise<RetentionOutcome> {
  const { redis, collection, nowSeconds, archiveDir } = options
  return sayingProblems(async () => {
    const notes = await tidyArchives({ redis, collection, folder: archiveDir })
    await markRemoving(redis, collection, nowSeconds)
    const { lines, problem, isFinished } = await removeInSteps(options)
    // What is gone is gone, and is counted, whatever becomes of the words about it.
    const markFault = await markRemoved(redis, collection).then(
      () => null,
      (error: unknown) => problemOf(error) ?? Promise.reject(error),
    )
    const markProblem = markFault && `What was removed could not be noted for admins: ${markFault}.`
    const foldProblem = lines > 0 ? await foldDays(redis, collection) : null
    const problems = [problem, markProblem, foldProblem && sentence(foldProblem)].filter(
      (one) => one !== null,
    )
    return { lines, problem: problems.join(' ') || null, isFinished, notes }
  })
}

async function removeInSteps(options: StepOptions): Promise<Omit<RetentionOutcome, 'notes'>> {
  let cutSecond = options.cutSecond
  let lines = 0
  let attempts = 0
  let problem: string | null = null
  for (let steps = 0; steps < STEPS_A_ROUND; ) {
    const outcome = await removeStep({ ...options, cutSecond }).catch((error: unknown) => {
      const words = problemOf(error)
      if (words === null) throw error
      problem = sentence(words)
      return error instanceof UnreadableSegment ? error.descriptor : null
    })
    // What stands before an unreadable segment can still go.
    if (outcome === null) return { lines, problem, isFinished: true }
    if (!('kind' in outcome)) {
      if (firstSecondOf(outcome) >= cutSecond) return { lines, problem, isFinished: true }
      cutSecond = firstSecondOf(outcome)
    } else if (outcome.kind === 'nothing') return { lines, problem, isFinished: true }
    else if (outcome.kind === 'removed') {
      lines += outcome.lines
      steps++
      attempts = 0
    } else if (++attempts === ATTEMPTS) return { lines, problem, isFinished: false }
  }
  return { lines, problem, isFinished: false }
}

const sentence = (words: string) => `Lines that were to go were not removed: ${words}.`

/** @returns what stands in the way of removing, in words, or null for an error of another kind. */
function problemOf(error: unknown): string | null {
  if (error instanceof ArchiveFault) return `they could not be archived, ${error.message}`
  if (error instanceof UnreadableSegment || error instanceof WrongKeyType) return error.message
  if (error instanceof PortalError && isWrongType(error.cause)) return 'one of its keys holds something else'
  return null
}

async function sayingProblems(work: () => Promise<RetentionOutcome>): Promise<RetentionOutcome> {
  try {
    return await work()
  } catch (error) {
    const words = problemOf(error)
    if (words === null) throw error
    return { lines: 0, problem: sentence(words), isFinished: true, notes: [] }
  }
}
