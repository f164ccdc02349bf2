import type { CollectionId } from '../collection-id.ts'
import { asPortalError } from '../errors.ts'
import { type AccessSource, openAccessSource } from './access-source.ts'

/**
 * How long the lines of each collection are kept: its own `retentionDays` in the access file, else the setting for all.
 *
 * While the file cannot be read or is broken nobody knows which collections keep their lines longer, and what is removed
 * does not come back: so nothing is removed by age then, of any collection. The last good version is not enough here,
 * though it is for access: the change that broke the file may be the one that was to keep lines.
 */

export type RetentionDays =
  /** Days that lines of a collection are kept; null: for ever. */
  | { readonly daysOf: (collection: CollectionId) => number | null; readonly problem: null }
  /** Nothing is to be removed by age; why, a sentence. */
  | { readonly daysOf: null; readonly problem: string }

/**
 * @param accessFile its path, or null where there is none
 * @param defaultDays for collections without a figure of their own; null: for ever
 * @returns what to ask at each round; it looks at the file each time
 */
export function retentionDaysSource(options: {
  accessFile: string | null
  defaultDays: number | null
  log: (line: string) => void
  now?: () => number
}): () => RetentionDays {
  const { accessFile, defaultDays, log, now = Date.now } = options
  if (accessFile === null) return () => ({ daysOf: () => defaultDays, problem: null })
  let source: AccessSource | null = null
  const unknown = (why: string): RetentionDays => ({
    daysOf: null,
    problem: `No lines are removed by age: the access file, which may say how long they are kept, cannot be used: ${why.replaceAll('\n', '; ')}`,
  })
  return () => {
    try {
      source ??= openAccessSource({ path: accessFile, log, now })
    } catch (thrown) {
      return unknown(asPortalError(thrown).detail ?? 'it cannot be read')
    }
    const { collections } = source.current()
    if (source.problem !== null) return unknown(source.problem)
    return { daysOf: (id) => collections.get(id)?.retentionDays ?? defaultDays, problem: null }
  }
}
