import { once } from 'node:events'
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import { buffer } from 'node:stream/consumers'

/** Requests from another of this machine's addresses than the browser's, so that what is limited by address is not shared. */

export interface AskedFrom {
  /** Such as 127.0.0.5. */
  readonly address: string
  readonly origin: string
  readonly path: string
  readonly method?: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly form?: Readonly<Record<string, string>>
}

export interface AnswerFrom {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** As it came, and as text. */
  readonly bytes: Buffer
  readonly body: string
}

export async function askFrom({
  address,
  origin,
  path,
  method = 'GET',
  headers = {},
  form,
}: AskedFrom): Promise<AnswerFrom> {
  const asked = request(`${origin}${path}`, {
    method,
    localAddress: address,
    agent: false,
    headers: {
      ...(method === 'POST' ? { origin } : {}),
      ...(form ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
      ...headers,
    },
  })
  asked.end(form ? new URLSearchParams(form).toString() : undefined)
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  const bytes = await buffer(answer)
  return { status: answer.statusCode ?? 0, headers: answer.headers, bytes, body: bytes.toString('utf8') }
}
