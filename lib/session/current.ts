import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { PortalError } from '../errors.ts'
import {
  endSession,
  isRefreshLocked,
  readSession,
  releaseRefreshLock,
  replaceSession,
  SESSION_SECONDS,
  type SessionRecord,
  type StoredSession,
  takeRefreshLock,
  touchSession,
} from '../store/sessions.ts'
import { hasTokens } from '../store/tokens.ts'
import { personName, refreshedClaims } from './claims.ts'
import type { Provider, RefreshOutcome, SignOutTokens } from './provider.ts'
import { readSessionCookie } from './session-cookie.ts'

/**
 * From a cookie to the person at this moment.
 *
 * Claims up to five minutes old are taken as they are. Older ones are refreshed at the provider first, by one request
 * at a time for each session: a provider that rotates refresh tokens takes two uses of one for theft and revokes the
 * grant. The others wait for its result. While the provider does not answer, claims go on for up to fifteen minutes,
 * then nothing is shown. A provider that gives no refresh token, or none that settles the claims, is asked again by
 * signing in (see `renewal.ts`).
 *
 * Tokens for programs (`token.ts`) stand on the same session, refreshed by the same code under the same lock, so that a
 * refresh token that rotates has one holder. They may outlive the browser's part of it: past its idle or absolute end the
 * cookie opens nothing, and the session is kept only for tokens that can still use it.
 *
 * A fault of Redis or of the provider is never taken for a person who is not signed in: that would throw away a session
 * that is still good.
 */

/** Claims older than this are refreshed before they are used. */
export const CLAIMS_FRESH_MS = 5 * 60_000
/** Claims older than this are not used at all. */
export const CLAIMS_MAX_AGE_MS = 15 * 60_000
/** After a failed refresh the provider is left alone for this long. */
const REFRESH_RETRY_MS = 10_000
/** How often the time of the last request is written. */
const TOUCH_INTERVAL_MS = 60_000
/** So that no moment reaches it. */
const NEVER_MS = Number.MAX_SAFE_INTEGER
/** How often one looks whether the refresh of another request is done. */
const LOCK_POLL_MS = 25

export interface SessionDeps {
  readonly redis: Redis
  readonly provider: Provider
  /** What cookies are encrypted with. */
  readonly secret: string
  readonly idleSeconds: number
  readonly log: (line: string) => void
  /** Told of a session that the provider ended, when it is gone. */
  readonly onRevoked?: (person: Pick<Session, 'issuer' | 'subject' | 'name'>) => void
  readonly now: () => number
  /**
   * Told which session is asked for, before it is read. What it resolves to is thrown once the session was read, so that
   * asking costs no time of its own, and a store that does not answer comes first.
   */
  readonly admit?: (sid: string) => Promise<PortalError | null>
}

/** The person, without the tokens: those never leave this folder but to sign out. */
export interface Session {
  readonly issuer: string
  readonly subject: string
  /** To show; never to decide by. */
  readonly name: string
  readonly claims: Readonly<Record<string, unknown>>
  readonly createdAtMs: number
  /** When the provider last confirmed the claims. */
  readonly checkedAtMs: number
}

/**
 * Who holds this cookie now.
 * @returns null when nobody does: no cookie, a forged one, a session that ended, or claims too old to use and no way to
 * renew them but signing in
 * @throws PortalError `store_unavailable` or `store_refused` when Redis does not tell; `provider_unavailable` when the
 * claims are past {@link CLAIMS_MAX_AGE_MS} and the provider does not answer; what `admit` says
 */
export async function currentSession(
  cookieValue: string | undefined,
  deps: SessionDeps,
): Promise<Session | null> {
  const cookie = await readSessionCookie(cookieValue, deps.secret)
  if (!cookie) return null
  const admitted = deps.admit?.(cookie.sid)
  // Nobody waits for it where the session turns out to be none; elsewhere it is thrown below.
  admitted?.catch(() => undefined)
  const stored = await readSession(deps.redis, cookie.sid)
  if (stored?.subject !== cookie.subject) return null
  const refusal = await admitted
  if (refusal) throw refusal
  if (isOver(stored, deps)) {
    if (!(await isHeldByTokens(cookie.sid, stored, deps))) await endSession(deps.redis, cookie.sid)
    return null
  }
  const session = await confirmedSession(cookie.sid, stored, deps)
  if (session && deps.now() - stored.lastSeenAtMs >= TOUCH_INTERVAL_MS)
    await touchSession(deps.redis, cookie.sid, deps.now())
  return session
}

/**
 * The person of a stored session, whose claims are refreshed first when that is due. It looks at no end of the session.
 * @returns null when the session ended, or its claims are too old to use and only signing in renews them
 * @throws PortalError as {@link currentSession}
 */
export async function confirmedSession(
  sid: string,
  stored: StoredSession,
  deps: SessionDeps,
): Promise<Session | null> {
  const session = await refreshedWhenDue(sid, stored, deps)
  if (!session || !isUsable(session, deps.now())) return null
  const { issuer, subject, name, claims, createdAtMs, checkedAtMs } = session
  return { issuer, subject, name, claims, createdAtMs, checkedAtMs }
}

/** Whether its claims can be confirmed again without its person: not where the provider's answer never settles them. */
export function isRefreshable({ refreshToken, refreshFault }: SessionRecord): boolean {
  return refreshToken !== null && refreshFault !== 'unsettled'
}

