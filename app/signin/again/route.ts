import type { NextRequest } from 'next/server'
import { claimRenewal } from '#lib/session/renewal.ts'
import { returnPath } from '#lib/session/return-path.ts'
import { signInPage } from '../../auth-response.ts'
import { context } from '../../context.ts'
import { dataRoute } from '../../data-route.ts'
import { reportFault } from '../../fault-report.ts'
import { sessionCookieValue, sessionDeps } from '../../viewer.ts'
import { startSignIn } from '../start-sign-in.ts'

/**
 * Where the sign-in page sends somebody whose session is stale: on to the provider without a button, and back to the page
 * that was asked for. Everybody else, and whoever was sent this way before with the same session, gets the button.
 */
export const GET = dataRoute(async (request: NextRequest) => {
  const next = returnPath(request.nextUrl.searchParams.get('next'), context().settings.publicOrigin)
  // What a page loads into itself cannot follow to the provider, and would use up the one try.
  if (!isNavigation(request.headers)) return signInPage({ error: 'again' }, next)
  try {
    const renewal = await claimRenewal(await sessionCookieValue(), sessionDeps())
    if (renewal !== 'claimed') return signInPage({ error: renewal === 'tried' ? 'again' : null }, next)
  } catch (thrown) {
    const { error, reference } = reportFault(thrown)
    return signInPage({ error: error.code, reference }, next)
  }
  return startSignIn(request, next)
})

function isNavigation(headers: Headers): boolean {
  const destination = headers.get('sec-fetch-dest')
  return destination === null || destination === 'document'
}
