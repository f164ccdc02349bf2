import type { AuditEntry } from '#lib/audit/entry.ts'
import { formatNumber, momentInWords, windowInWords } from '#lib/explore/time-text.ts'
import type { AuditPage } from '#lib/store/audit.ts'
import { SentText } from './sent-text.tsx'

interface AuditTableProps {
  entries: AuditPage['entries']
  zone: string
  /** Whether all of an entry is shown: owners are not told where their fellow readers sit, nor by what rule they read. */
  forAdmins?: boolean
}

/** Entries of the audit, the newest first. */
export function AuditTable({ entries, zone, forAdmins = false }: AuditTableProps) {
  if (entries.length === 0) return <p className="notice">No entry is here.</p>
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls has to be reachable by keyboard
    <section className="overflow-x-auto" tabIndex={0} aria-label="Entries">
      <table className="counts">
        <thead>
          <tr>
            <th scope="col">When ({zone})</th>
            <th scope="col">Who</th>
            <th scope="col">What</th>
            {forAdmins && <th scope="col">Collection</th>}
            <th scope="col">Window</th>
            <th scope="col" className="number">
              Lines
            </th>
            <th scope="col" className="number">
              Bytes
            </th>
            {forAdmins && <th scope="col">Address</th>}
            {forAdmins && <th scope="col">By</th>}
          </tr>
        </thead>
        <tbody>
          {entries.map(({ id, entry }) => (
            <Row key={id} entry={entry} zone={zone} forAdmins={forAdmins} />
          ))}
        </tbody>
      </table>
    </section>
  )
}

function Row({ entry, zone, forAdmins }: { entry: AuditEntry; zone: string; forAdmins: boolean }) {
  const { atMs, name, person, action, filter, detail, collection, window, lines, bytes, address, rule } =
    entry
  return (
    <tr>
      <td>{momentInWords(atMs, zone)}</td>
      <td data-name="Who">
        {name === '' ? person === '' ? 'nobody known' : 'name not known' : <SentText text={name} />}
        {forAdmins && person !== '' && (
          <div className="text-muted">
            <SentText text={person} />
          </div>
        )}
      </td>
      <td data-name="What">
        <SentText text={[action, filter, detail].filter((words) => words !== '').join(', ')} />
      </td>
      {forAdmins && <td data-name="Collection">{collection}</td>}
      <td data-name="Window">{window && windowInWords(window, zone)}</td>
      <td className="number" data-name="Lines">
        {lines !== null && formatNumber(lines)}
      </td>
      <td className="number" data-name="Bytes">
        {bytes !== null && formatNumber(bytes)}
      </td>
      {forAdmins && <td data-name="Address">{address}</td>}
      {forAdmins && (
        <td data-name="By">
          <SentText text={rule} />
        </td>
      )}
    </tr>
  )
}
