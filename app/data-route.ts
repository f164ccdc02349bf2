import 'server-only'
import { headers } from 'next/headers'
import type { NextRequest } from 'next/server'
import type { CollectionGrant } from '#lib/access/decide.ts'
import { errorBody, PortalError } from '#lib/errors.ts'
import { bearerToken } from '#lib/session/token.ts'
import { reportFault } from './fault-report.ts'
import { denied, grantOf, tokenViewer, type Viewer, viewer } from './viewer.ts'

/**
 * Routes that answer with data rather than a page: the gate with the errors of the contract, and the wrapper that
 * answers with them.
 */

type Handler<Context> = (request: NextRequest, context: Context) => Promise<Response>

/** What a data route's answer says whatever is in it; nothing in between may keep it or take it for something else. */
const DATA_HEADERS = {
  'Cache-Control': 'private, no-store',
  'X-Content-Type-Options': 'nosniff',
} as const

const MAY_RETRY = new Set([429, 503])

/** Wraps a handler: what it throws becomes `{error, message, ref}` with its status. */
export function dataRoute<Context>(handler: Handler<Context>): Handler<Context> {
  return async (request, context) => {
    try {
      const response = await handler(request, context)
      for (const [name, value] of Object.entries(DATA_HEADERS)) response.headers.set(name, value)
      return response
    } catch (thrown) {
      return faultResponse(thrown)
    }
  }
}

function faultResponse(thrown: unknown): Response {
  const { error, reference } = reportFault(thrown)
  return Response.json(errorBody(error, reference), {
    status: error.status,
    headers: {
      ...DATA_HEADERS,
      ...(error.status === 401 ? { 'WWW-Authenticate': 'Bearer' } : {}),
      ...(MAY_RETRY.has(error.status) ? { 'Retry-After': String(error.retryAfterSeconds) } : {}),
    },
  })
}

/**
 * By the request's token where it has one, else by its cookie. A token that is not good is never passed over for a cookie
 * beside it.
 * @throws PortalError `unauthenticated` for somebody who is not signed in, or a token that opens nothing
 */
export async function dataViewer(): Promise<Viewer> {
  const token = bearerToken((await headers()).get('authorization'))
  const current = token === null ? await viewer() : await tokenViewer(token)
  if (!current) throw new PortalError('unauthenticated')
  return current
}

/** @throws PortalError `unauthenticated`; `not_found` alike for ids that are none, nobody's or somebody else's */
export async function dataCollection(rawId: string): Promise<{ viewer: Viewer; grant: CollectionGrant }> {
  const current = await dataViewer()
  const grant = grantOf(current, rawId)
  if (!grant) throw await denied(current, { rawId })
  return { viewer: current, grant }
}
