import type { Redis } from 'ioredis'
import { audit, requestAddress } from '#app/audit.ts'
import { context } from '#app/context.ts'
import { Fault } from '#app/fault.tsx'
import { logLine, reportFault } from '#app/fault-report.ts'
import { isHead } from '#app/page-status.ts'
import { PlainPage } from '#app/plain-page.tsx'
import { Shell } from '#app/shell.tsx'
import { requireCollection, type Viewer } from '#app/viewer.ts'
import type { CollectionGrant } from '#lib/access/decide.ts'
import { readExplorerLines } from '#lib/explore/lines.ts'
import { type RawParameters, requestPath } from '#lib/explore/parameters.ts'
import { type ExplorerQuery, isContext, readExplorerQuery } from '#lib/explore/query.ts'
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
        <Lines viewer={viewer} grant={grant} parameters={parameters} path={path} />
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

/**
 * One entry for each page whose lines were read, with or without JavaScript. What the browser says about its request does
 * not matter but for HEAD: whoever gets lines is written down.
 */
async function auditView(asked: {
  viewer: Viewer
  grant: CollectionGrant
  query: ExplorerQuery
  lines: number
}): Promise<void> {
  const { viewer, grant, query, lines } = asked
  if (await isHead()) return
  const isAround = isContext(query.start)
  audit({
    action: 'view',
    person: viewer.session,
    address: await requestAddress(),
    collection: grant.collection,
    window: isAround ? null : query.window,
    lines,
    rule: grant.rule,
    detail: [isAround && 'around one line', grant.masked && 'addresses masked'].filter(Boolean).join('; '),
  })
}

interface LinesProps {
  viewer: Viewer
  grant: CollectionGrant
  parameters: RawParameters
  path: string
}

async function Lines({ viewer, grant, parameters, path }: LinesProps) {
  const clock = currentClock()
  const { query, fault } = readExplorerQuery(parameters, clock)
  const { collection } = grant
  try {
    if (fault) throw fault
    const { redis } = context()
    const [lines, { floor, removals }] = await atOnce(redis, () =>
      Promise.all([readExplorerLines(redis, grant, query, clock), readRemoved(redis, grant)]),
    )
    await auditView({ viewer, grant, query, lines: lines.page.lines.length })
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
