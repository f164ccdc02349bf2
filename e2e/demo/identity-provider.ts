import { generateKeyPair, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
// Not the package's index, which warns of any Node that is not yet a long-term release.
import { Provider } from 'oidc-provider/lib/provider.js'
import {
  type AccountClaims,
  type IdentityProviderOptions,
  type ProviderKeys,
  providerConfiguration,
} from './provider-configuration.ts'
import { ProviderMemory } from './provider-memory.ts'
import {
  type ProviderEvents,
  type ProviderFault,
  type ProviderLie,
  ProviderObserver,
} from './provider-observer.ts'
import { errorPage, loginPage } from './provider-pages.ts'

export type { AccountClaims, IdentityProviderOptions, ProviderKeys }

/**
 * A real OpenID Connect provider on loopback for the demo and the tests: the code flow with PKCE, refresh tokens,
 * revocation, sign-out at the provider and back-channel logout. It knows a few accounts whose password equals
 * their name, grants consent by itself, and protects nothing.
 */

export interface IdentityProvider {
  /** `http://127.0.0.1:<port>`, without a trailing slash. */
  readonly issuer: string
  readonly port: number
  /** Name -> claims. Changes act at the next userinfo, refresh or sign-in; a removed person's refreshes fail. */
  readonly accounts: Map<string, AccountClaims>
  readonly jwks: ProviderKeys
  readonly events: ProviderEvents
  /** By path, such as `/token`, `/userinfo` or `/.well-known/openid-configuration`. */
  readonly faults: Map<string, ProviderFault>
  /** By path: what is told instead of the provider's own answer. */
  readonly lies: Map<string, ProviderLie>
  /** Posts a logout token for that person and provider session, as a sign-out elsewhere would. Rejects unless it is taken. */
  backchannelLogout(name: string, sid: string): Promise<void>
  saveState(): string
  /** Cuts every connection and resolves when the port is free. */
  close(): Promise<void>
}

/** The people of the demo; `access.yaml` says what their groups grant. */
export const DEMO_ACCOUNTS: Readonly<Record<string, AccountClaims>> = {
  'hr-owner': { name: 'HR owner', groups: ['/hr/owners'] },
  'web-owner': { name: 'Web owner', groups: ['/it/web'] },
  'masked-owner': { name: 'Masked owner', groups: ['/hr/analysts'] },
  'no-groups': { name: 'No groups' },
  admin: { name: 'Admin', groups: ['/logs/admins'] },
}

const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
}

export async function generateProviderKeys(): Promise<ProviderKeys> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })
  const kid = randomBytes(6).toString('base64url')
  return { keys: [{ ...privateKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' }] }
}

/** The login page under `/interaction/<id>`: shows the form, or takes what it posted. */
async function interact(
  provider: Provider,
  accounts: ReadonlyMap<string, AccountClaims>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const answer = (status: number, html: string) => response.writeHead(status, PAGE_HEADERS).end(html)
  try {
    await provider.interactionDetails(request, response)
  } catch {
    // The interaction's cookie or entry is gone: an old page, or a browser that refuses cookies.
    answer(400, errorPage('This sign-in page has expired', undefined))
    return
  }
  if (request.method !== 'POST') {
    answer(200, loginPage())
    return
  }
  const form = new URLSearchParams(await text(request))
  if (form.has('cancel')) {
    await provider.interactionFinished(request, response, { error: 'access_denied' })
    return
  }
  const name = form.get('login') ?? ''
  if (!accounts.has(name) || form.get('password') !== name) {
    answer(422, loginPage(name))
    return
  }
  await provider.interactionFinished(request, response, { login: { accountId: name } })
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address ? address.port : port)
    })
  })
}

/**
 * Starts the provider on 127.0.0.1 and resolves when it listens.
 * @throws the `listen` error of Node when the port is taken
 */
export async function startIdentityProvider(options: IdentityProviderOptions): Promise<IdentityProvider> {
  const accounts = new Map(Object.entries(structuredClone(options.accounts ?? DEMO_ACCOUNTS)))
  const memory = new ProviderMemory(options.savedState)
  const observer = new ProviderObserver()
  const jwks = options.jwks ?? (await generateProviderKeys())
  const server = createServer()
  // The issuer contains the port, so the port comes first; no request is read before the handler is in place.
  const port = await listen(server, options.port ?? 0)
  const issuer = `http://127.0.0.1:${port}`
  const provider = new Provider(issuer, providerConfiguration(options, accounts, memory, jwks))
  for (const event of [
    'server_error',
    'grant.error',
    'authorization.error',
    'userinfo.error',
    'end_session.error',
  ])
    provider.on(event, (_context, error) => observer.errors.push(`${event}: ${String(error)}`))
  provider.on('backchannel.error', (_context, error) => observer.errors.push(`backchannel: ${String(error)}`))

  const handle = provider.callback()
  server.on('request', (request, response) => {
    if (observer.takes(request, response)) return
    const answered = request.url?.startsWith('/interaction/')
      ? interact(provider, accounts, request, response)
      : handle(request, response)
    answered.catch((error) => {
      observer.errors.push(`server: ${String(error)}`)
      if (response.headersSent) response.destroy()
      else response.writeHead(500, PAGE_HEADERS).end(errorPage('The demo failed', undefined))
    })
  })

  return {
    issuer,
    port,
    accounts,
    jwks,
    events: observer,
    faults: observer.faults,
    lies: observer.lies,
    async backchannelLogout(name, sid) {
      const client = await provider.Client.find(options.clientId)
      await client?.backchannelLogout(name, sid)
    },
    saveState: () => memory.save(),
    close: () =>
      new Promise((resolve) => {
        // Closed already is as good.
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
