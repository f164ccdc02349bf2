import type { NextRequest } from 'next/server'
import { PortalError } from '#lib/errors.ts'
import { returnPath } from '#lib/session/return-path.ts'
import { context } from '../../context.ts'
import { dataRoute } from '../../data-route.ts'
import { isSameOrigin, readForm } from '../../form-request.ts'
import { startSignIn } from '../start-sign-in.ts'

/** What the button of the sign-in page posts to; works without JavaScript. */
export const POST = dataRoute(async (request: NextRequest) => {
  const { publicOrigin } = context().settings
  if (!isSameOrigin(request.headers, publicOrigin)) throw new PortalError('cross_site')
  const form = await readForm(request)
  return startSignIn(request, returnPath(form?.next, publicOrigin))
})
