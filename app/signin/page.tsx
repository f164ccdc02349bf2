import { redirect } from 'next/navigation'
import { ERRORS } from '#lib/errors.ts'
import { isStale } from '#lib/session/renewal.ts'
import { returnPath } from '#lib/session/return-path.ts'
import { context } from '../context.ts'
import { Fault } from '../fault.tsx'
import { reportFault } from '../fault-report.ts'
import { PlainPage } from '../plain-page.tsx'
import { sessionCookieValue, sessionDeps, viewer } from '../viewer.ts'

/** What went wrong, by the code that the sign-in's routes put into the address. */
const WORDS: ReadonlyMap<string, string> = new Map([
  ['denied', 'Single sign-on did not let you in, or you cancelled there.'],
  ['expired', 'This sign-in was started too long ago or in another window. Start again here.'],
  ['again', 'Single sign-on has to confirm again who you are. Sign in to go on where you were.'],
  [
    'store_unavailable',
    `You are known to single sign-on, but could not be signed in here. ${ERRORS.store_unavailable.text}`,
  ],
  [
    'store_refused',
    `You are known to single sign-on, but could not be signed in here. ${ERRORS.store_refused.text}`,
  ],
  ['provider_unavailable', ERRORS.provider_unavailable.text],
  [
    'signout_incomplete',
    'You are signed out in this browser. The log store did not answer, so the session itself ends only when it grows old.',
  ],
])
const OTHER_WORDS = 'The sign-in did not work. Try again.'

const REFERENCE = /^[0-9a-f]{4}$/

interface PageProps {
  readonly searchParams: Promise<Readonly<Record<string, string | string[] | undefined>>>
}

export default async function SignInPage({ searchParams }: PageProps) {
  const { next: wanted, error, ref } = await searchParams
  const { settings } = context()
  const next = returnPath(wanted, settings.publicOrigin)
  try {
    if (error === undefined) {
      if (await viewer()) redirect(next)
      if (await isStale(await sessionCookieValue(), sessionDeps()))
        redirect(`/signin/again?next=${encodeURIComponent(next)}`)
    }
  } catch (thrown) {
    return (
      <PlainPage title="Sign in">
        <h1>Sign in</h1>
        <Fault {...reportFault(thrown)} retry={`/signin?next=${encodeURIComponent(next)}`} />
      </PlainPage>
    )
  }
  return (
    <PlainPage title="Sign in">
      <section className="card">
        <h1>Sign in</h1>
        {error !== undefined && (
          <p role="alert">
            {WORDS.get(String(error)) ?? OTHER_WORDS}
            {typeof ref === 'string' && REFERENCE.test(ref) && <small> ref {ref}</small>}
          </p>
        )}
        <p>The access logs of your part of the site, for those who own it.</p>
        <form method="post" action="/signin/start">
          <input type="hidden" name="next" value={next} />
          <button type="submit" className="button button-primary">
            Sign in with {settings.oidc.name}
          </button>
        </form>
      </section>
    </PlainPage>
  )
}
