import type { NextRequest } from 'next/server'
import { PortalError } from '#lib/errors.ts'
import { returnPath } from '#lib/session/return-path.ts'
import { runAuth } from '../../auth-handler.ts'
import { PROVIDER_ID } from '../../auth-options.ts'
import { authResponse, signInPage } from '../../auth-response.ts'
import { context } from '../../context.ts'
import { dataRoute } from '../../data-route.ts'
import { isSameOrigin, readForm } from '../../form-request.ts'

/**
 * What the button of the sign-in page posts to; works without JavaScript. Goes through the library's own two steps, the
 * token against forged requests and the sign-in, and answers with the way to the provider.
 */
export const POST = dataRoute(async (request: NextRequest) => {
  const { settings, provider } = context()
  if (!isSameOrigin(request.headers, settings.publicOrigin)) throw new PortalError('cross_site')
  const form = await readForm(request)
  const next = returnPath(form?.next, settings.publicOrigin)
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
})

/** Of `name=value; Path=/; …`, as a browser would send it back. */
function nameAndValue(setCookie: string): [string, string] {
  const [pair = ''] = setCookie.split(';')
  const equals = pair.indexOf('=')
  return [pair.slice(0, equals), decodeURIComponent(pair.slice(equals + 1))]
}
