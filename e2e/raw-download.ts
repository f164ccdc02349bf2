import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { buffer } from 'node:stream/consumers'
import type { Page } from 'playwright/test'
import { cookieHeader } from './fixtures.ts'
import type { RunningPortal } from './portal.ts'

/** Downloads as a plain client takes them: its own connection, the bytes as they come, nothing unpacked. */

export interface DownloadRequest {
  readonly origin: string
  readonly cookie: string
  /** With its query. */
  readonly path: string
}

/** Asks, and leaves the answer's body unread; `destroy()` on it closes the connection. */
export async function openDownload({ origin, cookie, path }: DownloadRequest): Promise<IncomingMessage> {
  const request = get(`${origin}${path}`, { headers: { cookie }, agent: false })
  const [answer] = (await once(request, 'response')) as [IncomingMessage]
  return answer
}

/** @returns the whole body; rejects where the connection breaks. */
export async function downloaded(asked: DownloadRequest): Promise<Buffer> {
  const answer = await openDownload(asked)
  const body = await buffer(answer)
  if (answer.statusCode !== 200) throw new Error(`${answer.statusCode}: ${body}`)
  return body
}

/** Signs the owner of 1824 in. */
export async function ownerOf(
  portal: RunningPortal,
  signedIn: (name: string) => Promise<Page>,
): Promise<Omit<DownloadRequest, 'path'>> {
  return { origin: portal.origin, cookie: await cookieHeader(await signedIn('hr-owner')) }
}
