import { createRemoteJWKSet, type JWTVerifyGetKey } from 'jose'
import * as oidc from 'openid-client'
import type { OidcSettings } from '../settings.ts'
import type { ClaimSources, Claims } from './claims.ts'

/**
 * The identity provider after sign-in: discovery, refreshing tokens and claims, revocation and sign-out. (The sign-in
 * itself is run by next-auth, with the endpoints discovered here.)
 *
 * Nothing here throws for what a provider does or fails to do; each outcome is a value. One provider object serves the
 * whole process, and the bundler gives pages and routes copies of the error class, across which `instanceof` fails.
 */

/** Longest wait for one answer. Three of them fit into the refresh lock. */
const TIMEOUT_SECONDS = 3

/** Longest that a sign-out waits for the provider to take a token back. */
const REVOCATION_TIMEOUT_MS = 2_000

/** 4xx answers of the token endpoint that say nothing about the grant: timeout, too early, too many requests. */
const PASSING_STATUS = new Set([408, 425, 429])

export interface ProviderTokens {
  readonly accessToken: string
  /** The new one where the provider rotates them, else null. */
  readonly refreshToken: string | null
  readonly idToken: string | null
}

export type RefreshOutcome =
  | { readonly kind: 'refreshed'; readonly tokens: ProviderTokens; readonly sources: ClaimSources }
  /** The grant is gone, or it is another person's: the session ends. */
  | { readonly kind: 'revoked'; readonly reason: string }
  /** No answer to rely on. `tokens` are there when the provider had already given new ones; the old may be void then. */
  | { readonly kind: 'unavailable'; readonly reason: string; readonly tokens: ProviderTokens | null }

export interface SignOutTokens {
  readonly idToken: string | null
  readonly refreshToken: string | null
  readonly accessToken: string | null
}

export type ProviderMetadata = Readonly<oidc.ServerMetadata>

/** What the provider's own tokens are checked with. */
export interface ProviderSigning {
  /** As it names itself. */
  readonly issuer: string
  /** Fetched when first asked for, and again when they are ten minutes old or one is asked for that is not among them. */
  readonly keys: JWTVerifyGetKey
}

export interface Provider {
  /** What the provider published about itself, its issuer checked; null when it cannot be had now. */
  metadata(): Promise<ProviderMetadata | null>
  /** Where browsers are sent to, as far as is known: some providers sign in on another origin than their issuer's. */
  readonly origins: readonly string[]
  refresh(refreshToken: string, subject: string): Promise<RefreshOutcome>
  /** Asks the provider to void the tokens; gives up after two seconds, since the session has ended here already. */
  revoke(tokens: SignOutTokens): Promise<void>
  /** Where to send a browser to sign out at the provider too; null when it has no such place or is not known. */
  endSessionUrl(idToken: string | null, returnTo: string): Promise<URL | null>
  /** Null when the provider cannot be asked now, or publishes no keys. */
  signing(): Promise<ProviderSigning | null>
}

/** @param log takes one line, free of tokens and of anything the provider wrote */
export function createProvider(settings: OidcSettings, log: (line: string) => void): Provider {
  let discovered: Promise<oidc.Configuration> | undefined
  let origins: readonly string[] = [new URL(settings.issuer).origin]
  let signing: ProviderSigning | undefined

  /** Discovered once and kept; a failure is not kept. */
  async function configuration(): Promise<oidc.Configuration | null> {
    discovered ??= discover(settings)
    const attempt = discovered
    try {
      const config = await attempt
      origins = browserOrigins(config.serverMetadata())
      return config
    } catch (error) {
      if (discovered === attempt) discovered = undefined
      log(`single sign-on: discovery failed: ${reasonOf(error)}`)
      return null
    }
  }

  return {
    async metadata() {
      return (await configuration())?.serverMetadata() ?? null
    },

    get origins() {
      return origins
    },

    async refresh(refreshToken, subject) {
      const config = await configuration()
      if (!config) return { kind: 'unavailable', reason: 'discovery failed', tokens: null }
      const granted = await grantAnew(config, refreshToken)
      if ('kind' in granted) return granted
      if (granted.idToken && granted.idToken.sub !== subject)
        return { kind: 'revoked', reason: 'the tokens are for another subject' }
      return withUserinfo(config, granted, subject)
    },

    async revoke({ refreshToken, accessToken }) {
      const config = await configuration()
      if (!config?.serverMetadata().revocation_endpoint) return
      const work = [
        ...(refreshToken
          ? [oidc.tokenRevocation(config, refreshToken, { token_type_hint: 'refresh_token' })]
          : []),
        ...(accessToken
          ? [oidc.tokenRevocation(config, accessToken, { token_type_hint: 'access_token' })]
          : []),
      ]
      const outcomes = await Promise.race([Promise.allSettled(work), elapsed(REVOCATION_TIMEOUT_MS)])
      for (const outcome of outcomes ?? [])
        if (outcome.status === 'rejected')
          log(`single sign-on: revocation failed: ${reasonOf(outcome.reason)}`)
    },

    async endSessionUrl(idToken, returnTo) {
      const config = await configuration()
      if (!config?.serverMetadata().end_session_endpoint) return null
      return oidc.buildEndSessionUrl(config, {
        post_logout_redirect_uri: returnTo,
        // As good as none (RFC 6749, section 3.1), but some providers send nobody back who came without the word.
        state: '',
        ...(idToken ? { id_token_hint: idToken } : {}),
      })
    },

    async signing() {
      const metadata = (await configuration())?.serverMetadata()
      // Kept, since it holds the keys and the time when they were last fetched.
      if (metadata) signing ??= signingOf(metadata)
      return signing ?? null
    },
  }
}

