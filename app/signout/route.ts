import type { NextRequest } from 'next/server'
import { PortalError } from '#lib/errors.ts'
import { endCurrentSession } from '#lib/session/current.ts'
import type { Provider, SignOutTokens } from '#lib/session/provider.ts'
import { cookieName } from '#lib/session/session-cookie.ts'
import { audit, requestAddress } from '../audit.ts'
import { seeOther, signInPage } from '../auth-response.ts'
import { context } from '../context.ts'
import { dataRoute } from '../data-route.ts'
import { reportFault } from '../fault-report.ts'
import { isSameOrigin } from '../form-request.ts'
import { sessionCookieValue, sessionDeps } from '../viewer.ts'

/**
 * Signs out: here first, then at the provider, whose tokens are taken back and whose own sign-out page comes next. What
 * the provider does or fails to do changes nothing about having signed out here.
 */
export const POST = dataRoute(async (request: NextRequest) => {
  const { settings, provider } = context()
  if (!isSameOrigin(request.headers, settings.publicOrigin)) throw new PortalError('cross_site')
  const expired = expiredCookie(cookieName('session', settings.publicOrigin))
  let ended: Awaited<ReturnType<typeof endCurrentSession>>
  try {
    ended = await endCurrentSession(await sessionCookieValue(), sessionDeps())
  } catch (thrown) {
    reportFault(thrown)
    return signInPage({ error: 'signout_incomplete' }, '/', [expired])
  }
  if (ended) audit({ action: 'sign-out', person: ended, address: await requestAddress() })
  return seeOther(await signedOutAddress(provider, ended, settings.publicOrigin), [expired])
})

async function signedOutAddress(
  provider: Provider,
  tokens: SignOutTokens | null,
  publicOrigin: string,
): Promise<string> {
  if (!tokens) return '/signin'
  const [url] = await Promise.all([
    provider.endSessionUrl(tokens.idToken, `${publicOrigin}/signin`),
    provider.revoke(tokens),
  ])
  return url?.href ?? '/signin'
}

function expiredCookie(name: string): string {
  const secure = name.startsWith('__Host-') ? '; Secure' : ''
  return `${name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax${secure}`
}
