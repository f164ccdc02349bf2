import type { Redis } from 'ioredis'
import type { CollectionId } from '../collection-id.ts'
import { type Ask, askEach } from './ask-each.ts'
import { segmentsKey } from './keys.ts'
import { answered, storeError } from './redis.ts'
import { type Descriptor, descriptorText } from './segment-descriptor.ts'
import { placesUpTo } from './segment-merge.ts'

/**
 * How far a merge of lines has come: given again with the same lines after an error, what was done before counts as done by
 * it, and not as found. Plain data, for it may travel between threads.
 */
export interface MergeProgress {
  /** Lines that went into segments. */
  stored: number
  /** Lines whose identity stands in a segment already, or (backfill) in the hot set. */
  duplicates: number
  /** Places of lines older than what retention keeps. */
  belowRetention: number[]
  /** Places of the lines still to be done, ascending. */
  pending: Uint32Array
  /** A commit on its way: its answer may get lost. */
  unanswered: UnansweredCommit | null
}

export interface UnansweredCommit {
  /** The new entries of the index. */
  readonly written: readonly string[]
  /** Of the pending lines it does the first of, how many are new and how many are not. */
  readonly stored: number
  readonly duplicates: number
}

export const newMergeProgress = (count: number): MergeProgress => ({
  stored: 0,
  duplicates: 0,
  belowRetention: [],
  pending: placesUpTo(count),
  unanswered: null,
})

/** The first pending lines are done. Without a set of thousands, which was a fifth of what the collector had to do. */
export function finishFirst(
  progress: MergeProgress,
  { stored, duplicates }: Omit<UnansweredCommit, 'written'>,
): void {
  progress.stored += stored
  progress.duplicates += duplicates
  progress.pending = progress.pending.subarray(stored + duplicates)
  progress.unanswered = null
}

/** @returns what is on its way when those segments are committed. */
export const unansweredCommit = (
  written: readonly Descriptor[],
  counted: { stored: number; duplicates: number },
): UnansweredCommit => ({ written: written.map(descriptorText), ...counted })

/**
 * Finds out whether the commit whose answer got lost went through: its segments have names that nobody else gives. Where
 * somebody replaced them meanwhile it looks as if it did not; its lines then count as duplicates.
 */
export async function settleUnanswered(
  redis: Redis,
  collection: CollectionId,
  progress: MergeProgress,
): Promise<void> {
  const { unanswered } = progress
  if (unanswered === null) return
  const asks = unanswered.written.map((text): Ask => ['zscore', segmentsKey(collection), text])
  const answers = await answered(askEach(redis, asks))
  for (const [error] of answers) if (error) throw storeError(error)
  const stands = answers.length > 0 && answers.every(([, score]) => score !== null)
  if (stands) finishFirst(progress, unanswered)
  else progress.unanswered = null
}
