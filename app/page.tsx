import { redirect } from 'next/navigation'
import { listCollections, parseListQuery } from '#lib/explore/collection-list.ts'
import { givenParameters, joinFaults, type RawParameters, requestPath } from '#lib/explore/parameters.ts'
import { currentClock } from '#lib/explore/window.ts'
import { readGrantedHits } from '#lib/store/counts.ts'
import { context } from './context.ts'
import { CountsTable } from './counts-table.tsx'
import { Fault } from './fault.tsx'
import { reportFault } from './fault-report.ts'
import { NoCollections } from './no-collections.tsx'
import { PlainPage } from './plain-page.tsx'
import { Shell } from './shell.tsx'
import { requireViewer, type Viewer } from './viewer.ts'

interface HomeProps {
  searchParams: Promise<RawParameters>
}

/** The collections one may read; with exactly one, straight to it. */
export default async function HomePage({ searchParams }: HomeProps) {
  const parameters = await searchParams
  const path = requestPath('/', parameters)
  try {
    const viewer = await requireViewer(path)
    const { given, faults } = givenParameters(parameters, ['q', 'sort'])
    const fault = joinFaults(faults)
    const grants = [...viewer.access.collections.values()]
    const [only] = grants
    if (!fault && grants.length === 1 && only) redirect(`/collections/${only.collection}`)
    if (!fault && grants.length === 0 && viewer.access.admin) redirect('/admin')
    return (
      <Shell viewer={viewer} title="Collections">
        {fault ? (
          <Fault {...reportFault(fault)} retry={path} alone />
        ) : grants.length === 0 ? (
          <NoCollections viewer={viewer} />
        ) : (
          <>
            <h1>Collections</h1>
            <Collections viewer={viewer} given={given} path={path} />
          </>
        )}
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

async function Collections(props: { viewer: Viewer; given: { q?: string; sort?: string }; path: string }) {
  const { viewer, given, path } = props
  const clock = currentClock()
  try {
    const query = parseListQuery(given, 'name')
    const grants = [...viewer.access.collections.values()]
    const hits = await readGrantedHits(context().redis, grants, clock.nowMs / 1000)
    const names = new Map(grants.map((grant) => [grant.collection, grant]))
    return (
      <CountsTable
        list={listCollections(hits, names, query)}
        query={query}
        path="/"
        zone={clock.zone}
        linked
      />
    )
  } catch (thrown) {
    return <Fault {...reportFault(thrown)} retry={path} />
  }
}
