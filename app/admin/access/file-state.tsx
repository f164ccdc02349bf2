import { context } from '#app/context.ts'

/** Says so while the access file in force is not the one that lies there. */
export function AccessFileState() {
  const { problem } = context().access
  if (problem === null) return null
  return (
    <section role="alert" className="card">
      <h2>The access file is broken</h2>
      <p>
        The last good one stays in force; changes made since do not act until it is mended. It is read again
        at each request.
      </p>
      <pre className="whitespace-pre-wrap [overflow-wrap:anywhere]">{problem}</pre>
    </section>
  )
}
