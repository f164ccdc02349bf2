import 'server-only'
import type { NextAuthOptions } from 'next-auth'
import { type ClaimSources, type Claims, combineClaims, personName } from '#lib/session/claims.ts'
import type { ProviderMetadata } from '#lib/session/provider.ts'
import { sessionToRenew } from '#lib/session/renewal.ts'
import { returnPath } from '#lib/session/return-path.ts'
import { cookieName } from '#lib/session/session-cookie.ts'
import { type SignInFrom, startSession } from '#lib/session/sign-in.ts'
import type { OidcSettings } from '#lib/settings.ts'
import { SESSION_SECONDS } from '#lib/store/sessions.ts'
import { audit, requestAddress } from './audit.ts'
import { context } from './context.ts'
import { logLine, reportFault } from './fault-report.ts'
import { sessionDeps } from './viewer.ts'

/**
 * The sign-in library's settings. It runs the authorization code flow and writes the cookie; everything before (finding
 * the provider's endpoints) and after (sessions, refreshing, sign-out) is the portal's own.
 *
 * The endpoints come from the portal's discovery, which compares the issuer, instead of the library's `wellKnown`, which
 * does not, and asks again at every sign-in.
 */

export const PROVIDER_ID = 'oidc'

const HTTP_TIMEOUT_MS = 5_000
/** For how long a sign-in may take at the provider. */
const FLOW_SECONDS = 15 * 60

/**
 * Made anew for each request: `signIn` hands the started session over to `jwt` in a variable of this call.
 * @param sessionCookie as the browser sent it, for the session that a sign-in may renew
 */
export function authOptions(
  metadata: ProviderMetadata,
  sessionCookie: string | undefined,
  from?: SignInFrom,
): NextAuthOptions {
  const { settings, redis } = context()
  const origin = settings.publicOrigin
  let userinfo: Claims | null = null
  let started: { subject: string; sid: string } | null = null

  return {
    secret: settings.secret,
    providers: [
      {
        ...provider(settings.oidc, metadata),
        userinfo: {
          url: metadata.userinfo_endpoint ?? '',
          async request({ client, tokens }) {
            const idToken = claimsOf(tokens)
            // The bare token: with the token set the library repeats the provider's `bearer` in lower case, and some
            // providers then answer 401.
            userinfo = metadata.userinfo_endpoint ? await client.userinfo(tokens.access_token ?? '') : null
            if (userinfo && userinfo.sub !== idToken.sub) throw new Error('userinfo is about another subject')
            return idToken
          },
        },
      },
    ],
    session: { strategy: 'jwt', maxAge: SESSION_SECONDS },
    jwt: { maxAge: SESSION_SECONDS },
    useSecureCookies: origin.startsWith('https:'),
    cookies: cookies(origin),
    pages: { signIn: '/signin', error: '/signin' },
    callbacks: {
      redirect: ({ url }) => `${origin}${returnPath(url, origin)}`,
      // A string is where the library sends the browser to instead of finishing the sign-in.
      async signIn({ account, profile }) {
        try {
          const sources: ClaimSources = { idToken: { ...profile }, userinfo }
          const renews = await sessionToRenew(sessionCookie, sessionDeps())
          started = await startSession(
            { sources, tokens: account, issuer: metadata.issuer, renews, from },
            { redis, now: Date.now },
          )
          if (!started) return '/signin?error=failed'
          const { subject } = started
          audit({
            action: 'sign-in',
            person: {
              issuer: metadata.issuer,
              subject,
              name: personName(combineClaims(sources).claims, subject),
            },
            address: await requestAddress(),
            detail: renews?.subject === subject ? 'confirmed again by the provider' : '',
          })
          return true
        } catch (thrown) {
          const { error, reference } = reportFault(thrown)
          return `/signin?error=${error.code}&ref=${reference}`
        }
      },
      jwt: () => (started ? { sub: started.subject, sid: started.sid } : {}),
    },
    logger: {
      error: (code, metadata) => logLine(`sign-in: ${code}: ${causeInWords(metadata)}`),
      warn: () => undefined,
      debug: () => undefined,
    },
  }
}

/** The library passes its token set, which knows its ID token's claims, under the type of a plain record. */
function claimsOf(tokens: Readonly<Record<string, unknown>>): { readonly sub: string } {
  if (typeof tokens.claims !== 'function') throw new Error('no ID token')
  return tokens.claims()
}

function provider(settings: OidcSettings, metadata: ProviderMetadata) {
  return {
    id: PROVIDER_ID,
    name: settings.name,
    type: 'oauth' as const,
    issuer: metadata.issuer,
    authorization: {
      url: metadata.authorization_endpoint ?? '',
      params: { scope: settings.scope },
    },
    token: { url: metadata.token_endpoint ?? '' },
    jwks_endpoint: metadata.jwks_uri ?? '',
    clientId: settings.clientId,
    clientSecret: settings.clientSecret,
    client: {
      token_endpoint_auth_method: settings.authMethod,
      id_token_signed_response_alg: signatureAlgorithm(metadata),
    },
    idToken: true,
    checks: ['pkce' as const, 'state' as const, 'nonce' as const],
    httpOptions: { timeout: HTTP_TIMEOUT_MS },
    profile: (claims: { sub: string }) => ({ id: claims.sub }),
  }
}

/** RS256 is what every provider must offer; one that does not anyway is taken at its first asymmetric word. */
function signatureAlgorithm(metadata: ProviderMetadata): string {
  const offered = metadata.id_token_signing_alg_values_supported ?? []
  return offered.includes('RS256')
    ? 'RS256'
    : (offered.find((name) => /^(RS|PS|ES|Ed)/.test(name)) ?? 'RS256')
}

function cookies(origin: string): NonNullable<NextAuthOptions['cookies']> {
  const options = {
    httpOnly: true,
    sameSite: 'lax' as const,
    path: '/',
    secure: origin.startsWith('https:'),
  }
  const lasting = (purpose: string) => ({ name: cookieName(purpose, origin), options })
  const passing = (purpose: string) => ({
    name: cookieName(purpose, origin),
    options: { ...options, maxAge: FLOW_SECONDS },
  })
  return {
    sessionToken: lasting('session'),
    callbackUrl: lasting('callback'),
    csrfToken: lasting('csrf'),
    pkceCodeVerifier: passing('pkce'),
    state: passing('state'),
    nonce: passing('nonce'),
  }
}

/**
 * The library's messages name the state and nonce they expected and repeat what the provider wrote. What is logged is
 * the words in front: "state mismatch" of "state mismatch, expected …, got: …".
 */
function causeInWords(metadata: unknown): string {
  const error = metadata instanceof Error ? metadata : (metadata as { error?: unknown } | null)?.error
  if (!(error instanceof Error)) return 'no cause given'
  const words = /^[A-Za-z][A-Za-z0-9 _.-]{0,79}/.exec(error.message)?.[0] ?? ''
  return `${error.name} ${words}`.trim()
}
