import { context } from '#app/context.ts'
import { Fault } from '#app/fault.tsx'
import { reportFault } from '#app/fault-report.ts'
import type { AdminGrant } from '#lib/access/decide.ts'
import { removalReason } from '#lib/explore/removal-text.ts'
import { formatNumber, momentInWords } from '#lib/explore/time-text.ts'
import { readRecentRemovals } from '#lib/store/removals.ts'

/** Collections shown; older removals stand on the pages of their collections. */
const SHOWN = 20

interface RemovalsProps {
  grant: AdminGrant
  zone: string
  /** The page's own path with its query. */
  path: string
}

/** What retention removed last, of the collections that it removed from last; nothing where it never removed a line. */
export async function Removals({ grant, zone, path }: RemovalsProps) {
  try {
    const { redis, access } = context()
    // One more than is shown tells whether there are more.
    const removals = await readRecentRemovals(redis, grant, SHOWN + 1)
    const [newest] = removals
    if (!newest) return null
    const { collections } = access.current()
    return (
      <details className="card max-w-none">
        <summary>Lines removed by retention, last on {momentInWords(newest.atSecond * 1000, zone)}</summary>
        <p className="text-muted">
          The newest removal of each collection
          {removals.length > SHOWN &&
            `; only the ${SHOWN} collections that lines were removed from last are shown`}
          . Removals of one day (UTC) are one.
        </p>
        <section
          className="overflow-x-auto"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls has to be reachable by keyboard
          tabIndex={0}
          aria-label="Lines removed"
        >
          <table className="counts">
            <thead>
              <tr>
                <th scope="col">Collection</th>
                <th scope="col" className="number">
                  Lines removed
                </th>
                <th scope="col">From</th>
                <th scope="col">To before</th>
                <th scope="col">Why</th>
                <th scope="col">When</th>
              </tr>
            </thead>
            <tbody>
              {removals.slice(0, SHOWN).map((removal) => (
                <tr key={removal.collection}>
                  <td>
                    {collections.get(removal.collection)?.name ?? 'Collection'} {removal.collection}
                  </td>
                  <td className="number" data-name="Lines removed">
                    {formatNumber(removal.lines)}
                  </td>
                  <td data-name="From">{momentInWords(removal.fromSecond * 1000, zone)}</td>
                  <td data-name="To before">{momentInWords(removal.floorSecond * 1000, zone)}</td>
                  <td data-name="Why">{removalReason(removal)}</td>
                  <td data-name="When">{momentInWords(removal.atSecond * 1000, zone)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      </details>
    )
  } catch (thrown) {
    return <Fault {...reportFault(thrown)} retry={path} />
  }
}
