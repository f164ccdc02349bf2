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
  // Behind the origin whatever comes is a path, however many slashes it begins with.
  return seeOther(`${publicOrigin}/${(request.nextUrl.searchParams.get('path') ?? '').replace(/^\//, '')}`)
}
