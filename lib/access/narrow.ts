import type { CollectionId } from '../collection-id.ts'
import type { Access } from './decide.ts'

/**
 * What is left of an access for a token: the collections among `ids`, or all of them for null, and never an admin's right.
 * It only ever takes away: the grants are those that were decided, as they were, masking included.
 */
export function narrowAccess(access: Access, ids: readonly CollectionId[] | null): Access {
  const kept = ids && new Set(ids)
  return {
    collections: new Map([...access.collections].filter(([id]) => kept === null || kept.has(id))),
    admin: null,
    notes: access.notes,
  }
}

export interface SplitIds {
  /** Those that may be read now, in the order asked for. */
  readonly own: readonly CollectionId[]
  /** Those that may not: nobody's, or somebody else's. */
  readonly others: readonly CollectionId[]
}

/** Which of the ids asked for a token may have. */
export function splitIds(access: Access, ids: readonly CollectionId[]): SplitIds {
  const mayRead = (id: CollectionId) => access.collections.has(id)
  return { own: ids.filter(mayRead), others: ids.filter((id) => !mayRead(id)) }
}
