import type { CollectionId } from '../collection-id.ts'

/** What a round of maintenance is given, and what it did. */

export interface MaintainOptions {
  readonly nowSeconds: number
  /** Lines settle at this age, by event time; null: never. */
  readonly sealAfterSeconds: number | null
  readonly retention: Retention
  /** Ends the work between two commits. */
  readonly stop: AbortSignal
}

/** How long lines are kept; by age and by what all of them take. */
export interface Retention {
  /** Days that a collection's lines are kept, or null for ever. */
  readonly daysOf: (collection: CollectionId) => number | null
  /** What the lines of all collections may take, or null for whatever they do. */
  readonly budgetBytes: number | null
  /** `ARCHIVE_DIR`, an absolute path, or null to keep nothing of what is removed. */
  readonly archiveDir: string | null
  /** Seconds of lines that are removed together, see `retention.ts`. */
  readonly grainSeconds: number
}

export const KEEP_ALL: Retention = {
  daysOf: () => null,
  budgetBytes: null,
  archiveDir: null,
  grainSeconds: 0,
}

export interface CollectionFault {
  /** Null where it concerns all. */
  readonly collection: CollectionId | null
  readonly reason: string
}

export interface MaintainReport {
  /** Collections looked at. */
  collections: number
  /** Lines that went from the hot set into segments. */
  sealed: number
  /** Segments that became part of larger ones. */
  joined: number
  /** Segments written anew alone, to be smaller. */
  recompressed: number
  /** Lines that went by age or for the memory budget. */
  removed: number
  /** What is wrong with single collections. The work on all others was done. */
  readonly faults: CollectionFault[]
  /** What an operator should know besides. */
  readonly notes: string[]
}

export function newReport(): MaintainReport {
  return { collections: 0, sealed: 0, joined: 0, recompressed: 0, removed: 0, faults: [], notes: [] }
}
