import 'server-only'
import { randomUUID } from 'node:crypto'
import { channel } from 'node:diagnostics_channel'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { headers } from 'next/headers'
import { clientAddress, parseTrustProxy } from '#lib/client-address.ts'
import { RETRY_AFTER_SECONDS } from '#lib/errors.ts'

/**
 * The HTTP status of a page, and what becomes of an answer. Next.js gives a page no say in it but through `notFound()`, which answers with an empty
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

interface Open {
  readonly response: ServerResponse
  readonly whenOver: (() => void)[]
}

interface Announced {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** On `globalThis`: start-up and pages have copies of this module of their own. */
function openResponses(): Map<string, Open> {
  const shared = globalThis as { [OPEN]?: Map<string, Open> }
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
    const whenOver: (() => void)[] = []
    open.set(tag, { response, whenOver })
    // Next.js fills the usual ten by itself, and Node.js would warn of a leak.
    response.setMaxListeners(response.getMaxListeners() + 1)
    response.once('close', () => {
      open.delete(tag)
      for (const act of whenOver) act()
    })
  })
}

/** Of a request, or of the page being made; Next.js gives the one more methods than the other. */
type Asked = { readonly headers: Pick<Headers, 'get'> }

/** The address a request comes from, as {@link clientAddress} finds it; empty where nobody told. */
export function clientAddressOf({ headers }: Asked): string {
  return headers.get(CLIENT) ?? ''
}

/** Whether only the head of the page being made is asked for: what it shows reaches nobody. */
export async function isHead(): Promise<boolean> {
  const open = openResponses().get((await headers()).get(TAG) ?? '')
  return open?.response.req.method === 'HEAD'
}

/** The answer to a request while it is under way. */
export interface AnswerUnderWay {
  /** The same for every question about one request. */
  readonly identity: object
  /** Bytes that the connection took so far. */
  readonly sentBytes: () => number
  /** Closes the connection; what was sent so far never looks whole. */
  readonly breakOff: () => void
  /** Runs `act` when the answer is through or the connection is gone. */
  readonly whenOver: (act: () => void) => void
}

/** @returns null where the answer is over already, or nobody told of the request. */
export function answerUnderWay({ headers }: Asked): AnswerUnderWay | null {
  const open = openResponses().get(headers.get(TAG) ?? '')
  if (!open) return null
  const { response, whenOver } = open
  return {
    identity: open,
    sentBytes: () => response.socket?.bytesWritten ?? 0,
    breakOff: () => response.destroy(),
    whenOver: (act) => whenOver.push(act),
  }
}

const POLL_MS = 10

/**
 * Resolves when all that was written of the answer to this request is on its way to the reader, or the reader is gone. For
 * an answer that is to be broken off: what still waits in the process then is lost.
 */
export async function answerTaken(request: Asked): Promise<void> {
  const response = openResponses().get(request.headers.get(TAG) ?? '')?.response
  while (response && !response.destroyed && response.writableLength > 0) await delay(POLL_MS)
}

/**
 * Gives the page being made that status, and `Retry-After` where trying again later is what helps.
 * @returns whether the answer will have it
 */
export async function setPageStatus(
  status: number,
  retryAfterSeconds = RETRY_AFTER_SECONDS,
): Promise<boolean> {
  const tag = (await headers()).get(TAG)
  const response = tag === null ? undefined : openResponses().get(tag)?.response
  if (!response || response.headersSent) return false
  response.statusCode = status
  if (status === 429 || status === 503) response.setHeader('Retry-After', retryAfterSeconds)
  return true
}
