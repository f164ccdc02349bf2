import type { Redis } from 'ioredis'
import { context } from '#app/context.ts'
import { Fault } from '#app/fault.tsx'
import { logLine, reportFault } from '#app/fault-report.ts'
import { PlainPage } from '#app/plain-page.tsx'
import { Shell } from '#app/shell.tsx'
import { requireCollection } from '#app/viewer.ts'
import type { CollectionGrant } from '#lib/access/decide.ts'
import { readExplorerLines } from '#lib/explore/lines.ts'
import { type RawParameters, requestPath } from '#lib/explore/parameters.ts'
import { readExplorerQuery } from '#lib/explore/query.ts'
import { currentClock } from '#lib/explore/window.ts'
import { atOnce } from '#lib/store/at-once.ts'
import { REMOVALS_KEPT, readFloor, readRemovals } from '#lib/store/removals.ts'
import { Explorer } from './explorer.tsx'
import { MaskedNotice } from './masked-notice.tsx'
import { RemovedNotice } from './removed-notice.tsx'
import { Toolbar } from './toolbar.tsx'

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
        <Lines grant={grant} parameters={parameters} path={path} />
      </Shell>
    )
  } catch (thrown) {
    return (
      <PlainPage>
        <Fault {...reportFault(thrown)} retry={path} alone />
      </PlainPage>
    )
  }
}

/** Where retention never removed a line there is nothing more to ask. */
async function readRemoved(redis: Redis, grant: CollectionGrant) {
  const floor = await readFloor(redis, grant)
  const removals = floor === null ? [] : await readRemovals(redis, grant, REMOVALS_KEPT)
  return { floor, removals }
}

async function Lines(props: { grant: CollectionGrant; parameters: RawParameters; path: string }) {
  const { grant, parameters, path } = props
  const clock = currentClock()
  const { query, fault } = readExplorerQuery(parameters, clock)
  const { collection } = grant
  try {
    if (fault) throw fault
    const { redis } = context()
    const [lines, { floor, removals }] = await atOnce(redis, () =>
      Promise.all([readExplorerLines(redis, grant, query, clock), readRemoved(redis, grant)]),
    )
    for (const { reason } of lines.page.gaps) logLine(`collection ${collection}: ${reason}`)
    return (
      <>
        <RemovedNotice floor={floor} removals={removals} query={query} hasOlder={lines.page.skipped > 0} />
        {grant.masked && <MaskedNotice />}
        <Explorer collection={collection} query={query} clock={clock} floor={floor} {...lines} />
      </>
    )
  } catch (thrown) {
    return (
      <>
        <Fault {...reportFault(thrown)} retry={path} />
        <Toolbar
          collection={collection}
          query={query}
          clock={clock}
          asksForTime={fault?.parameters.includes('from') ?? false}
        />
      </>
    )
  }
}
