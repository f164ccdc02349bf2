import { notFound } from 'next/navigation'
import { withoutParameters } from '#lib/explore/parameters.ts'
import type { Fault as ReportedFault } from './fault-report.ts'
import { NotFoundCard } from './not-found-card.tsx'
import { setPageStatus } from './page-status.ts'

interface FaultProps extends ReportedFault {
  /** The page's own path with its query; what of it is at fault is left out of the way on. */
  readonly retry: string
  /** Whether nothing else stands on the page, so that this is its heading. */
  readonly alone?: boolean
}

/**
 * What a page shows in place of what it could not read, with the status that goes with it. Pages catch what their `lib`
 * verbs throw and render this: Next.js hides the message of an error that reaches its own boundary, and that boundary
 * needs JavaScript.
 *
 *     } catch (thrown) {
 *       return <Fault {...reportFault(thrown)} retry={path} />
 *     }
 */
export async function Fault({ error, reference, retry, alone = false }: FaultProps) {
  const isSet = await setPageStatus(error.status, error.retryAfterSeconds)
  if (error.code === 'not_found') return isSet ? <NotFoundCard /> : notFound()
  const Heading = alone ? 'h1' : 'h2'
  const isForLater = error.fault !== 'user' || error.code === 'too_many'
  return (
    <section role="alert" className="card">
      <Heading>{isForLater ? 'Not available right now' : 'This does not work'}</Heading>
      <p>{error.publicMessage}</p>
      <p>
        <a href={withoutParameters(retry, error.parameters)} className="button">
          {isForLater ? 'Try again' : 'Go on without it'}
        </a>{' '}
        <small>ref {reference}</small>
      </p>
    </section>
  )
}
