import { ERRORS } from '#lib/errors.ts'

/** The one answer for what is not there and for what is not one's own, so that nobody can tell the two apart. */
export function NotFoundCard() {
  return (
    <section className="card">
      <h1>Not found</h1>
      <p>{ERRORS.not_found.text}</p>
      <p>
        <a href="/" className="button">
          Your collections
        </a>
      </p>
    </section>
  )
}
