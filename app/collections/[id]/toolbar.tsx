import type { ReactNode } from 'react'
import type { CollectionId } from '#lib/collection-id.ts'
import { type ExplorerQuery, explorerHref, isContext, placeOf, windowHref } from '#lib/explore/query.ts'
import { type Clock, shiftWindow } from '#lib/explore/window.ts'
import { sameLengthUpToNow, zoomOut } from '#lib/explore/window-steps.ts'
import { DownloadMenu } from './download-menu.tsx'
import { TimeMenu } from './time-menu.tsx'
import { ZoneMenu } from './zone-menu.tsx'

interface ToolbarProps {
  collection: CollectionId
  query: ExplorerQuery
  clock: Clock
  /** Whether the times given were not understood, so that they stand there to be mended. */
  asksForTime?: boolean
}

/** Choosing the window, how its lines are shown, and the download of it. All of it is links and forms. */
export function Toolbar({ collection, query, clock, asksForTime = false }: ToolbarProps) {
  const { window, order } = query
  const place = placeOf(query.start)
  const to = (other: typeof window | null) => other && explorerHref(collection, { ...query, window: other })
  return (
    <div className="mb-3 flex flex-wrap items-center gap-2">
      <TimeMenu collection={collection} query={query} clock={clock} open={asksForTime} />
      <nav aria-label="Neighbouring windows" className="flex flex-wrap gap-2">
        <Step href={to(shiftWindow(window, -1, clock))}>← Earlier</Step>
        <Step href={to(shiftWindow(window, 1, clock))}>Later →</Step>
        <Step href={to(zoomOut(window, clock))}>Zoom out</Step>
        <Step href={windowHref(collection, query, sameLengthUpToNow(window))}>Now</Step>
      </nav>
      <a
        className="button"
        href={explorerHref(collection, { ...query, order: order === 'asc' ? 'desc' : 'asc' }, place)}
      >
        {order === 'asc' ? 'Newest first' : 'Oldest first'}
      </a>
      <ZoneMenu collection={collection} query={query} server={clock.zone} />
      {/* Around a line stand lines of any window: there is none to download. */}
      {!isContext(query.start) && <DownloadMenu collection={collection} window={window} />}
      <a className="button" href={`/collections/${collection}/readers`}>
        Who read this
      </a>
    </div>
  )
}

function Step({ href, children }: { href: string | null; children: ReactNode }) {
  if (href === null) return null
  return (
    <a href={href} className="button">
      {children}
    </a>
  )
}
