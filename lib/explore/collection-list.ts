import { compareCollectionIds } from '../collection-id.ts'
import { PortalError } from '../errors.ts'
import type { CollectionHits } from '../store/counts.ts'

/** Lists of collections with their counts: searching, sorting, and the cap that is said. */

export const COLLECTION_SORTS = ['name', 'id', 'total', 'today', 'last'] as const
export type CollectionSort = (typeof COLLECTION_SORTS)[number]

export interface ListQuery {
  /** Text that the id, the name or the address contains, whatever the case; '' for all. */
  readonly q: string
  readonly sort: CollectionSort
}

export interface CollectionRow extends CollectionHits {
  readonly name: string
  readonly url: string | null
}

export interface CollectionList {
  readonly rows: readonly CollectionRow[]
  /** Rows that match, of which {@link rows} are the first. */
  readonly matching: number
  /** All collections, matching or not. */
  readonly all: number
}

/** What a page shows; more than this is said and found by searching. */
const MAX_ROWS = 1000

/** @throws PortalError `bad_parameter` */
export function parseListQuery(
  parameters: { q?: string; sort?: string },
  defaultSort: CollectionSort,
): ListQuery {
  const { q = '', sort = defaultSort } = parameters
  const known = COLLECTION_SORTS.find((name) => name === sort)
  if (known) return { q, sort: known }
  throw new PortalError('bad_parameter', {
    detail: `sort: takes ${COLLECTION_SORTS.join(', ')}.`,
    parameters: ['sort'],
  })
}

/**
 * @param names of collections, by id; one without a name is "Collection <id>".
 * @returns the rows that match, sorted: names and ids ascending, counts and times descending, then by id.
 */
export function listCollections(
  hits: readonly CollectionHits[],
  names: ReadonlyMap<string, { readonly name: string; readonly url?: string | null | undefined }>,
  { q, sort }: ListQuery,
): CollectionList {
  const wanted = q.toLowerCase()
  const rows = hits
    .map((row) => {
      const entry = names.get(row.collection)
      return { ...row, name: entry?.name ?? `Collection ${row.collection}`, url: entry?.url ?? null }
    })
    .filter(({ collection, name, url }) =>
      [collection, name, url ?? ''].some((text) => text.toLowerCase().includes(wanted)),
    )
    .sort((a, b) => COMPARE[sort](a, b) || compareCollectionIds(a.collection, b.collection))
  return { rows: rows.slice(0, MAX_ROWS), matching: rows.length, all: hits.length }
}

const names = new Intl.Collator('en', { numeric: true, sensitivity: 'base' })

const COMPARE: Record<CollectionSort, (a: CollectionRow, b: CollectionRow) => number> = {
  name: (a, b) => names.compare(a.name, b.name),
  id: () => 0,
  total: (a, b) => b.total - a.total,
  today: (a, b) => b.today - a.today,
  last: (a, b) => (b.lastSeen ?? -1) - (a.lastSeen ?? -1),
}
