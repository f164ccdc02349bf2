import type { NextRequest } from 'next/server'
import { asPortalError, PortalError } from '#lib/errors.ts'
import { backchannelLogout } from '#lib/session/backchannel-logout.ts'
import { audit, requestAddress } from '../../audit.ts'
import { context } from '../../context.ts'
import { dataRoute } from '../../data-route.ts'
import { logLine } from '../../fault-report.ts'
import { readForm } from '../../form-request.ts'
import { countAddress } from '../../limits.ts'

/**
 * Where the provider says, from server to server, that somebody signed out there (OpenID Connect Back-Channel Logout 1.0).
 * The token in the form is all that counts: there is no cookie to misuse, so a request of any origin is looked at.
 *
 * 200 when what the token names is over, 400 for a token that is not taken, 503 when it could not be checked or acted on
 * and should be sent again, 429 for an address that sent too many that were not taken. Each request but those is one line in the log.
 */
export const POST = dataRoute(async (request: NextRequest) => {
  const { settings, redis, provider } = context()
  const token = (await readForm(request))?.logout_token
  if (token === undefined)
    throw await refused(request, 'the body takes the form field logout_token, and 16 KiB in all')
  const outcome = await backchannelLogout(token, {
    redis,
    provider,
    clientId: settings.oidc.clientId,
    typ: settings.logoutTokenTyp,
    now: Date.now,
  }).catch((thrown) => {
    throw notDone(thrown)
  })
  if (outcome.kind === 'refused') throw await refused(request, `the token ${outcome.reason}`)
  const { sessions, person } = outcome
  logLine(`single sign-on: back-channel logout: sessions ended: ${sessions}`)
  if (sessions > 0)
    audit({
      action: 'session end',
      person,
      address: await requestAddress(),
      detail: `signed out at the provider; sessions ended: ${sessions}`,
    })
  return new Response(null, { status: 200 })
})

/** Only what is refused counts against an address: a good token is a sign-out, however many bad ones came before it. */
async function refused(request: NextRequest, reason: string): Promise<PortalError> {
  const tooMany = await countAddress('logouts', request)
  if (tooMany) return tooMany
  logLine(`single sign-on: back-channel logout refused: ${reason}`)
  return new PortalError('bad_parameter', { detail: `logout_token: ${reason}.` })
}

/** Logged where the answer is made, so that it is one line. */
function notDone(thrown: unknown): PortalError {
  const { code, cause } = asPortalError(thrown)
  return new PortalError(code, { detail: 'The back-channel logout is not done.', cause })
}
