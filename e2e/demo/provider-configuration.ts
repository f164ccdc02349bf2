import { createHash } from 'node:crypto'
import type { Client, ProviderContext } from 'oidc-provider/lib/provider.js'
import type { ProviderMemory } from './provider-memory.ts'
import { PATHS } from './provider-observer.ts'
import { errorPage, logoutPage, signedOutPage } from './provider-pages.ts'

/** What can be asked of the demo's identity provider, and how that is said to oidc-provider. */

/** What the provider says about a person; `groups` can be of any type, so that tests can send nonsense. */
export type AccountClaims = Record<string, unknown>

export interface ProviderKeys {
  /** Private JSON Web Keys. */
  readonly keys: readonly object[]
}

export interface IdentityProviderOptions {
  /** TCP port on 127.0.0.1; 0 or none takes a free one. */
  readonly port?: number
  readonly clientId: string
  readonly clientSecret: string
  readonly clientAuthMethod?: 'client_secret_basic' | 'client_secret_post'
  readonly redirectUris: readonly string[]
  readonly postLogoutRedirectUris?: readonly string[]
  /** Where the provider posts logout tokens; none are sent without it. */
  readonly backchannelLogoutUri?: string
  /** Name -> claims; the demo's people when none are given. */
  readonly accounts?: Readonly<Record<string, AccountClaims>>
  /** Names of claims that the scope `profile` releases besides `name`, `preferred_username` and `groups`. */
  readonly moreClaims?: readonly string[]
  /** Put the claims into the ID token too, not into userinfo alone. */
  readonly claimsInIdToken?: boolean
  /** Issue a refresh token with every code (default true). */
  readonly refreshTokens?: boolean
  /** Each refresh takes the refresh token away and gives another (default false). */
  readonly rotateRefreshTokens?: boolean
  readonly accessTokenSeconds?: number
  /** Offer sign-out at the provider, `end_session_endpoint` (default true). */
  readonly endSession?: boolean
  /** Signing keys; made anew when none are given. */
  readonly jwks?: ProviderKeys
  /** Sessions and tokens of an earlier run, from `saveState`. */
  readonly savedState?: string
}

const DAY_SECONDS = 86_400
const LOOPBACK_HOSTS = new Set(['127.0.0.1', '[::1]', 'localhost'])
/** The one client, the portal. */
function clientMetadata(options: IdentityProviderOptions): object {
  return {
    client_id: options.clientId,
    client_secret: options.clientSecret,
    token_endpoint_auth_method: options.clientAuthMethod ?? 'client_secret_basic',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    redirect_uris: options.redirectUris,
    post_logout_redirect_uris: options.postLogoutRedirectUris ?? [],
    ...(options.backchannelLogoutUri
      ? { backchannel_logout_uri: options.backchannelLogoutUri, backchannel_logout_session_required: true }
      : {}),
  }
}

async function grantEverything({ oidc }: ProviderContext) {
  const { Grant } = oidc.provider
  const known = oidc.session.grantIdFor(oidc.client.clientId)
  const existing = known === undefined ? undefined : await Grant.find(known)
  if (existing) return existing
  const grant = new Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId })
  grant.addOIDCScope('openid profile email offline_access')
  await grant.save()
  return grant
}

/** The `setup` of oidc-provider. `accounts` is read at each request. */
export function providerConfiguration(
  options: IdentityProviderOptions,
  accounts: ReadonlyMap<string, AccountClaims>,
  memory: ProviderMemory,
  jwks: ProviderKeys,
): object {
  return {
    // A copy, since the provider writes into it.
    jwks: structuredClone(jwks),
    adapter: (model: string) => memory.adapter(model),
    clients: [clientMetadata(options)],
    // Ports do not separate cookies on one host, so these names must differ from the portal's.
    cookies: {
      // Of the signing keys, so that a provider that is given its old keys knows its old cookies.
      keys: [createHash('sha256').update(JSON.stringify(jwks)).digest('base64url')],
      names: {
        session: 'demo_provider_session',
        interaction: 'demo_provider_interaction',
        resume: 'demo_provider_resume',
      },
    },
    claims: {
      openid: ['sub'],
      profile: ['name', 'preferred_username', 'groups', ...(options.moreClaims ?? [])],
      email: ['email', 'email_verified'],
    },
    conformIdTokenClaims: !options.claimsInIdToken,
    scopes: ['openid', 'profile', 'email', 'offline_access'],
    routes: PATHS,
    features: {
      devInteractions: { enabled: false },
      revocation: { enabled: true, allowedPolicy: () => true },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: options.endSession ?? true,
        logoutSource: (context: ProviderContext, form: string) => {
          context.body = logoutPage(form)
        },
        postLogoutSuccessSource: (context: ProviderContext) => {
          context.body = signedOutPage()
        },
      },
    },
    findAccount: (_context: unknown, name: string) => {
      const claims = accounts.get(name)
      if (!claims) return undefined
      return {
        accountId: name,
        // Read again at each call: a test may have changed them.
        claims: () => ({ preferred_username: name, ...accounts.get(name), sub: name }),
      }
    },
    loadExistingGrant: grantEverything,
    issueRefreshToken: (_context: unknown, client: Client) =>
      (options.refreshTokens ?? true) && client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: options.rotateRefreshTokens ?? false,
    pkce: { required: () => true },
    clientBasedCORS: () => false,
    renderError: (context: ProviderContext, out: { error: string; error_description?: string }) => {
      context.type = 'html'
      context.body = errorPage(out.error, out.error_description)
    },
    ttl: {
      AccessToken: options.accessTokenSeconds ?? 300,
      AuthorizationCode: 60,
      IdToken: 3600,
      Interaction: 3600,
      RefreshToken: 14 * DAY_SECONDS,
      Session: 14 * DAY_SECONDS,
      Grant: 14 * DAY_SECONDS,
    },
    // Its dispatcher refuses special addresses, and a portal under test is on one.
    fetch: (url: string, { dispatcher, ...init }: RequestInit & { dispatcher?: unknown }) =>
      fetch(url, LOOPBACK_HOSTS.has(new URL(url).hostname) ? init : { ...init, ...{ dispatcher } }),
  }
}
