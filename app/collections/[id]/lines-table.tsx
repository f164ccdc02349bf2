import { after } from 'next/server'
import { cursorText } from '#lib/explore/cursor.ts'
import { LINE_COLUMNS, lineRows } from '#lib/explore/line-rows.ts'
import { type ExplorerQuery, explorerSearch } from '#lib/explore/query.ts'
import { isWithinOneDay } from '#lib/explore/time-text.ts'
import { type MicrosWindow, type Page, pageCursors } from '#lib/store/reading.ts'
import { CopyLines } from './copy-lines.tsx'
import { hold } from './held-html.ts'
import { LinesBody } from './lines-body.tsx'

interface LinesTableProps {
  page: Page
  query: ExplorerQuery
  /** The lines are all of the window, or of all that is kept: those around one line. */
  shown: MicrosWindow
  /** The place on the page of the line it is about. */
  target: number | null
  clientFields: ReadonlyMap<string, number>
}

/** The page's lines. Rows are made as one string by `lineRows`, which escapes everything that came out of a log. */
export function LinesTable({ page, query, shown, target, clientFields }: LinesTableProps) {
  if (page.lines.length === 0) return <p className="card">There are no further lines in this direction.</p>
  const { zone, start, order } = query
  const pageContext = 'at' in start ? start.context : null
  const isDescending = order === 'desc'
  const last = page.lines.length - 1
  const placed = <T,>(all: readonly T[]) => (isDescending ? all.toReversed() : all)
  const html = lineRows(placed(page.lines), {
    zone,
    withDate: !isWithinOneDay(shown, zone),
    base: explorerSearch(query),
    cursors: placed(pageCursors(page)).map(cursorText),
    context: pageContext,
    target: target !== null && isDescending ? last - target : target,
    clientFields,
  })
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls has to be reachable by keyboard
    <section className="lines-box" tabIndex={0} aria-label="Lines">
      <table className="lines">
        <thead>
          <tr>
            {LINE_COLUMNS.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <LinesBody rows={hold(html, after)} />
      </table>
      <CopyLines />
    </section>
  )
}
