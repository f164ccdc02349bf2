import { createHash, randomBytes } from 'node:crypto'
import type { Redis } from 'ioredis'
import { z } from 'zod'
import { PortalError } from '../errors.ts'
import { evenWhenFull } from './even-when-full.ts'
import { answered, Script } from './redis.ts'
import { extendExpiry, revokeTokensOf } from './tokens.ts'

/**
 * Sessions in Redis. The browser's cookie names a session; what the person may do, and the provider's tokens, are here.
 *
 *     session:<sid>                  JSON, below; expires at the absolute end
 *     session-seen:<sid>             milliseconds of the last request; expires with the session
 *     session-renewal:<sid>          '1' once the browser was sent through the provider by itself for this session
 *     session-lock:<sid>             token of whoever is refreshing the claims; expires by itself
 *     sessions:subject:<iss>|<sub>   set of sid, to end all sessions of a person
 *     sessions:provider:<iss>|<sid>  set of sid, to end those of one session at the provider
 *     logout-token:<digest>          a logout token of the provider that was acted on; expires when it would be too old
 *
 * A session once ended never comes back: a refresh under way at that moment writes with XX, and its answer is lost.
 * The last request has a key of its own because it is written without a lock: inside the JSON it could put back a
 * refresh token that a parallel refresh had just replaced, and a provider that rotates them then revokes the grant.
 *
 * Index entries of ended sessions are removed; those of expired ones lead nowhere and go with the set, or when a person
 * with many of them signs in.
 *
 * A session that tokens hold (`tokens.ts`) lives on until the last of them expires. That the browser's part of it is over
 * by then is not told by the key's expiry but by its times (`lib/session/current.ts`). Its tokens end with it.
 *
 * In a cluster these keys lie on several nodes, so no transaction holds them together. The order does: the session itself is
 * written last and removed first, so that every session there is stands in its indexes, and what a process that died in
 * between leaves behind names no session.
 */

/** From sign-in to the absolute end, whatever happens in between; a sign-in that renews a session keeps its beginning. */
export const SESSION_SECONDS = 8 * 3600

/**
 * For how long one process may be the only one to refresh a session. Longer than all its calls to the provider
 * together can take; when the process dies meanwhile, the next one goes on after it.
 */
export const REFRESH_LOCK_MS = 15_000

/** With fewer entries nobody looks which of a person's sessions are gone. */
const INDEX_TIDIED_FROM = 32

const SID_BYTES = 32
const SID = /^[A-Za-z0-9_-]{43}$/
/** 132 bits. */
const HANDLE_CHARACTERS = 22
/** Sessions that are read for a list; somebody who signs in by a script may have thousands. */
const MAX_LISTED = 200

const sessionSchema = z.object({
  issuer: z.string(),
  subject: z.string(),
  /** The provider's own id of its session, for sign-outs that begin there. */
  providerSid: z.string().nullable(),
  name: z.string(),
  claims: z.record(z.string(), z.unknown()).readonly(),
  /** Names of the claims that only an ID token carried. */
  idTokenOnly: z.array(z.string()).readonly(),
  idToken: z.string().nullable(),
  refreshToken: z.string().nullable(),
  accessToken: z.string().nullable(),
  /** When the provider last confirmed the claims. */
  checkedAtMs: z.number(),
  /**
   * What became of the last refresh if it did not confirm the claims: the provider gave no answer to rely on, or one that
   * does not settle every claim; null when it did confirm them.
   */
  refreshFault: z.enum(['unavailable', 'unsettled']).nullable(),
  /** Not before then is the provider asked again. */
  retryAtMs: z.number(),
  createdAtMs: z.number(),
  /** The address and the browser that signed in, as far as they were told. */
  address: z.string().optional(),
  browser: z.string().optional(),
})

export type SessionRecord = Readonly<z.output<typeof sessionSchema>>

export interface StoredSession extends SessionRecord {
  readonly lastSeenAtMs: number
}

const releaseLock = new Script('release-lock')

const sessionKey = (sid: string) => `session:${sid}`
const seenKey = (sid: string) => `session-seen:${sid}`
const renewalKey = (sid: string) => `session-renewal:${sid}`
const lockKey = (sid: string) => `session-lock:${sid}`

const subjectKey = (issuer: string, subject: string) => `sessions:subject:${issuer}|${subject}`
const providerKey = (issuer: string, providerSid: string) => `sessions:provider:${issuer}|${providerSid}`

/** A digest, since the provider chooses how long a `jti` is. */
function logoutTokenKey(issuer: string, jti: string): string {
  return `logout-token:${createHash('sha256').update(`${issuer}|${jti}`).digest('base64url')}`
}

/**
 * What names a session to people: a digest of its id, which alone would let them in. It does not change, leads back to
 * no id, and is looked up only among the sessions of one person.
 */
export function sessionHandle(sid: string): string {
  return createHash('sha256').update(`handle|${sid}`).digest('base64url').slice(0, HANDLE_CHARACTERS)
}

