import { after } from 'next/server'
import type { CollectionId } from '#lib/collection-id.ts'
import { histogramInWords, histogramSvg } from '#lib/explore/histogram-svg.ts'
import type { ExplorerHistogram } from '#lib/explore/lines.ts'
import { type ExplorerQuery, explorerHref } from '#lib/explore/query.ts'
import { hold } from './held-html.ts'
import { HistogramBars } from './histogram-bars.tsx'

interface HistogramFigureProps {
  collection: CollectionId
  query: ExplorerQuery
  histogram: ExplorerHistogram
}

/** How the window's lines spread over it; a bar leads to its piece of the window. */
export function HistogramFigure({ collection, query, histogram }: HistogramFigureProps) {
  const { zone } = query
  const hrefOf = (window: ExplorerQuery['window']) => explorerHref(collection, { ...query, window })
  return (
    <figure className="histogram">
      <HistogramBars bars={hold(histogramSvg(histogram, { zone, hrefOf }), after)} />
      <figcaption>{histogramInWords(histogram, query.window, zone)}</figcaption>
    </figure>
  )
}
