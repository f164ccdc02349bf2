import { context } from '#app/context.ts'
import { CountsTable } from '#app/counts-table.tsx'
import { Fault } from '#app/fault.tsx'
import { reportFault } from '#app/fault-report.ts'
import { PlainPage } from '#app/plain-page.tsx'
import { Shell } from '#app/shell.tsx'
import { requireAdmin } from '#app/viewer.ts'
import type { AdminGrant } from '#lib/access/decide.ts'
import { listCollections, parseListQuery } from '#lib/explore/collection-list.ts'
import { type RawParameters, requestPath, singleParameters } from '#lib/explore/parameters.ts'
import { currentClock } from '#lib/explore/window.ts'
import { readAllHits } from '#lib/store/counts.ts'
import { AccessFileState } from './access/file-state.tsx'
import { Removals } from './removals.tsx'

interface AdminProps {
  searchParams: Promise<RawParameters>
}

/** What is hit: counts of every collection that ever received a line. Counts only, no lines. */
export default async function AdminPage({ searchParams }: AdminProps) {
  const parameters = await searchParams
  const path = requestPath('/admin', parameters)
  try {
    const { viewer, grant } = await requireAdmin(path)
    return (
      <Shell viewer={viewer} title="All collections">
        <h1>All collections</h1>
        <p>
          <a href="/admin/access">Who can read what, and why</a> ·{' '}
          <a href="/admin/audit">Who read what, and when</a>
        </p>
        <AccessFileState />
        <Removals grant={grant} zone={currentClock().zone} path={path} />
        <Counts grant={grant} parameters={parameters} path={path} />
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

async function Counts(props: { grant: AdminGrant; parameters: RawParameters; path: string }) {
  const { grant, parameters, path } = props
  const clock = currentClock()
  try {
    const query = parseListQuery(singleParameters(parameters, ['q', 'sort']), 'total')
    const { redis, access } = context()
    const hits = await readAllHits(redis, grant, clock.nowMs / 1000)
    const list = listCollections(hits, access.current().collections, query)
    return <CountsTable list={list} query={query} path="/admin" zone={clock.zone} linked={false} />
  } catch (thrown) {
    return <Fault {...reportFault(thrown)} retry={path} />
  }
}
