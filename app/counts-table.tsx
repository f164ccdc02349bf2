import type { CollectionList, CollectionSort, ListQuery } from '#lib/explore/collection-list.ts'
import { formatNumber, momentInWords } from '#lib/explore/time-text.ts'

interface CountsTableProps {
  list: CollectionList
  query: ListQuery
  /** The page the table stands on, whose `q` and `sort` it sets. */
  path: string
  zone: string
  /** Whether names lead to the lines; admins see counts of collections they may not read. */
  linked: boolean
}

const COLUMNS: readonly { sort: CollectionSort; title: string; number?: boolean }[] = [
  { sort: 'name', title: 'Collection' },
  { sort: 'id', title: 'Id', number: true },
  { sort: 'total', title: 'Lines in all', number: true },
  { sort: 'today', title: 'Today (UTC)', number: true },
  { sort: 'last', title: 'Last line' },
]

/** Collections with their counts; sorted by a column's head, searched by a field. */
export function CountsTable({ list, query, path, zone, linked }: CountsTableProps) {
  const { rows, matching, all } = list
  return (
    <>
      <form action={path} className="my-2 flex flex-wrap items-end gap-2">
        <label className="flex flex-col gap-1 text-muted">
          Name, id or address
          <input type="search" name="q" defaultValue={query.q} />
        </label>
        <input type="hidden" name="sort" value={query.sort} />
        <button type="submit" className="button button-primary">
          Search
        </button>
        <span className="py-1 text-muted" role="status">
          {formatNumber(matching)} of {formatNumber(all)} collections
          {rows.length < matching && `, the first ${formatNumber(rows.length)} shown: search to see others`}
        </span>
      </form>
      {rows.length === 0 ? (
        <p className="notice">
          {query.q === '' ? (
            'No collection has received a line yet.'
          ) : (
            <>
              No collection has “{query.q}” in its name, id or address. <a href={path}>Show all</a>
            </>
          )}
        </p>
      ) : (
        <Rows list={list} query={query} path={path} zone={zone} linked={linked} />
      )}
    </>
  )
}

function Rows({ list: { rows }, query, path, zone, linked }: CountsTableProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls has to be reachable by keyboard
    <section className="overflow-x-auto" tabIndex={0} aria-label="Collections">
      <table className="counts">
        <thead>
          <tr>
            {COLUMNS.map((column) => (
              <Head key={column.sort} {...column} query={query} path={path} />
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.collection}>
              <td>
                {linked ? <a href={`/collections/${row.collection}`}>{row.name}</a> : row.name}
                {row.url && <div className="text-muted">{row.url}</div>}
              </td>
              <td className="number" data-name="Id">
                {row.collection}
              </td>
              <td className="number" data-name="Lines in all">
                {formatNumber(row.total)}
              </td>
              <td className="number" data-name="Today (UTC)">
                {formatNumber(row.today)}
              </td>
              <td data-name="Last line">
                {row.unreadable
                  ? 'counts unreadable: a key holds something else'
                  : row.lastSeen === null
                    ? 'none yet'
                    : momentInWords(row.lastSeen * 1000, zone)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

function Head(props: {
  sort: CollectionSort
  title: string
  number?: boolean
  query: ListQuery
  path: string
}) {
  const { sort, title, number, query, path } = props
  const current = query.sort === sort
  const parameters = new URLSearchParams({ ...(query.q ? { q: query.q } : {}), sort })
  const direction = sort === 'name' || sort === 'id' ? 'ascending' : 'descending'
  return (
    <th scope="col" className={number ? 'number' : undefined} aria-sort={current ? direction : undefined}>
      <a href={`${path}?${parameters}`}>
        {title}
        {current && (direction === 'ascending' ? ' ↑' : ' ↓')}
      </a>
    </th>
  )
}
