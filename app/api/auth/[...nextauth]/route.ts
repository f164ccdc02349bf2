import type { NextRequest } from 'next/server'
import { PortalError } from '#lib/errors.ts'
import { returnPath } from '#lib/session/return-path.ts'
import { cookieName } from '#lib/session/session-cookie.ts'
import { audit, requestAddress } from '../../../audit.ts'
import { type AuthRequest, runAuth } from '../../../auth-handler.ts'
import { PROVIDER_ID } from '../../../auth-options.ts'
import { authResponse, signInPage } from '../../../auth-response.ts'
import { context } from '../../../context.ts'
import { dataRoute } from '../../../data-route.ts'
import { isSameOrigin, readForm } from '../../../form-request.ts'
import { countAddress } from '../../../limits.ts'
import { refusedSignIn } from '../../../limits-page.ts'
import { clientAddressOf } from '../../../page-status.ts'

/**
 * The sign-in library's routes, as few of them as the code flow takes. The others are 404: reading and changing sessions
 * is the portal's own, sign-out is a POST elsewhere, and `_log` would let anybody write into the log.
 *
 * Query parameters that an action does not know are left out. The library adds the query of a sign-in to the request at
 * the provider, `redirect_uri` included.
 */

interface RouteContext {
  readonly params: Promise<{ readonly nextauth: readonly string[] }>
}

/** Path below /api/auth -> query parameters that are passed on. */
const GET_ACTIONS: ReadonlyMap<string, readonly string[]> = new Map([
  ['providers', []],
  ['csrf', []],
  ['signin', ['error']],
  [`signin/${PROVIDER_ID}`, ['error']],
  ['error', ['error']],
  [`callback/${PROVIDER_ID}`, ['code', 'state', 'iss', 'session_state', 'scope']],
])
const POST_ACTIONS = new Set([`signin/${PROVIDER_ID}`, `callback/${PROVIDER_ID}`])

export const GET = dataRoute<RouteContext>(async (request, { params }) => {
  const action = (await params).nextauth
  const known = GET_ACTIONS.get(action.join('/'))
  if (!known) throw new PortalError('not_found')
  const query = request.nextUrl.searchParams
  const passed = known.flatMap((name) => (query.has(name) ? [[name, query.get(name) ?? ''] as const] : []))
  return audited(
    action,
    await answer(
      request,
      { method: 'GET', action, query: Object.fromEntries(passed) },
      Object.fromEntries(query),
    ),
  )
})

export const POST = dataRoute<RouteContext>(async (request, { params }) => {
  const action = (await params).nextauth
  if (!POST_ACTIONS.has(action.join('/'))) throw new PortalError('not_found')
  // The provider posts to the way back; a sign-in begins on a page of the portal.
  if (action[0] === 'signin' && !isSameOrigin(request.headers, context().settings.publicOrigin))
    throw new PortalError('cross_site')
  const body = await readForm(request)
  if (!body)
    throw new PortalError('bad_parameter', {
      detail: 'The body takes form fields or a JSON object of texts.',
    })
  return audited(action, await answer(request, { method: 'POST', action, body }, body))
})

/** Writes down a callback that leads back to the sign-in page: the code of the page, and nothing of what was sent. */
async function audited(action: readonly string[], response: Response): Promise<Response> {
  const location = response.headers.get('location') ?? ''
  const code = new URL(location, context().settings.publicOrigin).searchParams.get('error')
  if (action[0] === 'callback' && /^\/signin\?/.test(location) && code !== null) {
    const reason = /^[A-Za-z_]{1,40}$/.test(code) ? code : 'failed'
    audit({ action: 'sign-in', address: await requestAddress(), detail: `refused: ${reason}` })
  }
  return response
}

async function answer(
  request: NextRequest,
  authRequest: Omit<AuthRequest, 'cookies'>,
  parameters: Readonly<Record<string, string>>,
): Promise<Response> {
  const { publicOrigin } = context().settings
  const isCallback = authRequest.action[0] === 'callback'
  // Another site's pages can send anybody's browser here, but not with what a sign-in began with.
  const hasBegun = request.cookies.has(cookieName('state', publicOrigin))
  const onCallback = hasBegun ? 'callbacks' : 'strangers'
  const limit = isCallback ? onCallback : authRequest.method === 'POST' ? 'signIns' : 'strangers'
  const refusal = await refusedSignIn(limit, request)
  if (refusal) return refusal
  const response = await passedOn(request, authRequest, parameters)
  const session = `${cookieName('session', publicOrigin)}=`
  const isSignedIn = response.headers.getSetCookie().some((cookie) => cookie.startsWith(session))
  if (isCallback && hasBegun && !isSignedIn) await countAddress('callbacks', request)
  return response
}

async function passedOn(
  request: NextRequest,
  authRequest: Omit<AuthRequest, 'cookies'>,
  parameters: Readonly<Record<string, string>>,
): Promise<Response> {
  const { settings, provider } = context()
  const cookies = Object.fromEntries(request.cookies.getAll().map(({ name, value }) => [name, value]))
  const wayBack = parameters.callbackUrl ?? cookies[cookieName('callback', settings.publicOrigin)]
  const next = returnPath(wayBack, settings.publicOrigin)
  // What the provider writes about a refusal is for nobody's log: anybody can call this address with any words.
  if (authRequest.action[0] === 'callback' && parameters.error !== undefined)
    return signInPage({ error: parameters.error === 'access_denied' ? 'denied' : 'failed' }, next)
  const metadata = await provider.metadata()
  if (!metadata) return signInPage({ error: 'provider_unavailable' }, next)
  const from = { address: clientAddressOf(request), userAgent: request.headers.get('user-agent') }
  return authResponse(await runAuth({ ...authRequest, cookies, from }, metadata), next)
}
