import { formatNumber } from '#lib/explore/time-text.ts'
import type { CollectionHits } from '#lib/store/counts.ts'

/** Shown; the rest is counted. */
const MAX_IDS = 100

interface UngrantedTableProps {
  /** Collections with lines that no rule lists. */
  ids: readonly CollectionHits[]
  /** Whether there are rules that take ids from claims. */
  hasOpenRules: boolean
}

/** Ids that stand in logs and that no rule grants: lines that nobody can read. */
export function UngrantedTable({ ids, hasOpenRules }: UngrantedTableProps) {
  const byLines = ids.toSorted((a, b) => b.total - a.total)
  return (
    <>
      <h2>Ids in logs that no rule grants</h2>
      {hasOpenRules && (
        <p className="text-muted">
          No rule lists them and nobody signed in reads them. A rule that takes ids from what single sign-on
          sends may still grant them to somebody.
        </p>
      )}
      {ids.length === 0 ? (
        <p className="notice">Every id that a line carries is granted by a rule.</p>
      ) : (
        <section
          className="overflow-x-auto"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls has to be reachable by keyboard
          tabIndex={0}
          aria-label="Ids in logs that no rule grants"
        >
          <table className="counts">
            <thead>
              <tr>
                <th scope="col">Id</th>
                <th scope="col" className="number">
                  Lines in all
                </th>
              </tr>
            </thead>
            <tbody>
              {byLines.slice(0, MAX_IDS).map(({ collection, total }) => (
                <tr key={collection}>
                  <td>{collection}</td>
                  <td className="number" data-name="Lines in all">
                    {formatNumber(total)}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      {ids.length > MAX_IDS && (
        <p className="text-muted">
          Those with the most lines; {formatNumber(ids.length - MAX_IDS)} more are not shown.
        </p>
      )}
    </>
  )
}
