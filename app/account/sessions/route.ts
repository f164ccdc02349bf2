import { seeOther, signInPage } from '#app/auth-response.ts'
import { context } from '#app/context.ts'
import { dataRoute } from '#app/data-route.ts'
import { isSameOrigin, readForm } from '#app/form-request.ts'
import { sessionCookieValue, sessionDeps, viewer } from '#app/viewer.ts'
import { PortalError } from '#lib/errors.ts'
import { endOtherSessions, endOwnSession } from '#lib/session/own-sessions.ts'

/** Ends one of one's own sessions, or all but the one that asks, and leads back to the account. */
export const POST = dataRoute(async (request) => {
  if (!isSameOrigin(request.headers, context().settings.publicOrigin)) throw new PortalError('cross_site')
  const current = await viewer()
  if (!current) return signInPage({ error: null }, '/account')
  const form = (await readForm(request)) ?? {}
  return seeOther(`/account?ended=${await end(form, current.session)}`)
})

async function end(
  { end, session }: Readonly<Record<string, string>>,
  person: { readonly issuer: string; readonly subject: string },
): Promise<number> {
  if (end === 'others') return endOtherSessions(person, await sessionCookieValue(), sessionDeps())
  if (end === 'one' && session) return endOwnSession(person, session, sessionDeps())
  throw new PortalError('bad_parameter', { detail: 'end: takes others, or one together with session.' })
}
