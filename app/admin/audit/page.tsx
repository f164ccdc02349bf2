import { AuditPager } from '#app/audit-pager.tsx'
import { AuditTable } from '#app/audit-table.tsx'
import { context } from '#app/context.ts'
import { Fault } from '#app/fault.tsx'
import { reportFault } from '#app/fault-report.ts'
import { PlainPage } from '#app/plain-page.tsx'
import { Shell } from '#app/shell.tsx'
import { requireAdmin } from '#app/viewer.ts'
import type { AdminGrant } from '#lib/access/decide.ts'
import { type AuditQuery, auditHref, parseAuditQuery } from '#lib/audit/query.ts'
import { type RawParameters, requestPath } from '#lib/explore/parameters.ts'
import { formatNumber } from '#lib/explore/time-text.ts'
import { currentClock } from '#lib/explore/window.ts'
import { readAudit } from '#lib/store/audit.ts'
import { AuditForm } from './audit-form.tsx'

interface AuditProps {
  searchParams: Promise<RawParameters>
}

const PATH = '/admin/audit'
const ENTRIES_A_PAGE = 100

/** Who did what, for admins: every entry that is kept, and nothing to change it with. */
export default async function AuditPage({ searchParams }: AuditProps) {
  const parameters = await searchParams
  const path = requestPath(PATH, parameters)
  try {
    const { viewer, grant } = await requireAdmin(path)
    return (
      <Shell viewer={viewer} title="Audit">
        <h1>Audit</h1>
        <p className="text-muted">
          Who signed in, was refused, and read or downloaded lines, kept for{' '}
          {formatNumber(context().settings.auditDays)} days. <a href="/admin">All collections</a>
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

async function Entries(props: { grant: AdminGrant; parameters: RawParameters; path: string }) {
  const { grant, parameters, path } = props
  try {
    const query = parseAuditQuery(parameters)
    return (
      <>
        <AuditForm path={PATH} query={query} />
        <Page grant={grant} query={query} />
      </>
    )
  } catch (thrown) {
    return <Fault {...reportFault(thrown)} retry={path} />
  }
}

async function Page({ grant, query }: { grant: AdminGrant; query: AuditQuery }) {
  const { redis, settings } = context()
  const { nowMs, zone } = currentClock()
  const href = (before?: string) => auditHref(PATH, query, before)
  try {
    const page = await readAudit(redis, grant, {
      before: query.before,
      limit: ENTRIES_A_PAGE,
      keepDays: settings.auditDays,
      nowMs,
      matches: query.matches,
    })
    return (
      <>
        <AuditTable entries={page.entries} zone={zone} forAdmins />
        <AuditPager page={page} isFirst={query.before === null} href={href} />
      </>
    )
  } catch (thrown) {
    return <Fault {...reportFault(thrown)} retry={href(query.before ?? undefined)} />
  }
}