function indexKeys({ issuer, subject, providerSid }: SessionRecord): readonly string[] {
  const keys = [subjectKey(issuer, subject)]
  return providerSid === null ? keys : [...keys, providerKey(issuer, providerSid)]
}

/** Whether `text` can name a session; anything else never reaches a key. */
export function isSessionId(text: unknown): text is string {
  return typeof text === 'string' && SID.test(text)
}

/**
 * Stores a new session.
 * @returns its id, 256 random bits
 * @throws PortalError when Redis does not take it; then there is no session
 */
export async function createSession(redis: Redis, session: SessionRecord): Promise<string> {
  const sid = randomBytes(SID_BYTES).toString('base64url')
  // Before the index: an entry without this key and without a session is one to be tidied away.
  await answered(redis.set(seenKey(sid), String(session.checkedAtMs), 'EX', SESSION_SECONDS))
  await answered(
    Promise.all(
      indexKeys(session).map(async (key) => {
        await redis.sadd(key, sid)
        await redis.expire(key, SESSION_SECONDS, 'NX')
        await redis.expire(key, SESSION_SECONDS, 'GT')
      }),
    ),
  )
  await answered(tidyIndex(redis, subjectKey(session.issuer, session.subject)))
  await answered(redis.set(sessionKey(sid), JSON.stringify(session), 'EX', SESSION_SECONDS))
  const stands = await answered(Promise.all(indexKeys(session).map((key) => redis.sismember(key, sid))))
  if (!stands.includes(0)) return sid
  // All of them were ended while this one was made: it would be found by nobody who ends them again.
  await endSession(redis, sid)
  throw new PortalError('store_unavailable', {
    detail: 'Your sessions were ended while you signed in; sign in again.',
  })
}

/** Removes entries of sessions that expired, since tokens may keep the set itself for months. */
async function tidyIndex(redis: Redis, key: string): Promise<void> {
  if ((await redis.scard(key)) < INDEX_TIDIED_FROM) return
  for (const sid of await redis.smembers(key)) {
    const [seen, session] = await Promise.all([redis.exists(seenKey(sid)), redis.exists(sessionKey(sid))])
    if (seen === 0 && session === 0) await redis.srem(key, sid)
  }
}

/**
 * Keeps a session, and the ways to find it, until then at least; for the tokens that hold it.
 * @param session as it was read
 */
export async function keepSession(
  redis: Redis,
  sid: string,
  { session, untilMs }: { readonly session: SessionRecord; readonly untilMs: number },
): Promise<void> {
  const keys = [...indexKeys(session), seenKey(sid), sessionKey(sid)]
  for (const key of keys) await answered(extendExpiry(redis, key, untilMs))
}

/** @returns null when there is no such session, or none that can be read. */
export async function readSession(redis: Redis, sid: string): Promise<StoredSession | null> {
  if (!isSessionId(sid)) return null
  const [text, seen] = await answered(Promise.all([redis.get(sessionKey(sid)), redis.get(seenKey(sid))]))
  const session = parseSession(text)
  if (!session) return null
  const lastSeenAtMs = Number(seen ?? Number.NaN)
  return { ...session, lastSeenAtMs: Number.isFinite(lastSeenAtMs) ? lastSeenAtMs : session.createdAtMs }
}

/** @returns false when the session ended meanwhile; then nothing is written. The absolute end stays where it was. */
export async function replaceSession(redis: Redis, sid: string, session: SessionRecord): Promise<boolean> {
  // Parsing leaves out what is no part of the record, such as the time of the last request.
  const text = JSON.stringify(sessionSchema.parse(session))
  return isOk(await answered(evenWhenFull(redis, ['set', sessionKey(sid), text, 'KEEPTTL', 'XX'])))
}

export async function touchSession(redis: Redis, sid: string, seenAtMs: number): Promise<void> {
  await answered(evenWhenFull(redis, ['set', seenKey(sid), String(seenAtMs), 'KEEPTTL', 'XX']))
}

/**
 * Ends a session at once, everywhere, with the tokens made in it. Ending one that is not there does nothing.
 * @returns whether there was one
 */
export async function endSession(redis: Redis, sid: string): Promise<boolean> {
  if (!isSessionId(sid)) return false
  const session = parseSession(await answered(redis.get(sessionKey(sid))))
  const deleted = await answered(redis.del(sessionKey(sid)))
  const indexes = session ? indexKeys(session) : []
  await answered(
    Promise.all([
      redis.del(seenKey(sid)),
      redis.del(renewalKey(sid)),
      revokeTokensOf(redis, sid),
      ...indexes.map((key) => redis.srem(key, sid)),
    ]),
  )
  return deleted === 1
}

/** The sessions begun in one session at the provider, or all of a person. */
export type SessionsOf = { readonly issuer: string } & (
  | { readonly providerSid: string }
  | { readonly subject: string }
)

/** A person, as sessions know them. */
export interface Person {
  readonly issuer: string
  readonly subject: string
}

export interface ListedSession extends StoredSession {
  readonly handle: string
}

