import { ClaimNotes } from '#app/claims-sent.tsx'
import { SentText } from '#app/sent-text.tsx'
import type { Access } from '#lib/access/decide.ts'
import { formatNumber } from '#lib/explore/time-text.ts'

/** Shown; the rest is counted, and the list of collections has them all. */
const MAX_COLLECTIONS = 200

/** What a person may read and by which rule of the access file, and what of their claims gave nothing. */
export function Grants({ access: { collections, admin, notes } }: { access: Access }) {
  const grants = [...collections.values()]
  return (
    <section>
      <h2>What your groups give you</h2>
      {admin && (
        <p>
          Counts and health of all collections, without their lines: <SentText text={admin.rule} />.
        </p>
      )}
      {grants.length === 0 ? (
        <p>No collection is open to you.</p>
      ) : (
        <section
          className="overflow-x-auto"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls has to be reachable by keyboard
          tabIndex={0}
          aria-label="Collections open to you"
        >
          <table className="counts">
            <thead>
              <tr>
                <th scope="col">Collection</th>
                <th scope="col" className="number">
                  Id
                </th>
                <th scope="col">Addresses</th>
                <th scope="col">Because of</th>
              </tr>
            </thead>
            <tbody>
              {grants.slice(0, MAX_COLLECTIONS).map(({ collection, name, masked, rule }) => (
                <tr key={collection}>
                  <td>
                    <a href={`/collections/${collection}`}>{name}</a>
                  </td>
                  <td className="number" data-name="Id">
                    {collection}
                  </td>
                  <td data-name="Addresses">{masked ? 'as their networks' : 'whole'}</td>
                  <td data-name="Because of">
                    <SentText text={rule} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      {grants.length > MAX_COLLECTIONS && (
        <p className="text-muted">
          And {formatNumber(grants.length - MAX_COLLECTIONS)} more; <a href="/">Collections</a> has them all.
        </p>
      )}
      <ClaimNotes notes={notes} />
    </section>
  )
}
