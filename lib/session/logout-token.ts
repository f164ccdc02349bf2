import { type JWTVerifyGetKey, jwtVerify } from 'jose'
import { z } from 'zod'

/**
 * Logout tokens: by one of these, posted from server to server, the provider says that somebody signed out there (OpenID
 * Connect Back-Channel Logout 1.0, section 2.4; checked as section 2.6 asks).
 *
 * Anybody can post anything, and every check has something that it keeps out: `events` and `nonce` an ID token of the
 * provider, the audience a logout token for another of its clients, the algorithms one that is signed with nothing or with
 * the client's secret, the age one that was kept.
 */

/** Header `typ` of a logout token: `strict` takes `logout+jwt` alone, `any` is for providers older than that name. */
export type LogoutTokenTyp = 'strict' | 'any'

/** Past this age a token is refused; a provider sends it at once, and tries again within minutes. */
const MAX_AGE_SECONDS = 5 * 60
/** How far the clocks of the provider and the portal may lie apart. */
const CLOCK_TOLERANCE_SECONDS = 60
/** For how long a token could be posted again and still be young enough. */
export const LOGOUT_TOKEN_SECONDS = MAX_AGE_SECONDS + 2 * CLOCK_TOLERANCE_SECONDS

/** Signatures that only the holder of a private key can make. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
]
const EVENT = 'http://schemas.openid.net/event/backchannel-logout'

const text = z.string().min(1)
const claimsSchema = z.object({
  jti: text,
  events: z.object({ [EVENT]: z.record(z.string(), z.unknown()) }),
  nonce: z.undefined().optional(),
  sid: text.optional(),
  sub: text.optional(),
})

/** Whose sessions are to end: those begun in one session at the provider, or all of a person. */
export type LoggedOut = { readonly providerSid: string } | { readonly subject: string }

export type LogoutTokenOutcome =
  | {
      readonly kind: 'valid'
      readonly jti: string
      readonly loggedOut: LoggedOut
    }
  /** `reason` is in the portal's words, and goes on after "the token". */
  | { readonly kind: 'refused'; readonly reason: string }
  /** The keys to check it with could not be had. */
  | { readonly kind: 'unavailable'; readonly cause: unknown }

export interface LogoutTokenDeps {
  /** As the provider names itself. */
  readonly issuer: string
  readonly clientId: string
  readonly typ: LogoutTokenTyp
  readonly keys: JWTVerifyGetKey
  readonly now: () => number
}

/** Checks everything about a token but whether it came before. Where it names a session at the provider, that alone is meant. */
export async function verifyLogoutToken(token: string, deps: LogoutTokenDeps): Promise<LogoutTokenOutcome> {
  let keysFault: { readonly cause: unknown } | null = null
  const keys: JWTVerifyGetKey = async (header, input) => {
    try {
      return await deps.keys(header, input)
    } catch (error) {
      if (!ABOUT_THE_TOKEN.has(codeOf(error))) keysFault = { cause: error }
      throw error
    }
  }
  try {
    const { payload } = await jwtVerify(token, keys, {
      algorithms: ALGORITHMS,
      issuer: deps.issuer,
      audience: deps.clientId,
      maxTokenAge: MAX_AGE_SECONDS,
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      currentDate: new Date(deps.now()),
      ...(deps.typ === 'strict' ? { typ: 'logout+jwt' } : {}),
    })
    return readClaims(payload)
  } catch (error) {
    if (keysFault) return { kind: 'unavailable', ...(keysFault as { cause: unknown }) }
    if (!codeOf(error).startsWith('ERR_J')) throw error
    return { kind: 'refused', reason: reasonOf(error) }
  }
}

function readClaims(payload: unknown): LogoutTokenOutcome {
  const claims = claimsSchema.safeParse(payload)
  if (!claims.success)
    return { kind: 'refused', reason: notAccepted(String(claims.error.issues[0]?.path[0])) }
  const { jti, sid, sub } = claims.data
  if (sid !== undefined) return { kind: 'valid', jti, loggedOut: { providerSid: sid } }
  if (sub !== undefined) return { kind: 'valid', jti, loggedOut: { subject: sub } }
  return { kind: 'refused', reason: 'names neither a session nor a person' }
}

/** Of the key lookup: the token asks for a key that the provider does not publish. */
const ABOUT_THE_TOKEN = new Set(['ERR_JWKS_NO_MATCHING_KEY', 'ERR_JWKS_MULTIPLE_MATCHING_KEYS'])

const REASONS: Readonly<Record<string, string>> = {
  ERR_JOSE_ALG_NOT_ALLOWED: 'is signed in a way that is not accepted',
  ERR_JWKS_NO_MATCHING_KEY: 'is not signed with a key of the provider',
  ERR_JWKS_MULTIPLE_MATCHING_KEYS: 'does not say with which key of the provider it is signed',
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: 'is not signed with a key of the provider',
}

/** The codes of the library, since the bundler's copies of its classes do not know each other. */
function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : null
  return typeof code === 'string' ? code : ''
}

function reasonOf(error: unknown): string {
  // The name of the claim that the library looked at, never one out of the token.
  if (error instanceof Error && 'claim' in error && typeof error.claim === 'string')
    return notAccepted(error.claim)
  const code = codeOf(error)
  return (Object.hasOwn(REASONS, code) ? REASONS[code] : undefined) ?? 'is no signed token'
}

function notAccepted(claim: string): string {
  return `has no ${claim} that is accepted`
}