/** @returns a person's sessions that have not expired, in no order, and how many more may be there. */
export async function listSessionsOf(
  redis: Redis,
  { issuer, subject }: Person,
): Promise<{ sessions: readonly ListedSession[]; more: number }> {
  const sids = await answered(redis.smembers(subjectKey(issuer, subject)))
  const some = sids.slice(0, MAX_LISTED)
  const read = await Promise.all(
    some.map(async (sid) => {
      const session = await readSession(redis, sid)
      return session && { ...session, handle: sessionHandle(sid) }
    }),
  )
  return { sessions: read.filter((session) => session !== null), more: sids.length - some.length }
}

/**
 * Ends one of a person's sessions.
 * @returns whether there was one of that handle
 */
export async function endSessionOf(
  redis: Redis,
  { issuer, subject }: Person,
  handle: string,
): Promise<boolean> {
  const sids = await answered(redis.smembers(subjectKey(issuer, subject)))
  const sid = sids.find((one) => sessionHandle(one) === handle)
  return sid !== undefined && (await endSession(redis, sid))
}

/** The ids in the index, of which some may have expired. */
export async function sessionIdsOf(redis: Redis, whose: SessionsOf): Promise<string[]> {
  return answered(redis.smembers(indexKeyOf(whose)))
}

function indexKeyOf(whose: SessionsOf): string {
  return 'subject' in whose
    ? subjectKey(whose.issuer, whose.subject)
    : providerKey(whose.issuer, whose.providerSid)
}

/**
 * Ends several sessions at once.
 * @param options.except the handle of one that stays
 * @returns how many there were
 * @throws PortalError when Redis does not confirm that all of them ended; some may have
 */
export async function endSessionsOf(
  redis: Redis,
  whose: SessionsOf,
  { except }: { readonly except?: string | undefined } = {},
): Promise<number> {
  const key = indexKeyOf(whose)
  const all = await sessionIdsOf(redis, whose)
  const sids = all.filter((sid) => except === undefined || sessionHandle(sid) !== except)
  const ended = await Promise.all(sids.map((sid) => endSession(redis, sid)))
  // Entries of sessions that had expired are still there.
  if (sids.length > 0) await answered(redis.srem(key, ...sids))
  // One that was being made is written after it was looked for, and stands in no index now.
  const late = await Promise.all(sids.map((sid) => answered(redis.del(sessionKey(sid)))))
  return ended.filter((wasThere) => wasThere).length + late.filter((deleted) => deleted === 1).length
}

/** Whose sessions these are, by one that is there; null where none is. */
export async function personOf(
  redis: Redis,
  whose: SessionsOf,
): Promise<Pick<SessionRecord, 'issuer' | 'subject' | 'name'> | null> {
  for (const sid of await sessionIdsOf(redis, whose)) {
    const session = await readSession(redis, sid)
    if (session) return { issuer: session.issuer, subject: session.subject, name: session.name }
  }
  return null
}

/** @returns false when it was claimed before: a session is renewed by itself once at most. */
export async function claimSessionRenewal(redis: Redis, sid: string): Promise<boolean> {
  return (await answered(redis.set(renewalKey(sid), '1', 'EX', SESSION_SECONDS, 'NX'))) === 'OK'
}

export async function isSessionRenewalClaimed(redis: Redis, sid: string): Promise<boolean> {
  return (await answered(redis.exists(renewalKey(sid)))) === 1
}

export async function isLogoutTokenUsed(redis: Redis, issuer: string, jti: string): Promise<boolean> {
  return (await answered(redis.exists(logoutTokenKey(issuer, jti)))) === 1
}

export async function markLogoutTokenUsed(
  redis: Redis,
  { issuer, jti, ttlSeconds }: { readonly issuer: string; readonly jti: string; readonly ttlSeconds: number },
): Promise<void> {
  await answered(redis.set(logoutTokenKey(issuer, jti), '1', 'EX', ttlSeconds))
}

/** @returns the token to give the lock back with, or null when somebody else holds it. */
export async function takeRefreshLock(redis: Redis, sid: string): Promise<string | null> {
  const token = randomBytes(16).toString('base64url')
  const taken = await answered(evenWhenFull(redis, ['set', lockKey(sid), token, 'PX', REFRESH_LOCK_MS, 'NX']))
  return isOk(taken) ? token : null
}

export async function releaseRefreshLock(redis: Redis, sid: string, token: string): Promise<void> {
  await answered(releaseLock.run(redis, [lockKey(sid)], [token]))
}

export async function isRefreshLocked(redis: Redis, sid: string): Promise<boolean> {
  return (await answered(redis.exists(lockKey(sid)))) === 1
}

/** What goes on in a session is written also to a full Redis, which can still be read. The answer is that of a script. */
const isOk = (answer: unknown) => String(answer) === 'OK'

function parseSession(text: string | null): SessionRecord | null {
  if (text === null) return null
  try {
    return sessionSchema.safeParse(JSON.parse(text)).data ?? null
  } catch {
    // Not JSON: written by something else. Whoever holds that cookie signs in again.
    return null
  }
}
