import type { CollectionId } from '../collection-id.ts'

/** What a round of maintenance is given, and what it did. */

export interface MaintainOptions {
  readonly nowSeconds: number
  /** Lines settle at this age, by event time; null: never. */
  readonly sealAfterSeconds: number | null
  /** Ends the work between two commits. */
  readonly stop: AbortSignal
}

export interface CollectionFault {
  readonly collection: CollectionId
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
  /** What is wrong with single collections. The work on all others was done. */
  readonly faults: CollectionFault[]
}

export function newReport(): MaintainReport {
  return { collections: 0, sealed: 0, joined: 0, recompressed: 0, faults: [] }
}
