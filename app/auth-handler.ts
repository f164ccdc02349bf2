import 'server-only'
import NextAuth from 'next-auth'
import type { ProviderMetadata } from '#lib/session/provider.ts'
import { returnPath } from '#lib/session/return-path.ts'
import { cookieName } from '#lib/session/session-cookie.ts'
import type { SignInFrom } from '#lib/session/sign-in.ts'
import { authOptions } from './auth-options.ts'
import { context } from './context.ts'

/**
 * Runs the sign-in library on exactly what it is given. Its handler for route files reads cookies by itself from Next.js
 * and passes on every query parameter; its other handler, for `pages/api`, takes both as arguments, and is called here
 * with a response that records.
 */

export interface AuthRequest {
  readonly method: 'GET' | 'POST'
  /** The path below /api/auth, such as `['callback', 'oidc']`. */
  readonly action: readonly string[]
  readonly query?: Readonly<Record<string, string>>
  readonly body?: Readonly<Record<string, string>>
  readonly cookies: Readonly<Record<string, string>>
  /** Who asks; for requests that can end in a session. */
  readonly from?: SignInFrom
}

export interface AuthAnswer {
  readonly status: number
  readonly location: string | null
  /** Whole `Set-Cookie` values. */
  readonly setCookies: readonly string[]
  readonly headers: ReadonlyMap<string, string>
  readonly body: unknown
}

type PagesHandler = (request: object, response: object, options: object) => Promise<unknown>

export async function runAuth(request: AuthRequest, metadata: ProviderMetadata): Promise<AuthAnswer> {
  const { publicOrigin } = context().settings
  const recorder = new AnswerRecorder()
  // The library's type asks for Next.js's whole request and response; it uses what is here.
  const handler = NextAuth as unknown as PagesHandler
  await handler(
    {
      method: request.method,
      query: { ...request.query, nextauth: [...request.action] },
      body: request.body,
      cookies: withoutForeignAddress(request.cookies, publicOrigin),
      headers: {},
    },
    recorder,
    authOptions(metadata, request.cookies[cookieName('session', publicOrigin)], request.from),
  )
  return recorder.answer()
}

/** The library answers 500 when the cookie that holds the way back is no address; a planted one is dropped instead. */
function withoutForeignAddress(
  cookies: Readonly<Record<string, string>>,
  publicOrigin: string,
): Record<string, string> {
  const name = cookieName('callback', publicOrigin)
  const { [name]: wayBack, ...others } = cookies
  return wayBack === undefined
    ? others
    : { ...others, [name]: `${publicOrigin}${returnPath(wayBack, publicOrigin)}` }
}

/** As much of Next.js's response for `pages/api` as the library touches. */
class AnswerRecorder {
  #status = 200
  #body: unknown
  readonly #headers = new Map<string, string | readonly string[]>()

  status(code: number): this {
    this.#status = code
    return this
  }

  setHeader(name: string, value: string | readonly string[]): this {
    this.#headers.set(name.toLowerCase(), value)
    return this
  }

  getHeader(name: string): string | readonly string[] | undefined {
    return this.#headers.get(name.toLowerCase())
  }

  json(body: unknown): void {
    this.setHeader('content-type', 'application/json')
    this.#body = body
  }

  send(body: unknown): void {
    this.#body = body
  }

  end(): void {
    this.#body = undefined
  }

  answer(): AuthAnswer {
    const cookies = this.#headers.get('set-cookie') ?? []
    const texts = [...this.#headers].flatMap(([name, value]) =>
      typeof value === 'string' && name !== 'location' ? [[name, value] as const] : [],
    )
    const location = this.#headers.get('location')
    return {
      status: this.#status,
      location: typeof location === 'string' ? location : null,
      setCookies: typeof cookies === 'string' ? [cookies] : cookies,
      headers: new Map(texts),
      body: this.#body,
    }
  }
}
