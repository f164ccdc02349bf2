import type { CollectionId } from '#lib/collection-id.ts'
import { type ExplorerQuery, explorerHref, placeOf } from '#lib/explore/query.ts'
import { zoneInWords } from '#lib/explore/time-zone.ts'
import { OwnZone } from './own-zone.tsx'

interface ZoneMenuProps {
  collection: CollectionId
  query: ExplorerQuery
  /** IANA name of the server's zone. */
  server: string
}

/** The zone of all times on the page: the server's, UTC, or the browser's own where it tells. */
export function ZoneMenu({ collection, query, server }: ZoneMenuProps) {
  const { tz = 'server', zone } = query
  const href = (wanted: string) => explorerHref(collection, { ...query, tz: wanted }, placeOf(query.start))
  return (
    <details className="menu" name="menu">
      <summary className="button">Times in {zoneInWords(zone, query.window.toMicros / 1000)} ▾</summary>
      <nav aria-label="Time zone" className="menu-body">
        <a href={href('server')} className="button" aria-current={tz === 'server' ? 'true' : undefined}>
          Server time ({server})
        </a>
        <a
          href={href('utc')}
          className="button"
          aria-current={tz.toLowerCase() === 'utc' ? 'true' : undefined}
        >
          UTC
        </a>
        <OwnZone href={href('')} chosen={tz} />
      </nav>
    </details>
  )
}
