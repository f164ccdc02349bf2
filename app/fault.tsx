import type { Fault as ReportedFault } from './fault-report.ts'

interface FaultProps extends ReportedFault {
  /** The page's own path with its query. */
  readonly retry: string
}

/**
 * What a page shows in place of what it could not read. Pages catch what their `lib` verbs throw and render this: Next.js
 * hides the message of an error that reaches its own boundary, and that boundary needs JavaScript.
 *
 *     } catch (thrown) {
 *       return <Fault {...reportFault(thrown)} retry={path} />
 *     }
 */
export function Fault({ error, reference, retry }: FaultProps) {
  return (
    <section role="alert" className="card">
      <h1>{error.fault === 'user' ? 'This does not work' : 'Not available right now'}</h1>
      <p>{error.publicMessage}</p>
      <p>
        <a href={retry} className="button">
          Try again
        </a>{' '}
        <small>ref {reference}</small>
      </p>
    </section>
  )
}
