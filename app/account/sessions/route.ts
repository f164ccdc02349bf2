import { audit, requestAddress } from '#app/audit.ts'
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
  const ended = await end(form, current.session)
  if (ended > 0)
    audit({
      action: 'session end',
      person: current.session,
      address: await requestAddress(),
      detail: `${ended} ended by the person on /account`,
    })
  return seeOther(`/account?ended=${ended}`)
})

async function end(
  { end, session }: Readonly<Record<string, string>>,
  person: { readonly issuer: string; readonly subject: string },
): Promise<number> {
  if (end === 'others') return endOtherSessions(person, await sessionCookieValue(), sessionDeps())
  if (end === 'one' && session) return endOwnSession(person, session, sessionDeps())
  throw new PortalError('bad_parameter', { detail: 'end: takes others, or one together with session.' })
}
