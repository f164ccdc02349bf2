import { audit, requestAddress } from '#app/audit.ts'
import { seeOther, signInPage } from '#app/auth-response.ts'
import { context } from '#app/context.ts'
import { dataRoute } from '#app/data-route.ts'
import { isSameOrigin, readForm } from '#app/form-request.ts'
import { denied, viewer } from '#app/viewer.ts'
import { PortalError } from '#lib/errors.ts'
import { endSessionsOfPerson } from '#lib/store/people.ts'
import { personOf } from '#lib/store/sessions.ts'

/** Of the admin, who may be called anything, in the audit. */
const MAX_NAME_CHARACTERS = 80

/** Ends all sessions of a person, for admins; to everybody else it is not there. */
export const POST = dataRoute(async (request) => {
  const { settings, redis } = context()
  if (!isSameOrigin(request.headers, settings.publicOrigin)) throw new PortalError('cross_site')
  const current = await viewer()
  if (!current) return signInPage({ error: null }, '/admin/access')
  const grant = current.access.admin
  if (!grant) throw await denied(current, { detail: '/admin/access/end-sessions' })
  const { issuer, subject } = (await readForm(request)) ?? {}
  if (!issuer || !subject)
    throw new PortalError('bad_parameter', { detail: 'The form takes issuer and subject of a person.' })
  const person = (await personOf(redis, { issuer, subject })) ?? { issuer, subject, name: '' }
  const ended = await endSessionsOfPerson(redis, grant, { issuer, subject })
  const { session: admin } = current
  audit({
    action: 'session end',
    person,
    address: await requestAddress(),
    rule: grant.rule,
    detail: `${ended} ended by the admin ${admin.issuer}|${admin.subject}, ${JSON.stringify(admin.name.slice(0, MAX_NAME_CHARACTERS))}`,
  })
  return seeOther(`/admin/access?ended=${ended}`)
})