/** Settings allow http on loopback alone, so an http issuer is one of the demo or of a test. */
function discover({ issuer, clientId, clientSecret, authMethod }: OidcSettings): Promise<oidc.Configuration> {
  const authenticate =
    authMethod === 'client_secret_post'
      ? oidc.ClientSecretPost(clientSecret)
      : clientSecretBasic(clientId, clientSecret)
  return oidc.discovery(new URL(issuer), clientId, undefined, authenticate, {
    timeout: TIMEOUT_SECONDS,
    execute: issuer.startsWith('http:') ? [oidc.allowInsecureRequests] : [],
  })
}

/**
 * Encodes as the sign-in library does. openid-client's own `ClientSecretBasic` writes `-` as `%2D` too, which is allowed,
 * but with a provider that does not decode it people could sign in and then not be refreshed.
 */
function clientSecretBasic(clientId: string, clientSecret: string): oidc.ClientAuth {
  const encode = (text: string) => encodeURIComponent(text).replaceAll('%20', '+')
  const credentials = Buffer.from(`${encode(clientId)}:${encode(clientSecret)}`).toString('base64')
  return (_server, _client, _body, headers) => headers.set('authorization', `Basic ${credentials}`)
}

/** An https provider whose keys come over http would not be any safer than one that is on http as a whole. */
function signingOf({ issuer, jwks_uri: address }: ProviderMetadata): ProviderSigning | undefined {
  if (address === undefined || !URL.canParse(address)) return undefined
  const url = new URL(address)
  if (url.protocol !== 'https:' && !issuer.startsWith('http:')) return undefined
  return { issuer, keys: createRemoteJWKSet(url, { timeoutDuration: TIMEOUT_SECONDS * 1000 }) }
}

function browserOrigins(metadata: ProviderMetadata): readonly string[] {
  const addresses = [metadata.issuer, metadata.authorization_endpoint, metadata.end_session_endpoint]
  const known = addresses.filter((address) => address !== undefined && URL.canParse(address))
  return [...new Set(known.map((address) => new URL(String(address)).origin))]
}

interface Granted {
  readonly tokens: ProviderTokens
  readonly idToken: Claims | null
}

async function grantAnew(
  config: oidc.Configuration,
  refreshToken: string,
): Promise<Granted | RefreshOutcome> {
  try {
    const answer = await oidc.refreshTokenGrant(config, refreshToken)
    return {
      tokens: {
        accessToken: answer.access_token,
        refreshToken: answer.refresh_token ?? null,
        idToken: answer.id_token ?? null,
      },
      idToken: answer.claims() ?? null,
    }
  } catch (error) {
    return isRevocation(error)
      ? { kind: 'revoked', reason: reasonOf(error) }
      : { kind: 'unavailable', reason: reasonOf(error), tokens: null }
  }
}

async function withUserinfo(
  config: oidc.Configuration,
  { tokens, idToken }: Granted,
  subject: string,
): Promise<RefreshOutcome> {
  if (!config.serverMetadata().userinfo_endpoint)
    return { kind: 'refreshed', tokens, sources: { idToken, userinfo: null } }
  try {
    const userinfo = await oidc.fetchUserInfo(config, tokens.accessToken, subject)
    return { kind: 'refreshed', tokens, sources: { idToken, userinfo } }
  } catch (error) {
    if (isOtherSubject(error)) return { kind: 'revoked', reason: 'userinfo is about another subject' }
    // The access token is seconds old, so it is the person whom the provider no longer speaks about.
    if ([401, 403].includes(statusOf(error) ?? 0))
      return { kind: 'revoked', reason: `userinfo ${reasonOf(error)}` }
    return { kind: 'unavailable', reason: `userinfo: ${reasonOf(error)}`, tokens }
  }
}

/** RFC 6749, section 5.2. */
const CLIENT_ERRORS = new Set(['invalid_client', 'unauthorized_client', 'unsupported_grant_type'])

/**
 * Whether the token endpoint refused the grant. Some providers answer a revoked one with a bare 4xx. An error
 * about the client is no word about the person: the portal is wrongly set up, and sessions then end by age.
 */
function isRevocation(error: unknown): boolean {
  const status = statusOf(error)
  if (status === null || status < 400 || status > 499 || PASSING_STATUS.has(status)) return false
  return !(error instanceof oidc.ResponseBodyError && CLIENT_ERRORS.has(error.error))
}

function isOtherSubject(error: unknown): boolean {
  return error instanceof oidc.ClientError && error.code === 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED'
}

function statusOf(error: unknown): number | null {
  if (error instanceof oidc.ResponseBodyError || error instanceof oidc.WWWAuthenticateChallengeError)
    return error.status
  return error instanceof oidc.ClientError && error.cause instanceof Response ? error.cause.status : null
}

/** In the portal's words: whatever the provider wrote itself may hold a token or a line break. */
function reasonOf(error: unknown): string {
  const status = statusOf(error)
  if (status !== null) return `answered ${status}`
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const code = (cause as { code?: unknown } | null)?.code ?? (error as { code?: unknown } | null)?.code
  if (typeof code === 'string') return code
  return cause instanceof Error ? cause.name : 'no answer'
}

function elapsed(milliseconds: number): Promise<null> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds, null).unref())
}
