import type { NextRequest } from 'next/server'
import { audit, requestAddress } from '#app/audit.ts'
import { seeOther } from '#app/auth-response.ts'
import { context } from '#app/context.ts'
import { dataRoute } from '#app/data-route.ts'
import { isSameOrigin, readForm } from '#app/form-request.ts'
import { clientAddressOf } from '#app/page-status.ts'
import { sessionCookieValue, sessionDeps, type Viewer, viewer } from '#app/viewer.ts'
import { splitIds } from '#lib/access/narrow.ts'
import { PortalError } from '#lib/errors.ts'
import { decideDevice, findDevice } from '#lib/session/device.ts'
import { tokenDays, tokenHolder } from '#lib/session/token.ts'
import type { DeviceRequest } from '#lib/store/device.ts'
import { type DeviceOutcome, deviceHref } from '../outcome.ts'

/** What the two buttons of the device page post to. A token in the request counts for nothing: a person has to say yes. */
export const POST = dataRoute(async (request: NextRequest) => {
  if (!isSameOrigin(request.headers, context().settings.publicOrigin)) throw new PortalError('cross_site')
  const { user_code: typed = '', decision, days = '' } = (await readForm(request)) ?? {}
  if (decision !== 'yes' && decision !== 'no')
    throw new PortalError('bad_parameter', { detail: 'decision: takes yes or no.', parameters: ['decision'] })
  const deps = sessionDeps()
  const current = await viewer()
  const holder = await tokenHolder(await sessionCookieValue(), deps)
  if (!current || !holder) return seeOther(`/signin?next=${encodeURIComponent(deviceHref({ typed }))}`)

  const found = await findDevice(typed, { sid: holder.sid, address: clientAddressOf(request) }, deps)
  if (found.kind !== 'found') return leadTo(found.kind)
  const { userCode } = found
  const device = `${JSON.stringify(found.request.client)} at ${found.request.address}`
  const entry = { action: 'token', person: current.session, address: await requestAddress() } as const
  if (decision === 'no') {
    if (!(await decideDevice(userCode, { kind: 'denied' }, deps))) return leadTo('none')
    audit({ ...entry, detail: `device refused: ${device}` })
    return leadTo('denied')
  }
  const wholeDays = tokenDays(days)
  if (wholeDays === null) return seeOther(deviceHref({ typed, outcome: 'days' }))
  const collections = granted(found.request, current)
  if (collections === undefined) return seeOther(deviceHref({ typed }))
  const { issuer, subject } = current.session
  const { sid } = holder
  const approval = { kind: 'approved', sid, issuer, subject, collections, days: wholeDays } as const
  if (!(await decideDevice(userCode, approval, deps))) return leadTo('none')
  const ids = collections?.join(' ') ?? 'all that may be read'
  audit({ ...entry, detail: `device approved for ${wholeDays} days: ${device}: ${ids}` })
  return leadTo('approved')
})

/** @returns null for all that the person may read; undefined when nothing that was asked for is theirs to give */
function granted({ collections }: DeviceRequest, { access }: Viewer) {
  if (access.collections.size === 0) return undefined
  if (collections === null) return null
  const { own } = splitIds(access, collections)
  return own.length === 0 ? undefined : own
}

function leadTo(outcome: DeviceOutcome): Response {
  return seeOther(deviceHref({ outcome }))
}
