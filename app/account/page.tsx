import { ClaimNames, ClaimsFound } from '#app/claims-sent.tsx'
import { context } from '#app/context.ts'
import { EndedNotice, parseEnded } from '#app/ended-notice.tsx'
import { Fault } from '#app/fault.tsx'
import { reportFault } from '#app/fault-report.ts'
import { PlainPage } from '#app/plain-page.tsx'
import { SentText } from '#app/sent-text.tsx'
import { Shell } from '#app/shell.tsx'
import { ThemeForm } from '#app/theme-choice.tsx'
import { requireViewer, type Viewer } from '#app/viewer.ts'
import { claimsSeen } from '#lib/access/claims-seen.ts'
import { type RawParameters, requestPath, singleParameters } from '#lib/explore/parameters.ts'
import { Grants } from './grants.tsx'
import { Sessions } from './sessions-section.tsx'
import { TokensSection } from './tokens-section.tsx'

interface AccountProps {
  searchParams: Promise<RawParameters>
}

/** Who one is here, what that gives and why, where one is signed in, one's tokens, and how pages look. */
export default async function AccountPage({ searchParams }: AccountProps) {
  const parameters = await searchParams
  const path = requestPath('/account', parameters)
  try {
    const viewer = await requireViewer(path)
    return (
      <Shell viewer={viewer} title="Account">
        <div className="[&_h2]:mt-6">
          <h1>Account</h1>
          <Ended parameters={parameters} path={path} />
          <Identity viewer={viewer} />
          <Grants access={viewer.access} />
          <Sent viewer={viewer} />
          <Sessions viewer={viewer} path={path} />
          <TokensSection viewer={viewer} />
          <h2>How pages look</h2>
          <ThemeForm className="mt-2 flex flex-wrap gap-2" />
        </div>
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

function Ended({ parameters, path }: { parameters: RawParameters; path: string }) {
  try {
    const ended = parseEnded(singleParameters(parameters, ['ended']).ended)
    return ended === null ? null : <EndedNotice ended={ended} whose="yours" />
  } catch (thrown) {
    return <Fault {...reportFault(thrown)} retry={path} />
  }
}

function Identity({ viewer: { session } }: { viewer: Viewer }) {
  return (
    <dl className="grid max-w-[46rem] gap-x-4 gap-y-1 sm:grid-cols-[max-content_1fr] [&_dt]:text-muted">
      <dt>Signed in as</dt>
      <dd>
        <SentText text={session.name} />
      </dd>
      <dt>Known by</dt>
      <dd>
        <SentText text={session.subject} />
      </dd>
      <dt>According to</dt>
      <dd>
        <SentText text={session.issuer} />
      </dd>
    </dl>
  )
}

function Sent({ viewer: { session } }: { viewer: Viewer }) {
  const seen = claimsSeen(session.claims, context().access.current())
  return (
    <section>
      <h2>What {context().settings.oidc.name} says about you</h2>
      <p>The portal looks here for your groups and collections:</p>
      <ClaimsFound seen={seen} />
      <p className="mt-2">What was sent in all:</p>
      <ClaimNames seen={seen} checkedAtMs={session.checkedAtMs} />
    </section>
  )
}
