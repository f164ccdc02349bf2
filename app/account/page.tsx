import { Fault } from '#app/fault.tsx'
import { reportFault } from '#app/fault-report.ts'
import { PlainPage } from '#app/plain-page.tsx'
import { Shell } from '#app/shell.tsx'
import { requireViewer } from '#app/viewer.ts'
import { type RawParameters, requestPath, singleParameters } from '#lib/explore/parameters.ts'
import { TokensSection } from './tokens-section.tsx'

interface AccountProps {
  searchParams: Promise<RawParameters>
}

/** What is one's own here. */
export default async function AccountPage({ searchParams }: AccountProps) {
  const parameters = await searchParams
  const path = requestPath('/account', parameters)
  try {
    const viewer = await requireViewer(path)
    singleParameters(parameters, [])
    return (
      <Shell viewer={viewer} title="Account">
        <h1>Account</h1>
        <TokensSection viewer={viewer} />
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
