import { AuditPager } from '#app/audit-pager.tsx'
import { AuditTable } from '#app/audit-table.tsx'
import { context } from '#app/context.ts'
import { Fault } from '#app/fault.tsx'
import { reportFault } from '#app/fault-report.ts'
import { PlainPage } from '#app/plain-page.tsx'
import { Shell } from '#app/shell.tsx'
import { requireCollection } from '#app/viewer.ts'
import type { CollectionGrant } from '#lib/access/decide.ts'
import type { AuditEntry } from '#lib/audit/entry.ts'
import { parseAuditCursor } from '#lib/audit/query.ts'
import { type RawParameters, requestPath, singleParameters } from '#lib/explore/parameters.ts'
import { formatNumber } from '#lib/explore/time-text.ts'
import { currentClock } from '#lib/explore/window.ts'
import { readCollectionAudit } from '#lib/store/audit.ts'

interface ReadersProps {
  params: Promise<{ id: string }>
  searchParams: Promise<RawParameters>
}

const ENTRIES_A_PAGE = 100

/** Who read or downloaded a collection's lines, for those who may read them: names, windows and counts. */
export default async function ReadersPage({ params, searchParams }: ReadersProps) {
  const [{ id }, parameters] = await Promise.all([params, searchParams])
  const path = requestPath(`/collections/${encodeURIComponent(id)}/readers`, parameters)
  try {
    const { viewer, grant } = await requireCollection(id, path)
    return (
      <Shell viewer={viewer} title={`Who read ${grant.name}`}>
        <h1>Who read this</h1>
        <p className="text-muted">
          Every page of lines of <a href={`/collections/${grant.collection}`}>{grant.name}</a> that was shown,
          and every download, kept for {formatNumber(context().settings.auditDays)} days.
        </p>
        <Entries grant={grant} parameters={parameters} path={path} />
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

async function Entries(props: { grant: CollectionGrant; parameters: RawParameters; path: string }) {
  const { grant, parameters, path } = props
  const { nowMs, zone } = currentClock()
  const own = `/collections/${grant.collection}/readers`
  try {
    const before = parseAuditCursor(singleParameters(parameters, ['before']).before)
    const { redis, settings } = context()
    const page = await readCollectionAudit(redis, grant, {
      before,
      limit: ENTRIES_A_PAGE,
      keepDays: settings.auditDays,
      nowMs,
    })
    return (
      <>
        <AuditTable entries={grant.masked ? page.entries.map(withoutBytes) : page.entries} zone={zone} />
        <AuditPager
          page={page}
          isFirst={before === null}
          href={(older) => (older === undefined ? own : `${own}?before=${older}`)}
        />
      </>
    )
  } catch (thrown) {
    return <Fault {...reportFault(thrown)} retry={path} />
  }
}

/** Of a download with whole addresses the bytes would tell how long one is. */
function withoutBytes<Kept extends { readonly entry: AuditEntry }>(kept: Kept): Kept {
  return { ...kept, entry: { ...kept.entry, bytes: null } }
}
