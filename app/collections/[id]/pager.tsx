import { cursorText } from '#lib/explore/cursor.ts'
import { formatNumber } from '#lib/explore/time-text.ts'
import type { Page } from '#lib/store/reading.ts'

interface PagerProps {
  page: Page
  /** The address of a page of the same window, from a cursor on. */
  href: (at?: { after?: string; before?: string }) => string
  /** Names the landmark: there is one above the lines and one below. */
  label: string
}

/** The ways through a window's pages; a way that leads nowhere is left out, and its place kept. */
export function Pager({ page: { lines, total, skipped, first, last }, href, label }: PagerProps) {
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
    <a href={href} className="inline-flex min-h-8 items-center">
      {children}
    </a>
  )
}
