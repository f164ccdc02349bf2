import { SentText } from '#app/sent-text.tsx'
import type { RuleFound } from '#lib/access/explain.ts'
import type { CollectionReaders, Reader, Readers } from '#lib/access/explain-readers.ts'
import { formatNumber } from '#lib/explore/time-text.ts'

/** What a page shows; the rest is counted, and the form answers about any collection. */
const MAX_COLLECTIONS = 200
const MAX_READERS_EACH = 20
const MAX_RULES_EACH = 20

/** Each collection with the rules that grant it, and who of the people signed in reads it by which. */
export function ReadersTable({ readers: { collections, openRules } }: { readers: Readers }) {
  return (
    <>
      <h2>Who can read what</h2>
      {openRules.length > 0 && (
        <>
          <p>These rules take ids from what single sign-on sends, and can grant any collection:</p>
          <Rules rules={openRules} />
        </>
      )}
      {collections.length === 0 ? (
        <p className="notice">The access file names no collection, and nobody signed in reads one.</p>
      ) : (
        <section
          className="overflow-x-auto"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls has to be reachable by keyboard
          tabIndex={0}
          aria-label="Who can read what"
        >
          <table className="counts">
            <thead>
              <tr>
                <th scope="col">Collection</th>
                <th scope="col" className="number">
                  Id
                </th>
                <th scope="col">Rules that list it</th>
                <th scope="col">Signed in and reading it</th>
              </tr>
            </thead>
            <tbody>
              {collections.slice(0, MAX_COLLECTIONS).map((row) => (
                <Row key={row.collection} row={row} />
              ))}
            </tbody>
          </table>
        </section>
      )}
      {collections.length > MAX_COLLECTIONS && (
        <p className="text-muted">
          And {formatNumber(collections.length - MAX_COLLECTIONS)} more collections that are not shown; the
          form above answers about them too.
        </p>
      )}
    </>
  )
}

function Row({ row: { collection, name, rules, readers } }: { row: CollectionReaders }) {
  return (
    <tr>
      <td>{name ?? 'Collection'}</td>
      <td className="number" data-name="Id">
        {collection}
      </td>
      <td data-name="Rules that list it">{rules.length === 0 ? 'none' : <Rules rules={rules} />}</td>
      <td data-name="Signed in and reading it">
        {readers.length === 0 ? 'nobody' : <People readers={readers} />}
      </td>
    </tr>
  )
}

function Rules({ rules }: { rules: readonly RuleFound[] }) {
  return (
    <ul>
      {rules.slice(0, MAX_RULES_EACH).map(({ line, words, masked }, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: several rules can stand on one line, and they never move
        <li key={`${line}.${index}`}>
          <SentText text={words} />
          {masked && ', addresses masked'}
        </li>
      ))}
      {rules.length > MAX_RULES_EACH && <li>and {formatNumber(rules.length - MAX_RULES_EACH)} more</li>}
    </ul>
  )
}

function People({ readers }: { readers: readonly Reader[] }) {
  return (
    <ul>
      {readers.slice(0, MAX_READERS_EACH).map(({ key, name, rule }) => (
        <li key={key}>
          <SentText text={name} />: <SentText text={rule} />
        </li>
      ))}
      {readers.length > MAX_READERS_EACH && (
        <li>and {formatNumber(readers.length - MAX_READERS_EACH)} more</li>
      )}
    </ul>
  )
}
