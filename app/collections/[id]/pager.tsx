import type { CollectionId } from '#lib/collection-id.ts'
import { cursorText } from '#lib/explore/cursor.ts'
import { type ExplorerPlace, type ExplorerView, explorerHref } from '#lib/explore/query.ts'
import { formatNumber } from '#lib/explore/time-text.ts'
import type { Page } from '#lib/store/reading.ts'

interface PagerProps {
  page: Page
  collection: CollectionId
  view: ExplorerView
  /** Names the landmark: there is one above the lines and one below. */
  label: string
}

/** The ways through a window's pages; a way that leads nowhere is left out, and its place kept. */
export function Pager({ page: { lines, total, skipped, first, last }, collection, view, label }: PagerProps) {
  const href = (place?: ExplorerPlace) => explorerHref(collection, view, place)
  const older = first && skipped > 0 ? href({ before: cursorText(first) }) : null
  const newer = last && skipped + lines.length < total ? href({ after: cursorText(last) }) : null
  const atNothing = lines.length === 0
  return (
    <nav aria-label={label} className="flex flex-wrap items-center gap-x-4 gap-y-1 py-2">
      <Way href={older || atNothing ? href({ after: 'oldest' }) : null}>Oldest</Way>
      <Way href={older}>Older</Way>
      {!atNothing && (
        <span className="text-muted">
          Lines {formatNumber(skipped + 1)}–{formatNumber(skipped + lines.length)} of {formatNumber(total)}
        </span>
      )}
      <Way href={newer}>Newer</Way>
      <Way href={newer || atNothing ? href() : null}>Newest</Way>
    </nav>
  )
}

function Way({ href, children }: { href: string | null; children: string }) {
  if (href === null) return <span className="text-muted">{children}</span>
  return (
    <a href={href} className="way">
      {children}
    </a>
  )
}
