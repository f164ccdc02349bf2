import { PortalError } from '#lib/errors.ts'
import { returnPath } from '#lib/session/return-path.ts'
import { seeOther } from '../auth-response.ts'
import { context } from '../context.ts'
import { dataRoute } from '../data-route.ts'
import { isSameOrigin, readForm } from '../form-request.ts'
import { isTheme, THEMES, themeCookie } from '../theme.ts'

/** Keeps the choice of light or dark in a cookie and leads back to the page it was made on. Open to everybody. */
export const POST = dataRoute(async (request) => {
  const { publicOrigin } = context().settings
  if (!isSameOrigin(request.headers, publicOrigin)) throw new PortalError('cross_site')
  const theme = (await readForm(request))?.theme
  if (!isTheme(theme))
    throw new PortalError('bad_parameter', {
      detail: `theme: takes ${THEMES.join(', ')}.`,
      parameters: ['theme'],
    })
  return seeOther(pageBefore(request.headers.get('referer'), publicOrigin), [themeCookie(theme)])
})

/** The sign-in page is no place to be led to after signing in, but it is one to come back to. */
function pageBefore(referrer: string | null, publicOrigin: string): string {
  if (referrer !== null && URL.canParse(referrer)) {
    const { origin, pathname, search } = new URL(referrer)
    if (origin === publicOrigin && pathname === '/signin') return `${pathname}${search}`
  }
  return returnPath(referrer, publicOrigin)
}