/** Whether tokens of a session whose browser's part is over can still use it, now or after a refresh. */
async function isHeldByTokens(
  sid: string,
  session: StoredSession,
  { redis, now }: Pick<SessionDeps, 'redis' | 'now'>,
): Promise<boolean> {
  const hasUse = isRefreshable(session) || now() - session.checkedAtMs < CLAIMS_MAX_AGE_MS
  return hasUse && (await hasTokens(redis, sid, now()))
}

/**
 * Ends the session of this cookie.
 * @returns whose it was and the tokens to sign out at the provider with, or null when there was no session
 * @throws PortalError when Redis does not confirm that it ended
 */
export async function endCurrentSession(
  cookieValue: string | undefined,
  { redis, secret }: Pick<SessionDeps, 'redis' | 'secret'>,
): Promise<(SignOutTokens & Pick<Session, 'issuer' | 'subject' | 'name'>) | null> {
  const cookie = await readSessionCookie(cookieValue, secret)
  if (!cookie) return null
  const stored = await readSession(redis, cookie.sid)
  await endSession(redis, cookie.sid)
  if (!stored) return null
  const { idToken, refreshToken, accessToken, issuer, subject, name } = stored
  return { idToken, refreshToken, accessToken, issuer, subject, name }
}

/** Whether the browser's part of it is past its absolute end, or unused for too long. */
export function isOver(
  session: StoredSession,
  { now, idleSeconds }: Pick<SessionDeps, 'now' | 'idleSeconds'>,
): boolean {
  const nowMs = now()
  return (
    nowMs - session.createdAtMs >= SESSION_SECONDS * 1000 ||
    nowMs - session.lastSeenAtMs >= idleSeconds * 1000
  )
}

function isDue(session: SessionRecord, nowMs: number): boolean {
  return (
    session.refreshToken !== null &&
    nowMs - session.checkedAtMs >= CLAIMS_FRESH_MS &&
    nowMs >= session.retryAtMs
  )
}

/**
 * @returns false when only signing in again helps
 * @throws PortalError `provider_unavailable` when waiting helps
 */
function isUsable(session: SessionRecord, nowMs: number): boolean {
  if (nowMs - session.checkedAtMs < CLAIMS_MAX_AGE_MS) return true
  if (session.refreshFault === 'unavailable') throw new PortalError('provider_unavailable')
  return false
}

/** @returns the session as the provider knows it now, or null when it ended. */
async function refreshedWhenDue(
  sid: string,
  stored: SessionRecord,
  deps: SessionDeps,
): Promise<SessionRecord | null> {
  let session: SessionRecord | null = stored
  while (session && isDue(session, deps.now())) {
    const lock = await takeRefreshLock(deps.redis, sid)
    if (lock) {
      try {
        // Between reading it and taking the lock, the one who held it may have finished.
        session = await readSession(deps.redis, sid)
        if (session && isDue(session, deps.now())) session = await refresh(sid, session, deps)
        return session
      } finally {
        await releaseRefreshLock(deps.redis, sid, lock)
      }
    }
    // The lock goes when its holder is done, or by itself when the holder died.
    while (await isRefreshLocked(deps.redis, sid)) await delay(LOCK_POLL_MS)
    session = await readSession(deps.redis, sid)
  }
  return session
}

/** Asks the provider and writes down what it said. The caller holds the lock. */
async function refresh(
  sid: string,
  session: SessionRecord,
  deps: SessionDeps,
): Promise<SessionRecord | null> {
  const outcome = await deps.provider.refresh(session.refreshToken ?? '', session.subject)
  if (outcome.kind === 'revoked') {
    deps.log(`single sign-on: a session ended at its refresh: ${outcome.reason}`)
    await endSession(deps.redis, sid)
    deps.onRevoked?.(session)
    return null
  }
  const renewed = renew(session, outcome, deps.now())
  if (outcome.kind === 'unavailable') deps.log(`single sign-on: refresh failed: ${outcome.reason}`)
  return (await replaceSession(deps.redis, sid, renewed)) ? renewed : null
}

/** New tokens are kept whatever became of the claims, since the old ones may be void by now. */
function renew(
  session: SessionRecord,
  outcome: Exclude<RefreshOutcome, { kind: 'revoked' }>,
  nowMs: number,
): SessionRecord {
  const tokens = outcome.tokens
    ? {
        accessToken: outcome.tokens.accessToken,
        refreshToken: outcome.tokens.refreshToken ?? session.refreshToken,
        idToken: outcome.tokens.idToken ?? session.idToken,
      }
    : {}
  if (outcome.kind === 'unavailable')
    return { ...session, ...tokens, refreshFault: 'unavailable', retryAtMs: nowMs + REFRESH_RETRY_MS }
  const combined = refreshedClaims(outcome.sources, session.idTokenOnly)
  // Asking again would bring the same answer, so the claims just grow old.
  if (!combined)
    return {
      ...session,
      ...tokens,
      refreshFault: 'unsettled',
      retryAtMs: NEVER_MS,
    }
  return {
    ...session,
    ...tokens,
    ...combined,
    name: personName(combined.claims, session.subject),
    checkedAtMs: nowMs,
    refreshFault: null,
    retryAtMs: 0,
  }
}
