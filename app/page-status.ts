import 'server-only'
import { randomUUID } from 'node:crypto'
import { channel } from 'node:diagnostics_channel'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { headers } from 'next/headers'
import { clientAddress, parseTrustProxy } from '#lib/client-address.ts'
import { RETRY_AFTER_SECONDS } from '#lib/errors.ts'

/**
 * The HTTP status of a page, and whether an answer has gone out. Next.js gives a page no say in it but through `notFound()`, which answers with an empty
 * body that only JavaScript fills. So each request is tagged with a header as Node.js announces it, before Next.js reads
 * it, and a page that shows a fault finds the response by that tag and sets its status, as long as nothing is sent yet.
 *
 * Rejected: a server of our own around Next.js, for one number; letting the proxy decide, which would read every session
 * twice. Where the tag is missing the status stays as it is and nothing else changes.
 */

/** Node.js publishes every incoming request here, with its response. */
const REQUESTS = 'http.server.request.start'
const TAG = 'x-log-portal-request'
/** Next.js tells nobody the address of a connection, so it travels the same way. */
const CLIENT = 'x-log-portal-client'
const OPEN = Symbol.for('log-portal.open-responses')

interface Announced {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** On `globalThis`: start-up and pages have copies of this module of their own. */
function openResponses(): Map<string, ServerResponse> {
  const shared = globalThis as { [OPEN]?: Map<string, ServerResponse> }
  shared[OPEN] ??= new Map()
  return shared[OPEN]
}

/**
 * Called once, at start.
 * @param trustProxy the setting, which was found good
 */
export function watchResponses(trustProxy: string): void {
  const open = openResponses()
  const trusts = parseTrustProxy(trustProxy) ?? (() => false)
  channel(REQUESTS).subscribe((message) => {
    const { request, response } = message as Announced
    const tag = randomUUID()
    // Whatever a client sent under these names is overwritten.
    request.headers[TAG] = tag
    request.headers[CLIENT] = clientAddress(request, trusts)
    open.set(tag, response)
    // Next.js fills the usual ten by itself, and Node.js would warn of a leak.
    response.setMaxListeners(response.getMaxListeners() + 1)
    response.once('close', () => open.delete(tag))
  })
}

/** The address a request comes from, as {@link clientAddress} finds it; empty where nobody told. */
export function clientAddressOf({ headers }: { readonly headers: Headers }): string {
  return headers.get(CLIENT) ?? ''
}

/** Whether only the head of the page being made is asked for: what it shows reaches nobody. */
export async function isHead(): Promise<boolean> {
  const response = openResponses().get((await headers()).get(TAG) ?? '')
  return response?.req.method === 'HEAD'
}

const POLL_MS = 10

/**
 * Resolves when all that was written of the answer to this request is on its way to the reader, or the reader is gone. For
 * an answer that is to be broken off: what still waits in the process then is lost.
 */
export async function answerTaken(request: { readonly headers: Headers }): Promise<void> {
  const response = openResponses().get(request.headers.get(TAG) ?? '')
  while (response && !response.destroyed && response.writableLength > 0) await delay(POLL_MS)
}

/**
 * Gives the page being made that status, and `Retry-After` where trying again later is what helps.
 * @returns whether the answer will have it
 */
export async function setPageStatus(status: number): Promise<boolean> {
  const tag = (await headers()).get(TAG)
  const response = tag === null ? undefined : openResponses().get(tag)
  if (!response || response.headersSent) return false
  response.statusCode = status
  if (status === 429 || status === 503) response.setHeader('Retry-After', RETRY_AFTER_SECONDS)
  return true
}
