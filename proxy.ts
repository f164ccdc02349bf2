import { type NextRequest, NextResponse } from 'next/server'
import { sharedContext } from './app/shared-context.ts'

/**
 * Security headers on every answer, and a content security policy with a fresh nonce on every page. It decides nothing
 * about access: whoever gets past it by whatever means has gained nothing.
 */

const NONCE_BYTES = 18
const HSTS_SECONDS = 365 * 24 * 3600
/** The route that redirects. */
const OWN_ADDRESS = '/own-address'
const DOWNLOAD = /^\/collections\/[^/]*\/download$/
/** Asked by programs, which need no cookie. */
const HEALTH = '/healthz'
const LOOPBACK = new Set(['127.0.0.1', '[::1]', 'localhost'])

export function proxy(request: NextRequest): NextResponse {
  const { pathname } = request.nextUrl
  if (pathname.startsWith('/_next/static/')) return secured(NextResponse.next())
  const elsewhere = pathname === HEALTH ? null : onOwnAddress(request)
  if (elsewhere) return secured(elsewhere)

  const nonce = Buffer.from(crypto.getRandomValues(new Uint8Array(NONCE_BYTES))).toString('base64')
  const policy = contentPolicy(nonce)
  const headers = new Headers(request.headers)
  // Next.js takes the nonce for its own scripts from this header.
  headers.set('content-security-policy', policy)
  const response = secured(NextResponse.next({ request: { headers } }))
  response.headers.set('content-security-policy', policy)
  // A download is not compressed on its way: it costs more than reading the lines, and `gzip=1` gives a file that is.
  const sent = DOWNLOAD.test(pathname) ? ', no-transform' : ''
  response.headers.set('cache-control', `private, no-store${sent}`)
  return response
}

function contentPolicy(nonce: string): string {
  // React builds stack traces with eval while developing.
  const whileDeveloping = process.env.NODE_ENV === 'development' ? " 'unsafe-eval'" : ''
  const providerOrigins = sharedContext()?.provider.origins ?? []
  return [
    "default-src 'self'",
    `script-src 'self' 'nonce-${nonce}' 'strict-dynamic'${whileDeveloping}`,
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self'",
    "connect-src 'self'",
    "font-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    // Signing in and out are forms that are answered with the way to the provider.
    ["form-action 'self'", ...providerOrigins].join(' '),
  ].join('; ')
}

function secured(response: NextResponse): NextResponse {
  const { headers } = response
  headers.set('x-content-type-options', 'nosniff')
  headers.set('referrer-policy', 'same-origin')
  headers.set('cross-origin-opener-policy', 'same-origin')
  headers.set('cross-origin-resource-policy', 'same-origin')
  headers.set('x-frame-options', 'DENY')
  if (sharedContext()?.settings.publicOrigin.startsWith('https:'))
    headers.set('strict-transport-security', `max-age=${HSTS_SECONDS}`)
  return response
}

/**
 * Cookies belong to a name, not to a machine: a sign-in begun on `localhost` and led back to 127.0.0.1 would have lost
 * them. So a page asked for under another loopback name is sent to the portal's own.
 */
function onOwnAddress(request: NextRequest): NextResponse | null {
  const publicOrigin = sharedContext()?.settings.publicOrigin
  const host = request.headers.get('host')
  if (!publicOrigin || !host || !['GET', 'HEAD'].includes(request.method)) return null
  if (!URL.canParse(`http://${host}`)) return null
  const asked = new URL(`http://${host}`).hostname
  const own = new URL(publicOrigin).hostname
  if (asked === own || !LOOPBACK.has(asked) || !LOOPBACK.has(own)) return null
  const target = request.nextUrl.clone()
  // Next.js takes the address of the rewrite for another server when this one listens on a numeric address, and asks
  // for it over HTTP: then the request comes here once more, under the other name still.
  if (target.pathname === OWN_ADDRESS) return null
  target.pathname = OWN_ADDRESS
  // In letters that no hop decodes: a path may hold encoded line breaks.
  const path = Buffer.from(request.nextUrl.pathname + request.nextUrl.search).toString('base64url')
  target.search = `?path=${path}`
  return NextResponse.rewrite(target)
}
