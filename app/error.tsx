'use client'

import { PlainFrame } from './plain-frame.tsx'

interface ErrorPageProps {
  readonly error: Error & { readonly digest?: string }
  readonly retry: () => void
}

/** The last resort for what no page foresaw; pages render the faults that they expect themselves. */
export default function ErrorPage({ error, retry }: ErrorPageProps) {
  return (
    <PlainFrame>
      <section role="alert" className="card">
        <h1>Not available right now</h1>
        <p>The portal made a mistake. Nothing was lost. Try again.</p>
        <p>
          <button type="button" className="button" onClick={() => retry()}>
            Try again
          </button>{' '}
          {error.digest && <small>ref {error.digest}</small>}
        </p>
      </section>
    </PlainFrame>
  )
}
