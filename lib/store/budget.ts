import type { Redis } from 'ioredis'
import type { CollectionId } from '../collection-id.ts'
import { type CollectionMemory, MemoryMeter } from './memory.ts'
import { removeBelow } from './retention.ts'
import { budgetCut } from './retention-plan.ts'

/**
 * Retention by memory: while all collections take more than the budget, their lines and what is counted and noted of them,
 * the oldest seconds go, of whichever collections they are, up to one cut for all. Every collection then reaches back as far as the budget lets all of them.
 */

/** What is freed beyond the budget, as a part of it, so that not every round removes a little. */
const SLACK = 1 / 50
/** The newest seconds stay whatever the budget: with a floor near now, lines would be refused as they come. */
export const BUDGET_SPARES_SECONDS = 900
/** Pieces are estimates; so is what a pass frees. */
const PASSES_A_ROUND = 8
const SEGMENTS_A_PASS = 64

export interface BudgetOutcome {
  readonly lines: number
  /** Bytes that all collections take now, see memory.ts. */
  readonly heldBytes: number
  /** Whether they are within the budget; if not, and nothing stood in the way, the next round goes on. */
  readonly fits: boolean
  /** Sentences: why not all that should have gone is gone. */
  readonly problems: readonly string[]
  readonly notes: readonly string[]
}

export interface BudgetOptions {
  readonly redis: Redis
  /** All that are known. */
  readonly collections: readonly CollectionId[]
  readonly budgetBytes: number
  readonly nowSeconds: number
  /** `ARCHIVE_DIR`, an absolute path, or null. */
  readonly archiveDir: string | null
  /** Kept from round to round, it saves reading every index again. */
  readonly meter?: MemoryMeter
}

/** @throws PortalError `store_unavailable`, `store_refused` */
export async function applyBudget(options: BudgetOptions): Promise<BudgetOutcome> {
  const { redis, collections, budgetBytes, nowSeconds, archiveDir, meter = new MemoryMeter() } = options
  const measure = (segments: number) => meter.measure(redis, collections, segments)
  let heldBytes = sumOf(await measure(0))
  let lines = 0
  const problems = new Set<string>()
  const notes: string[] = []
  for (let pass = 0; pass < PASSES_A_ROUND && heldBytes > budgetBytes && problems.size === 0; pass++) {
    const memory = await measure(SEGMENTS_A_PASS)
    const fixedBytes = memory.reduce((sum, one) => sum + one.fixedBytes, 0)
    if (fixedBytes > budgetBytes * (1 - SLACK)) {
      // Without a line they would be as large.
      problems.add(
        `MEMORY_BUDGET: what is counted and noted of the collections takes ${fixedBytes} bytes, about as much as it; no line is removed for it.`,
      )
      break
    }
    const cutSecond = cutOf(memory, { excessBytes: sumOf(memory) - budgetBytes * (1 - SLACK), nowSeconds })
    if (cutSecond === null) {
      problems.add(
        `MEMORY_BUDGET: the lines of the last ${BUDGET_SPARES_SECONDS / 60} minutes alone take more than it; they are kept.`,
      )
      break
    }
    for (const { collection, pieces } of memory) {
      if (!pieces.some(({ firstSecond }) => firstSecond < cutSecond)) continue
      const how = { reason: 'budget', days: null, nowSeconds, archiveDir } as const
      const removed = await removeBelow({ redis, collection, cutSecond, ...how })
      lines += removed.lines
      notes.push(...removed.notes)
      if (removed.problem) problems.add(`Collection ${collection}: ${removed.problem}`)
    }
    heldBytes = sumOf(await measure(0))
  }
  return { lines, heldBytes, fits: heldBytes <= budgetBytes, problems: [...problems], notes }
}

const sumOf = (memory: readonly CollectionMemory[]) => memory.reduce((sum, { bytes }) => sum + bytes, 0)

/** @returns the second below which lines go, or null when none can. */
function cutOf(
  memory: readonly CollectionMemory[],
  { excessBytes, nowSeconds }: { excessBytes: number; nowSeconds: number },
): number | null {
  const pieces = memory.flatMap((one) => one.pieces)
  const oldest = Math.min(...pieces.map(({ firstSecond }) => firstSecond))
  // Beyond where the first rest begins the pieces do not tell what is there.
  const told = Math.min(...memory.map(({ restSecond }) => restSecond ?? Number.POSITIVE_INFINITY))
  const wanted = budgetCut(pieces, excessBytes) ?? Number.POSITIVE_INFINITY
  const latest = Math.floor(nowSeconds) - BUDGET_SPARES_SECONDS
  const cut = Math.min(latest, Math.max(oldest + 1, Math.min(told, wanted)))
  return cut > oldest ? cut : null
}
