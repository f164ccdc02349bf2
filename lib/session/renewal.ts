import {
  claimSessionRenewal,
  isSessionRenewalClaimed,
  readSession,
  type StoredSession,
} from '../store/sessions.ts'
import { CLAIMS_MAX_AGE_MS, isOver, type SessionDeps } from './current.ts'
import { readSessionCookie } from './session-cookie.ts'

/**
 * Sessions that only a new sign-in can go on with: the provider gives no refresh token, or none that settles the claims.
 * The person is known and nothing has ended, so the portal sends the browser through the provider by itself, whose own
 * session usually answers without a question.
 *
 * Once for each session: if the way through the provider did not bring a new one, the next try is the person's to begin,
 * or a browser that loses the new cookie would go round for ever. Only the holder of the session's cookie gets this far, so
 * that no page elsewhere can begin a sign-in for somebody who is signed out.
 */

type RenewalDeps = Pick<SessionDeps, 'redis' | 'secret' | 'idleSeconds' | 'now'>

/** A session that a sign-in goes on with. It ends with that, and hands on when it was begun. */
export interface RenewedSession {
  readonly sid: string
  readonly issuer: string
  readonly subject: string
  readonly createdAtMs: number
}

/**
 * Whether all that the session of this cookie lacks is a new word of the provider, which only a sign-in can bring.
 * @throws PortalError when Redis does not tell
 */
export async function isStale(cookieValue: string | undefined, deps: RenewalDeps): Promise<boolean> {
  return (await staleSession(cookieValue, deps)) !== null
}

/**
 * Takes the one try that a stale session has.
 * @returns `none` when the cookie's session is not a stale one
 * @throws PortalError when Redis does not tell
 */
export async function claimRenewal(
  cookieValue: string | undefined,
  deps: RenewalDeps,
): Promise<'claimed' | 'tried' | 'none'> {
  const stale = await staleSession(cookieValue, deps)
  if (!stale) return 'none'
  return (await claimSessionRenewal(deps.redis, stale.sid)) ? 'claimed' : 'tried'
}

/**
 * The stale session whose try was taken, for the sign-in that comes of it.
 * @throws PortalError when Redis does not tell
 */
export async function sessionToRenew(
  cookieValue: string | undefined,
  deps: RenewalDeps,
): Promise<RenewedSession | null> {
  const stale = await staleSession(cookieValue, deps)
  return stale && (await isSessionRenewalClaimed(deps.redis, stale.sid)) ? stale : null
}

async function staleSession(
  cookieValue: string | undefined,
  deps: RenewalDeps,
): Promise<RenewedSession | null> {
  const cookie = await readSessionCookie(cookieValue, deps.secret)
  if (!cookie) return null
  const stored = await readSession(deps.redis, cookie.sid)
  if (stored?.subject !== cookie.subject || isOver(stored, deps) || !needsSignIn(stored, deps.now()))
    return null
  const { issuer, subject, createdAtMs } = stored
  return { sid: cookie.sid, issuer, subject, createdAtMs }
}

function needsSignIn(session: StoredSession, nowMs: number): boolean {
  return (
    nowMs - session.checkedAtMs >= CLAIMS_MAX_AGE_MS &&
    (session.refreshToken === null || session.refreshFault === 'unsettled')
  )
}
