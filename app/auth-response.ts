import 'server-only'
import { returnPath } from '#lib/session/return-path.ts'
import type { AuthAnswer } from './auth-handler.ts'
import { context } from './context.ts'

/** Answers of the sign-in's routes: never kept by anybody, and every failure leads to the sign-in page with a code. */

const NO_STORE = { 'Cache-Control': 'private, no-store', 'X-Content-Type-Options': 'nosniff' } as const

/** The codes of the sign-in library that say more than that it failed. */
const CODES: Readonly<Record<string, string>> = {
  AccessDenied: 'denied',
  OAuthSignin: 'provider_unavailable',
}

/** Sends the browser on with GET. */
export function seeOther(location: string, setCookies: readonly string[] = []): Response {
  const headers = new Headers({ ...NO_STORE, Location: location })
  for (const cookie of setCookies) headers.append('Set-Cookie', cookie)
  return new Response(null, { status: 303, headers })
}

/** The sign-in page with what went wrong, and the way back it was asked for. */
export function signInFault(code: string, next: string, setCookies: readonly string[] = []): Response {
  const query = new URLSearchParams({ error: code, ...(next === '/' ? {} : { next }) })
  return seeOther(`/signin?${query}`, setCookies)
}

/**
 * The library's answer as a response.
 * @param next where the person wanted to go, for when this leads back to the sign-in page
 */
export function authResponse(answer: AuthAnswer, next: string): Response {
  if (answer.location !== null) return redirected(answer, answer.location, next)
  const headers = new Headers([...answer.headers])
  for (const [name, value] of Object.entries(NO_STORE)) headers.set(name, value)
  for (const cookie of answer.setCookies) headers.append('Set-Cookie', cookie)
  const isJson = headers.get('content-type') === 'application/json'
  const body = isJson
    ? JSON.stringify(answer.body ?? {})
    : typeof answer.body === 'string'
      ? answer.body
      : null
  return new Response(body, { status: answer.status, headers })
}

/** The library would pass three more of its own addresses on the way to the sign-in page. */
function redirected(answer: AuthAnswer, location: string, next: string): Response {
  const { publicOrigin } = context().settings
  const url = new URL(location, publicOrigin)
  const isOwn = url.origin === publicOrigin
  if (isOwn && url.pathname === '/signin' && url.searchParams.has('error'))
    return seeOther(`/signin?${withNext(url.searchParams, next)}`, answer.setCookies)
  if (isOwn && /^\/(signin|api\/auth\/(signin|error))$/.test(url.pathname)) {
    const code = url.searchParams.has('csrf') ? 'expired' : url.searchParams.get('error')
    const wanted = returnPath(url.searchParams.get('callbackUrl'), publicOrigin)
    const back = wanted === '/' ? next : wanted
    return code === null
      ? seeOther(`/signin?${withNext(new URLSearchParams(), back)}`, answer.setCookies)
      : signInFault(CODES[code] ?? (code === 'expired' ? code : 'failed'), back, answer.setCookies)
  }
  return seeOther(location, answer.setCookies)
}

function withNext(query: URLSearchParams, next: string): URLSearchParams {
  if (next !== '/') query.set('next', next)
  return query
}
