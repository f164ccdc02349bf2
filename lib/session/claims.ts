/**
 * Claims about a person, out of the two places where a provider puts them: the ID token and the userinfo answer. Some
 * send groups in one alone, some in both.
 *
 * A refresh replaces all claims by what the provider just said; nothing old is merged in, or a group taken away would
 * stay for as long as the session. But a refresh need not bring an ID token. Then claims that only the ID token ever
 * carried are neither confirmed nor denied, and the whole is left unconfirmed: the claims grow old and the person signs
 * in again, rather than losing them although nobody took them away, or keeping them although somebody did.
 */

export type Claims = Readonly<Record<string, unknown>>

export interface ClaimSources {
  readonly idToken: Claims | null
  readonly userinfo: Claims | null
}

export interface CombinedClaims {
  readonly claims: Claims
  /** Names of the claims that only the ID token carried. */
  readonly idTokenOnly: readonly string[]
}

/** Claims about the token and the sign-in rather than the person (OpenID Connect Core 1.0, 2 and 3.1.3.6; RFC 7519, 4.1). */
const ABOUT_THE_TOKEN = new Set([
  'iss',
  'sub',
  'aud',
  'exp',
  'iat',
  'nbf',
  'jti',
  'nonce',
  'azp',
  'acr',
  'amr',
  'auth_time',
  'at_hash',
  'c_hash',
  's_hash',
  'sid',
  'session_state',
  'typ',
  'ver',
])

/** What the provider says about the person. The signed ID token wins where both carry a claim. */
export function combineClaims({ idToken, userinfo }: ClaimSources): CombinedClaims {
  const fromIdToken = aboutThePerson(idToken)
  const fromUserinfo = aboutThePerson(userinfo)
  return {
    claims: Object.fromEntries([...fromUserinfo, ...fromIdToken]),
    idTokenOnly: [...fromIdToken.keys()].filter((name) => !fromUserinfo.has(name)),
  }
}

/**
 * Claims that somebody pasted, as a session would hold them: enforcement never sees what a token says about itself.
 * @param pasted any JSON; what is no object stays as it is
 */
export function claimsAsKept(pasted: unknown): unknown {
  if (typeof pasted !== 'object' || pasted === null || Array.isArray(pasted)) return pasted
  return combineClaims({ idToken: { ...pasted }, userinfo: null }).claims
}

/**
 * The claims after a refresh.
 * @param previousIdTokenOnly what only the ID token carried when the claims were last complete
 * @returns null when the provider's answer does not settle all of them
 */
export function refreshedClaims(
  sources: ClaimSources,
  previousIdTokenOnly: readonly string[],
): CombinedClaims | null {
  if (!sources.idToken && !sources.userinfo) return null
  if (!sources.idToken && previousIdTokenOnly.some((name) => !Object.hasOwn(sources.userinfo ?? {}, name)))
    return null
  return combineClaims(sources)
}

/** What to call the person on pages and in the audit; never used to decide anything. */
export function personName(claims: Claims, subject: string): string {
  for (const name of ['name', 'preferred_username']) {
    const value = Object.hasOwn(claims, name) ? claims[name] : undefined
    if (typeof value === 'string' && value.trim() !== '') return value
  }
  return subject
}

function aboutThePerson(claims: Claims | null): Map<string, unknown> {
  return new Map(Object.entries(claims ?? {}).filter(([name]) => !ABOUT_THE_TOKEN.has(name)))
}
