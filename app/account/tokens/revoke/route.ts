import type { NextRequest } from 'next/server'
import { audit, requestAddress } from '#app/audit.ts'
import { seeOther } from '#app/auth-response.ts'
import { context } from '#app/context.ts'
import { dataRoute } from '#app/data-route.ts'
import { isSameOrigin, readForm } from '#app/form-request.ts'
import { sessionDeps, viewer } from '#app/viewer.ts'
import { PortalError } from '#lib/errors.ts'
import { revokeOwnToken } from '#lib/session/token.ts'

/**
 * Takes back one of one's own tokens, named by its digest. One that expired meanwhile, or was taken back in another
 * window, is as gone as it was to be.
 */
export const POST = dataRoute(async (request: NextRequest) => {
  if (!isSameOrigin(request.headers, context().settings.publicOrigin)) throw new PortalError('cross_site')
  const digest = (await readForm(request))?.token
  if (digest === undefined)
    throw new PortalError('bad_parameter', {
      detail: 'token: takes the digest of a token.',
      parameters: ['token'],
    })
  const current = await viewer()
  if (!current) return seeOther('/signin?next=%2Faccount')
  const revoked = await revokeOwnToken(digest, current.session, sessionDeps())
  if (revoked)
    audit({
      action: 'token',
      person: current.session,
      address: await requestAddress(),
      detail: `revoked: ${revoked.name}`,
    })
  return seeOther('/account#tokens')
})
