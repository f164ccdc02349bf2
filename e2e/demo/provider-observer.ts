import type { IncomingMessage, ServerResponse } from 'node:http'

/**
 * What tests see of the identity provider from outside, and do to it: a record of every request as it came over HTTP,
 * before the provider looked at it, faults by path, and lies by path.
 */

export interface ProviderRequest {
  readonly method: string
  /** Without the query. */
  readonly path: string
  /** `grant_type` of a token request. */
  grantType: string | undefined
  /** The status it was answered with; undefined while it waits, and for one that was cut. */
  status: number | undefined
}

/** `hang`: no answer until the fault is lifted or the server closes. A number: that status, with an empty body. */
export type ProviderFault = 'hang' | number

/** Makes another answer of the JSON that the provider gave. */
export type ProviderLie = (answer: Readonly<Record<string, unknown>>) => Promise<Record<string, unknown>>

export interface ProviderEvents {
  /** In the order of arrival. */
  readonly requests: readonly ProviderRequest[]
  /** Errors that oidc-provider reported, such as a back-channel logout that was refused, in words. */
  readonly errors: readonly string[]
  /** Requests to the token endpoint, answered or not: all, or those with that `grant_type`. */
  tokenCalls(grantType?: 'authorization_code' | 'refresh_token'): number
  userinfoCalls(): number
  /** Forgets what happened so far. */
  clear(): void
}

export const PATHS = { token: '/token', userinfo: '/userinfo' } as const

export class ProviderObserver implements ProviderEvents {
  readonly requests: ProviderRequest[] = []
  readonly errors: string[] = []
  /** By path; can be changed at any time, for the requests that come after. */
  readonly faults = new Map<string, ProviderFault>()
  /** By path, like the faults. */
  readonly lies = new Map<string, ProviderLie>()

  tokenCalls(grantType?: string): number {
    return this.requests.filter(
      ({ path, grantType: asked }) =>
        path === PATHS.token && (grantType === undefined || asked === grantType),
    ).length
  }

  userinfoCalls(): number {
    return this.requests.filter(({ path }) => path === PATHS.userinfo).length
  }

  clear(): void {
    this.requests.length = 0
    this.errors.length = 0
  }

  /**
   * Records a request.
   * @returns true when a fault took the request and nobody else must answer it
   */
  takes(request: IncomingMessage, response: ServerResponse): boolean {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
    const entry: ProviderRequest = {
      method: request.method ?? '',
      path,
      grantType: undefined,
      status: undefined,
    }
    this.requests.push(entry)
    response.once('finish', () => {
      entry.status = response.statusCode
    })
    if (path === PATHS.token)
      watchBody(request, (body) => {
        entry.grantType = new URLSearchParams(body).get('grant_type') ?? undefined
      })

    const lie = this.lies.get(path)
    if (lie) rewriteAnswer(response, lie)
    const fault = this.faults.get(path)
    if (fault === undefined) return false
    if (typeof fault === 'number') {
      request.resume()
      response.writeHead(fault, { 'content-length': '0' }).end()
    }
    return true
  }
}

/** The provider hands over its JSON in one piece, with its length in a header. */
function rewriteAnswer(response: ServerResponse, lie: ProviderLie): void {
  const end = response.end.bind(response) as (body: string) => ServerResponse
  response.end = ((body: unknown) => {
    void lie(JSON.parse(String(body))).then((answer) => {
      const told = JSON.stringify(answer)
      response.setHeader('content-length', Buffer.byteLength(told))
      end(told)
    })
    return response
  }) as ServerResponse['end']
}

/**
 * Sees the body as the HTTP parser hands it to the stream, and leaves the reading to the provider: a stream that was
 * read already it takes only with a warning. Bodies of token requests are far below a stream's buffer.
 */
function watchBody(request: IncomingMessage, onBody: (body: string) => void): void {
  const chunks: Buffer[] = []
  const push = request.push.bind(request)
  request.push = (chunk: unknown, encoding?: BufferEncoding) => {
    if (chunk instanceof Buffer) chunks.push(chunk)
    else if (chunk === null) onBody(Buffer.concat(chunks).toString('utf8'))
    return push(chunk, encoding)
  }
}
