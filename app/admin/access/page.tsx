import { context } from '#app/context.ts'
import { EndedNotice, parseEnded } from '#app/ended-notice.tsx'
import { Fault } from '#app/fault.tsx'
import { reportFault } from '#app/fault-report.ts'
import { PlainPage } from '#app/plain-page.tsx'
import { Shell } from '#app/shell.tsx'
import { requireAdmin } from '#app/viewer.ts'
import type { AdminGrant } from '#lib/access/decide.ts'
import { readersOf, ungranted } from '#lib/access/explain-readers.ts'
import { type RawParameters, requestPath, singleParameters } from '#lib/explore/parameters.ts'
import { formatNumber, momentInWords } from '#lib/explore/time-text.ts'
import { STEERING_ALL } from '#lib/explore/visible-html.ts'
import { currentClock } from '#lib/explore/window.ts'
import { readAllHits } from '#lib/store/counts.ts'
import { listPeople } from '#lib/store/people.ts'
import { EndSessionsTable } from './end-sessions-table.tsx'
import { explainInForm } from './explain-action.ts'
import { ExplainForm } from './explain-form.tsx'
import { AccessFileState } from './file-state.tsx'
import { ReadersTable } from './readers-table.tsx'
import { UngrantedTable } from './ungranted-table.tsx'

interface AccessProps {
  searchParams: Promise<RawParameters>
}

const REPLACEMENT = '\ufffd'

/** Who can read what and why, for admins. No raw line, and of claims only what stands where the access file looks. */
export default async function AccessPage({ searchParams }: AccessProps) {
  const parameters = await searchParams
  const path = requestPath('/admin/access', parameters)
  try {
    const { viewer, grant } = await requireAdmin(path)
    return (
      <Shell viewer={viewer} title="Access">
        <h1>Access</h1>
        <AccessFileState />
        <FileInForce zone={currentClock().zone} />
        <Overview grant={grant} parameters={parameters} path={path} />
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

function FileInForce({ zone }: { zone: string }) {
  const { access, settings } = context()
  const { rules } = access.current()
  return (
    <p className="text-muted [overflow-wrap:anywhere]">
      The access file in force, {settings.accessFile}, was last changed{' '}
      {momentInWords(access.changedAtMs, zone)} ({zone}); it has {formatNumber(rules.length)}{' '}
      {rules.length === 1 ? 'rule' : 'rules'}. <a href="/admin">All collections</a>
    </p>
  )
}

async function Overview(props: { grant: AdminGrant; parameters: RawParameters; path: string }) {
  const { grant, parameters, path } = props
  const { nowMs, zone } = currentClock()
  try {
    const ended = parseEnded(singleParameters(parameters, ['ended']).ended)
    const { redis, access, settings } = context()
    const [signedIn, hits] = await Promise.all([
      listPeople(redis, grant, { nowMs, idleSeconds: settings.sessionIdleSeconds }),
      readAllHits(redis, grant, nowMs / 1000),
    ])
    const { people } = signedIn
    const readers = readersOf(access.current(), people)
    return (
      <>
        {ended !== null && <EndedNotice ended={ended} whose="theirs" />}
        <ExplainForm explain={explainInForm} people={people.map(choice)} zone={zone} />
        <EndSessionsTable people={signedIn} zone={zone} />
        <ReadersTable readers={readers} />
        <UngrantedTable ids={ungranted(hits, readers)} hasOpenRules={readers.openRules.length > 0} />
      </>
    )
  } catch (thrown) {
    return <Fault {...reportFault(thrown)} retry={path} />
  }
}

/** A choice is text alone, where no character can be shown as an escape. */
function choice({ key, name }: { readonly key: string; readonly name: string }) {
  return { key, name: name.replace(STEERING_ALL, REPLACEMENT) }
}
