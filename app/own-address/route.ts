import type { NextRequest } from 'next/server'
import { seeOther } from '../auth-response.ts'
import { context } from '../context.ts'

/**
 * Sends a browser that asked for the portal under another name of this machine to its own address; the proxy rewrites
 * such requests to here. The proxy cannot answer so itself: Next.js makes its redirect to a loopback address relative,
 * and the browser would ask for the same page again.
 */
export function GET(request: NextRequest): Response {
  const { publicOrigin } = context().settings
  const path = Buffer.from(request.nextUrl.searchParams.get('path') ?? '', 'base64url').toString('utf8')
  // Behind the origin whatever comes is a path, and parsing it again encodes what a header must not hold.
  const address = new URL(`${publicOrigin}/${path.replace(/^\//, '')}`)
  return seeOther(address.origin === publicOrigin ? address.href : publicOrigin)
}
