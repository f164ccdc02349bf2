import 'server-only'
import type { NextRequest } from 'next/server'
import { runAuth } from '../auth-handler.ts'
import { PROVIDER_ID } from '../auth-options.ts'
import { authResponse, signInPage } from '../auth-response.ts'
import { context } from '../context.ts'
import { refusedSignIn } from '../limits-page.ts'

/**
 * Goes through the library's own two steps, the token against forged requests and the sign-in, and answers with the way to
 * the provider. Whether this request may begin a sign-in is for the caller to decide; whether its address does so too often
 * is decided here.
 * @param next a path of this portal, for after it
 * @throws PortalError `too_many` where no page was asked for
 */
export async function startSignIn(request: NextRequest, next: string): Promise<Response> {
  const { settings, provider } = context()
  const refusal = await refusedSignIn('signIns', request)
  if (refusal) return refusal
  const metadata = await provider.metadata()
  if (!metadata) return signInPage({ error: 'provider_unavailable' }, next)

  const cookies = Object.fromEntries(request.cookies.getAll().map(({ name, value }) => [name, value]))
  const csrf = await runAuth({ method: 'GET', action: ['csrf'], cookies }, metadata)
  const { csrfToken } = csrf.body as { csrfToken: string }
  const started = await runAuth(
    {
      method: 'POST',
      action: ['signin', PROVIDER_ID],
      body: { csrfToken, callbackUrl: `${settings.publicOrigin}${next}` },
      cookies: { ...cookies, ...Object.fromEntries(csrf.setCookies.map(nameAndValue)) },
    },
    metadata,
  )
  // The later of two cookies of one name counts.
  const setCookies = new Map(
    [...csrf.setCookies, ...started.setCookies].map((text) => [nameAndValue(text)[0], text]),
  )
  return authResponse({ ...started, setCookies: [...setCookies.values()] }, next)
}

/** Of `name=value; Path=/; …`, as a browser would send it back. */
function nameAndValue(setCookie: string): [string, string] {
  const [pair = ''] = setCookie.split(';')
  const equals = pair.indexOf('=')
  return [pair.slice(0, equals), decodeURIComponent(pair.slice(equals + 1))]
}
