import type { CollectionId } from '#lib/collection-id.ts'
import { cursorText } from '#lib/explore/cursor.ts'
import type { ExplorerLines } from '#lib/explore/lines.ts'
import { type ExplorerQuery, explorerHref, isContext } from '#lib/explore/query.ts'
import { formatNumber, momentInWords, windowInWords } from '#lib/explore/time-text.ts'
import type { Clock } from '#lib/explore/window.ts'
import { EVERYTHING } from '#lib/store/reading.ts'
import { EmptyWindow } from './empty-window.tsx'
import { GapsNotice } from './gaps-notice.tsx'
import { HistogramFigure } from './histogram-figure.tsx'
import { LinesTable } from './lines-table.tsx'
import { Pager } from './pager.tsx'
import { Toolbar } from './toolbar.tsx'

interface ExplorerProps extends ExplorerLines {
  collection: CollectionId
  query: ExplorerQuery
  clock: Clock
  /** First second that retention kept, or null where it never removed a line. */
  floor: number | null
}

/** The window in words, the ways to other ones, and a page of its lines. */
export function Explorer(props: ExplorerProps) {
  const { collection, query, clock, floor, page, target, newest, clientFields, histogram } = props
  const { start, zone } = query
  const isAround = isContext(start)
  const view = isAround ? { ...query, window: EVERYTHING } : query
  return (
    <>
      <p className="mb-2 text-muted">
        {isAround ? 'All that is kept' : windowInWords(query.window, zone)} · {formatNumber(page.total)}{' '}
        {page.total === 1 ? 'line' : 'lines'}
      </p>
      <Toolbar collection={collection} query={query} clock={clock} />
      {'at' in start && <AboutLine collection={collection} query={query} start={start} target={target} />}
      <GapsNotice gaps={page.gaps} zone={zone} />
      {histogram && <HistogramFigure collection={collection} query={query} histogram={histogram} />}
      {page.total === 0 && page.gaps.length === 0 ? (
        <EmptyWindow collection={collection} newest={newest} floor={floor} query={view} clock={clock} />
      ) : (
        <>
          <div className="flex flex-wrap items-center gap-x-4">
            <Pager page={page} collection={collection} view={view} label="Pages, above the lines" />
            <a href="#end" className="inline-flex min-h-8 items-center">
              End of this page ↓
            </a>
          </div>
          <LinesTable
            page={page}
            query={query}
            shown={view.window}
            target={target}
            clientFields={clientFields}
          />
          <div id="end">
            <Pager page={page} collection={collection} view={view} label="Pages, below the lines" />
          </div>
        </>
      )}
    </>
  )
}

interface AboutLineProps {
  collection: CollectionId
  query: ExplorerQuery
  start: Extract<ExplorerQuery['start'], { at: unknown }>
  target: number | null
}

/** What a page about one line shows, and the way to and fro between the window and what stands around the line. */
function AboutLine({ collection, query, start: { at, context }, target }: AboutLineProps) {
  const link = { at: cursorText(at) }
  const moment = momentInWords(at.micros / 1000, query.zone)
  return (
    <p className="notice" role="status">
      {target === null
        ? `The line of ${moment} that this address names is not here: it is kept no longer, or stands in another window. What stands where it would be is shown.`
        : context === null
          ? `The line of ${moment}, marked below, in its window.`
          : `The line of ${moment}, marked below, with up to ${formatNumber(context)} lines on each side, whatever the window.`}{' '}
      {context === null ? (
        <a href={explorerHref(collection, query, { ...link, context: '50' })}>50 lines around it</a>
      ) : (
        <a href={explorerHref(collection, query, link)}>Back to it in its window</a>
      )}
    </p>
  )
}
