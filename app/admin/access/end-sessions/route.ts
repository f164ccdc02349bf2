import { seeOther, signInPage } from '#app/auth-response.ts'
import { context } from '#app/context.ts'
import { dataRoute } from '#app/data-route.ts'
import { isSameOrigin, readForm } from '#app/form-request.ts'
import { viewer } from '#app/viewer.ts'
import { PortalError } from '#lib/errors.ts'
import { endSessionsOfPerson } from '#lib/store/people.ts'

/** Ends all sessions of a person, for admins; to everybody else it is not there. */
export const POST = dataRoute(async (request) => {
  const { settings, redis } = context()
  if (!isSameOrigin(request.headers, settings.publicOrigin)) throw new PortalError('cross_site')
  const current = await viewer()
  if (!current) return signInPage({ error: null }, '/admin/access')
  const grant = current.access.admin
  if (!grant) throw new PortalError('not_found')
  const { issuer, subject } = (await readForm(request)) ?? {}
  if (!issuer || !subject)
    throw new PortalError('bad_parameter', { detail: 'The form takes issuer and subject of a person.' })
  const ended = await endSessionsOfPerson(redis, grant, { issuer, subject })
  return seeOther(`/admin/access?ended=${ended}`)
})
