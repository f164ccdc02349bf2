import { headers } from 'next/headers'
import { Fault } from '#app/fault.tsx'
import { reportFault } from '#app/fault-report.ts'
import { clientAddressOf, setPageStatus } from '#app/page-status.ts'
import { PlainPage } from '#app/plain-page.tsx'
import { Shell } from '#app/shell.tsx'
import { requireViewer, sessionCookieValue, sessionDeps, type Viewer } from '#app/viewer.ts'
import { type RawParameters, requestPath, singleParameters } from '#lib/explore/parameters.ts'
import { type Found, findDevice } from '#lib/session/device.ts'
import { tokenHolder } from '#lib/session/token.ts'
import { DeviceQuestion } from './device-question.tsx'
import { isOutcome, OUTCOMES } from './outcome.ts'

interface DeviceProps {
  searchParams: Promise<RawParameters>
}

/** Where a person types the code that a device shows, sees what asks for what, and says yes or no. */
export default async function DevicePage({ searchParams }: DeviceProps) {
  const parameters = await searchParams
  const path = requestPath('/device', parameters)
  try {
    const viewer = await requireViewer(path)
    return (
      <Shell viewer={viewer} title="Device">
        <h1>Let a device read for you</h1>
        <Body viewer={viewer} parameters={parameters} path={path} />
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

async function Body(props: { viewer: Viewer; parameters: RawParameters; path: string }) {
  const { viewer, parameters, path } = props
  try {
    const { user_code: typed, outcome } = singleParameters(parameters, ['user_code', 'outcome'])
    const found = typed === undefined ? null : await find(typed)
    if (found?.kind === 'too-many') await setPageStatus(429, found.waitSeconds)
    const said = found && found.kind !== 'found' ? found.kind : outcome
    return (
      <>
        {isOutcome(said) && (
          <p className="notice" role="status">
            {OUTCOMES[said]}
          </p>
        )}
        {found?.kind === 'found' ? <DeviceQuestion viewer={viewer} found={found} /> : <CodeForm />}
        <p className="text-muted">
          <a href="/account#tokens">Tokens made so far</a>
        </p>
      </>
    )
  } catch (thrown) {
    return <Fault {...reportFault(thrown)} retry={path} />
  }
}

async function find(typed: string): Promise<Found> {
  const deps = sessionDeps()
  const holder = await tokenHolder(await sessionCookieValue(), deps)
  if (!holder) return { kind: 'none' }
  return findDevice(typed, { sid: holder.sid, address: clientAddressOf({ headers: await headers() }) }, deps)
}

function CodeForm() {
  return (
    <form method="get" action="/device" className="card flex flex-col items-start gap-1">
      <p>A script or a device that wants to read logs for you shows a code such as BCDF-GHJK.</p>
      <label className="field">
        Code
        <input
          name="user_code"
          required
          autoComplete="off"
          autoCapitalize="characters"
          spellCheck={false}
          maxLength={20}
          className="font-mono uppercase"
        />
      </label>
      <button type="submit" className="button button-primary">
        Go on
      </button>
    </form>
  )
}
