import { endSessionOf, endSessionsOf, listSessionsOf, type Person, sessionHandle } from '../store/sessions.ts'
import { browserInWords } from './browser-words.ts'
import { isOver, type SessionDeps } from './current.ts'
import { readSessionCookie } from './session-cookie.ts'

/**
 * A person's own sessions, for that person to look at and to end. Pages know a session by its handle and never by its id,
 * which is what the cookie of the browser there holds.
 */

export interface OwnSession {
  readonly handle: string
  /** Whether it is the one that asks. */
  readonly isCurrent: boolean
  /** When it was begun, epoch milliseconds; a renewed one keeps its beginning. */
  readonly createdAtMs: number
  /** When it was last used, to the minute. */
  readonly lastSeenAtMs: number
  /** When single sign-on last confirmed the claims. */
  readonly checkedAtMs: number
  /** Of the browser that signed in; null where nobody told. */
  readonly address: string | null
  /** Such as `Firefox 128 on Linux`. */
  readonly browser: string | null
}

type OwnDeps = Pick<SessionDeps, 'redis' | 'secret' | 'idleSeconds' | 'now'>

/**
 * @param cookieValue of the session that asks
 * @returns those that are not over, this one first, then by when they were last used; and how many may be missing
 * @throws PortalError when Redis does not tell
 */
export async function ownSessions(
  person: Person,
  cookieValue: string | undefined,
  deps: OwnDeps,
): Promise<{ sessions: readonly OwnSession[]; more: number }> {
  const [{ sessions, more }, current] = await Promise.all([
    listSessionsOf(deps.redis, person),
    handleOf(cookieValue, deps),
  ])
  const own = sessions
    .filter((session) => !isOver(session, deps))
    .map(
      ({ handle, createdAtMs, lastSeenAtMs, checkedAtMs, address, browser }): OwnSession => ({
        handle,
        isCurrent: handle === current,
        createdAtMs,
        lastSeenAtMs,
        checkedAtMs,
        address: address ?? null,
        browser: browser === undefined ? null : browserInWords(browser),
      }),
    )
    .sort((a, b) => Number(b.isCurrent) - Number(a.isCurrent) || b.lastSeenAtMs - a.lastSeenAtMs)
  return { sessions: own, more }
}

/**
 * @returns how many ended: one, or none when there is no such session of this person any more
 * @throws PortalError when Redis does not confirm it
 */
export async function endOwnSession(
  person: Person,
  handle: string,
  { redis }: Pick<OwnDeps, 'redis'>,
): Promise<number> {
  return (await endSessionOf(redis, person, handle)) ? 1 : 0
}

/**
 * Ends all sessions of a person but the one that asks.
 * @returns how many there were
 * @throws PortalError when Redis does not confirm that all of them ended; some may have
 */
export async function endOtherSessions(
  { issuer, subject }: Person,
  cookieValue: string | undefined,
  deps: OwnDeps,
): Promise<number> {
  const except = await handleOf(cookieValue, deps)
  return endSessionsOf(deps.redis, { issuer, subject }, { except })
}

async function handleOf(
  cookieValue: string | undefined,
  { secret }: Pick<OwnDeps, 'secret'>,
): Promise<string | undefined> {
  const cookie = await readSessionCookie(cookieValue, secret)
  return cookie ? sessionHandle(cookie.sid) : undefined
}
