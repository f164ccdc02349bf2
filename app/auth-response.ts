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

interface SignInPage {
  /** One of the codes that the page has words for; it has words for any other too. */
  readonly error: string | null
  readonly reference?: string | null
}

/**
 * The sign-in page.
 * @param next where to go after it
 */
export function signInPage(
  { error, reference }: SignInPage,
  next: string,
  setCookies: readonly string[] = [],
): Response {
  const query = new URLSearchParams()
  if (error !== null) query.set('error', error)
  if (reference) query.set('ref', reference)
  if (next !== '/') query.set('next', next)
  return seeOther(query.size === 0 ? '/signin' : `/signin?${query}`, setCookies)
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
  const leadsToSignIn =
    url.origin === publicOrigin && /^\/(signin|api\/auth\/(signin|error))$/.test(url.pathname)
  if (!leadsToSignIn) return seeOther(location, answer.setCookies)
  const wanted = returnPath(url.searchParams.get('callbackUrl'), publicOrigin)
  return signInPage(
    { error: codeOf(url.searchParams), reference: url.searchParams.get('ref') },
    wanted === '/' ? next : wanted,
    answer.setCookies,
  )
}

function codeOf(query: URLSearchParams): string | null {
  if (query.has('csrf')) return 'expired'
  const code = query.get('error')
  return code !== null && Object.hasOwn(CODES, code) ? (CODES[code] ?? code) : code
}
