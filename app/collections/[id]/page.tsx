import { context } from '#app/context.ts'
import { Fault } from '#app/fault.tsx'
import { reportFault } from '#app/fault-report.ts'
import { PlainPage } from '#app/plain-page.tsx'
import { Shell } from '#app/shell.tsx'
import { requireCollection } from '#app/viewer.ts'
import type { CollectionGrant } from '#lib/access/decide.ts'
import { type RawParameters, requestPath } from '#lib/explore/parameters.ts'
import { explorerHref, parseExplorerQuery } from '#lib/explore/query.ts'
import { formatNumber, windowInWords } from '#lib/explore/time-text.ts'
import { currentClock } from '#lib/explore/window.ts'
import { readGrantedHits } from '#lib/store/counts.ts'
import { readPage } from '#lib/store/reading.ts'
import { EmptyWindow } from './empty-window.tsx'
import { LinesTable } from './lines-table.tsx'
import { Pager } from './pager.tsx'
import { WindowBar } from './window-bar.tsx'

interface ExplorerProps {
  params: Promise<{ id: string }>
  searchParams: Promise<RawParameters>
}

/** A collection's lines in a window of time, a page at a time. */
export default async function ExplorerPage({ params, searchParams }: ExplorerProps) {
  const [{ id }, parameters] = await Promise.all([params, searchParams])
  const path = requestPath(`/collections/${encodeURIComponent(id)}`, parameters)
  try {
    const { viewer, grant } = await requireCollection(id, path)
    return (
      <Shell viewer={viewer} title={grant.name}>
        <h1>
          {grant.name}{' '}
          <span className="font-normal text-muted">
            {grant.collection}
            {grant.url && ` · ${grant.url}`}
          </span>
        </h1>
        <Explorer grant={grant} parameters={parameters} path={path} />
      </Shell>
    )
  } catch (thrown) {
    return (
      <PlainPage>
        <Fault {...reportFault(thrown)} retry={path} />
      </PlainPage>
    )
  }
}

async function Explorer(props: { grant: CollectionGrant; parameters: RawParameters; path: string }) {
  const { grant, parameters, path } = props
  const clock = currentClock()
  try {
    const { redis } = context()
    const query = parseExplorerQuery(parameters, clock)
    const [page, [hits]] = await Promise.all([
      readPage(redis, grant, query),
      readGrantedHits(redis, [grant], clock.nowMs / 1000),
    ])
    const href = (at?: { after?: string; before?: string }) => explorerHref(grant.collection, query, at)
    return (
      <>
        <p className="mb-2 text-muted">
          {windowInWords(query.window, clock.zone)} · {formatNumber(page.total)}{' '}
          {page.total === 1 ? 'line' : 'lines'}
        </p>
        <WindowBar collection={grant.collection} query={query} clock={clock} />
        {page.total === 0 ? (
          <EmptyWindow
            collection={grant.collection}
            newest={hits?.lastSeen ?? null}
            query={query}
            clock={clock}
          />
        ) : (
          <>
            <div className="flex flex-wrap items-center gap-x-4">
              <Pager page={page} href={href} label="Pages, above the lines" />
              <a href="#end">End of this page ↓</a>
            </div>
            <LinesTable page={page} window={query.window} zone={clock.zone} />
            <div id="end">
              <Pager page={page} href={href} label="Pages, below the lines" />
            </div>
          </>
        )}
      </>
    )
  } catch (thrown) {
    const fault = reportFault(thrown)
    const retry = fault.error.fault === 'user' ? `/collections/${grant.collection}` : path
    return <Fault {...fault} retry={retry} />
  }
}
