import type { Redis } from 'ioredis'
import { z } from 'zod'
import { createSession, endSession, keepSession, type SessionRecord } from '../store/sessions.ts'
import { handOverTokens, revokeTokensOf } from '../store/tokens.ts'
import { cleanedBrowser } from './browser-words.ts'
import { type ClaimSources, combineClaims, personName } from './claims.ts'
import type { RenewedSession } from './renewal.ts'

/** What the sign-in library hands over when a provider has vouched for somebody. */
export interface SignIn {
  /** The ID token's claims, its signature and nonce checked, and the userinfo answer about the same subject. */
  readonly sources: ClaimSources
  readonly tokens: unknown
  /** The configured issuer, as it names itself. */
  readonly issuer: string
  /** The session that this one goes on with when it is the same person's; otherwise it is left alone. */
  readonly renews?: RenewedSession | null
  /** Where it came from, for the person to tell their sessions apart. */
  readonly from?: SignInFrom | undefined
}

export interface SignInFrom {
  /** Empty where nobody told. */
  readonly address: string
  /** The header `User-Agent`, as it was sent. */
  readonly userAgent: string | null
}

/** Longer subjects are not allowed (OpenID Connect Core 1.0, section 2), and would not fit into a cookie. */
const MAX_SUBJECT_CHARACTERS = 255

const idTokenSchema = z.object({
  iss: z.string(),
  sub: z.string().min(1).max(MAX_SUBJECT_CHARACTERS),
  sid: z.string().nullable().catch(null),
})

const token = z.string().min(1).nullish().default(null)
const tokensSchema = z.object({ id_token: token, refresh_token: token, access_token: token })

/**
 * Starts a session for a person who has just signed in.
 * @returns what the cookie holds, or null when the provider's answer cannot be taken: another issuer, no subject
 * @throws PortalError when Redis does not take the session
 */
export async function startSession(
  signIn: SignIn,
  { redis, now }: { readonly redis: Redis; readonly now: () => number },
): Promise<{ subject: string; sid: string } | null> {
  const idToken = idTokenSchema.safeParse(signIn.sources.idToken).data
  const tokens = tokensSchema.safeParse(signIn.tokens).data
  if (!idToken || !tokens || idToken.iss !== signIn.issuer) return null
  const { claims, idTokenOnly } = combineClaims(signIn.sources)
  const nowMs = now()
  const { renews } = signIn
  const renewed = renews?.issuer === idToken.iss && renews.subject === idToken.sub ? renews : null
  const session: SessionRecord = {
    issuer: idToken.iss,
    subject: idToken.sub,
    providerSid: idToken.sid,
    name: personName(claims, idToken.sub),
    claims,
    idTokenOnly,
    idToken: tokens.id_token,
    refreshToken: tokens.refresh_token,
    accessToken: tokens.access_token,
    checkedAtMs: nowMs,
    refreshFault: null,
    retryAtMs: 0,
    // Or a session that is renewed again and again would never come to its absolute end.
    createdAtMs: renewed?.createdAtMs ?? nowMs,
    ...(signIn.from?.address ? { address: signIn.from.address } : {}),
    ...(signIn.from?.userAgent ? { browser: cleanedBrowser(signIn.from.userAgent) } : {}),
  }
  const sid = await createSession(redis, session)
  if (renewed) await succeed(redis, renewed.sid, { sid, session, nowMs })
  return { subject: idToken.sub, sid }
}

/** Puts a session in the place of the one it renews: that one's tokens go on in it, and it ends. */
async function succeed(
  redis: Redis,
  oldSid: string,
  { sid, session, nowMs }: { sid: string; session: SessionRecord; nowMs: number },
): Promise<void> {
  const untilMs = await handOverTokens(redis, { from: oldSid, to: sid, nowMs })
  if (untilMs !== null) await keepSession(redis, sid, { session, untilMs })
  // Somebody else ended it meanwhile, and with it the tokens; those that were here already are no exception.
  if (!(await endSession(redis, oldSid))) await revokeTokensOf(redis, sid)
}
