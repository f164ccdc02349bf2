import { createHash, randomBytes } from 'node:crypto'
import type { CollectionId } from '../collection-id.ts'
import { PortalError } from '../errors.ts'
import {
  keepSession,
  readSession,
  SESSION_SECONDS,
  type SessionRecord,
  sessionIdsOf,
} from '../store/sessions.ts'
import {
  MAX_TOKENS_EACH,
  readToken,
  revokeToken,
  type StoredToken,
  type TokenRecord,
  tokensOf,
  touchToken,
  writeToken,
} from '../store/tokens.ts'
import { confirmedSession, currentSession, isRefreshable, type Session, type SessionDeps } from './current.ts'
import { readSessionCookie } from './session-cookie.ts'

/**
 * Tokens for curl and scripts: `prt_` and 256 random bits. A token belongs to the session it was made in and is judged by
 * that session's claims, as fresh as those of a browser, so it never opens more than its owner may read at that moment. It
 * ends with the session, whoever ends it, and it does not keep the browser's part of the session alive.
 */

const PREFIX = 'prt_'
const TOKEN = /^prt_[A-Za-z0-9_-]{43}$/
const TOKEN_BYTES = 32
const DAY_MS = 24 * 3_600_000
export const MAX_TOKEN_DAYS = 90
export const MAX_NAME_CHARACTERS = 64
/** How often the time of the last use is written. */
const TOUCH_INTERVAL_MS = 60_000

const NAME = new RegExp(`^[^\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}]{1,${MAX_NAME_CHARACTERS}}$`, 'u')

export const NAME_TAKEN = `takes 1 to ${MAX_NAME_CHARACTERS} characters in one line`

/** @returns the name as it is kept, or null for one that is not taken */
export function tokenName(text: string): string | null {
  const name = text.trim()
  return NAME.test(name) ? name : null
}

/** @returns whole days, or null for anything but 1 to {@link MAX_TOKEN_DAYS} */
export function tokenDays(text: string): number | null {
  const days = /^[1-9][0-9]?$/.test(text) ? Number(text) : 0
  return days >= 1 && days <= MAX_TOKEN_DAYS ? days : null
}

/**
 * The token of an `Authorization` header.
 * @returns null when the header is not there or of another scheme; the empty text for a bearer without a token
 */
export function bearerToken(authorization: string | null): string | null {
  const match = /^\s*bearer(?![\w-])(.*)$/is.exec(authorization ?? '')
  return match ? (match[1] ?? '').trim() : null
}

export interface NewToken {
  readonly name: string
  /** Ids that it is narrowed to, or null for all that its owner may read. */
  readonly collections: readonly CollectionId[] | null
  readonly days: number
  readonly origin: TokenRecord['origin']
}

export interface IssuedToken {
  /** In plain, here and never again. */
  readonly token: string
  /** Earlier than asked for where the session cannot be kept that long. */
  readonly expiresAtMs: number
  readonly name: string
  /** Its owner. */
  readonly person: Pick<Session, 'issuer' | 'subject' | 'name'>
}

/** The session that a browser holds, for the tokens that are made in it. */
export interface TokenHolder {
  readonly sid: string
  readonly session: Session
  /** When every token made in it is over, epoch milliseconds; null where the provider lets it be kept as long as asked. */
  readonly endMs: number | null
}

type Deps = Pick<SessionDeps, 'redis' | 'now'>

/**
 * @returns null for somebody who is not signed in
 * @throws PortalError as `currentSession`
 */
export async function tokenHolder(
  cookieValue: string | undefined,
  deps: SessionDeps,
): Promise<TokenHolder | null> {
  const session = await currentSession(cookieValue, deps)
  const cookie = await readSessionCookie(cookieValue, deps.secret)
  const stored = session && cookie && (await readSession(deps.redis, cookie.sid))
  return stored ? { sid: cookie.sid, session, endMs: tokenEndMs(stored) } : null
}

/** Without a refresh token, claims are renewed by signing in alone, and that only up to the session's absolute end. */
function tokenEndMs(session: SessionRecord): number | null {
  return !isRefreshable(session) ? session.createdAtMs + SESSION_SECONDS * 1000 : null
}

/**
 * Makes a token in a session.
 * @returns null when that session has ended
 * @throws PortalError `bad_parameter` when the person has as many as there may be, or when Redis does not take it
 */
export async function issueToken(sid: string, asked: NewToken, deps: Deps): Promise<IssuedToken | null> {
  const { redis, now } = deps
  const session = await readSession(redis, sid)
  if (!session) return null
  const { issuer, subject } = session
  if ((await listTokens({ issuer, subject }, deps)).length >= MAX_TOKENS_EACH)
    throw new PortalError('bad_parameter', {
      detail: `There are ${MAX_TOKENS_EACH} tokens of yours already; revoke one first.`,
    })
  const createdAtMs = now()
  const { name, collections, days, origin } = asked
  const expiresAtMs = Math.min(createdAtMs + days * DAY_MS, tokenEndMs(session) ?? Number.POSITIVE_INFINITY)
  const token = PREFIX + randomBytes(TOKEN_BYTES).toString('base64url')
  await keepSession(redis, sid, { session, untilMs: expiresAtMs })
  await writeToken(redis, tokenDigest(token), {
    sid,
    issuer,
    subject,
    name,
    collections,
    createdAtMs,
    expiresAtMs,
    origin,
  })
  return { token, expiresAtMs, name, person: { issuer, subject, name: session.name } }
}

/** The tokens of a person that have not expired, the newest first. */
export async function listTokens(
  person: { readonly issuer: string; readonly subject: string },
  { redis, now }: Deps,
): Promise<StoredToken[]> {
  const { issuer, subject } = person
  const sids = await sessionIdsOf(redis, { issuer, subject })
  const tokens = await Promise.all(sids.map((sid) => tokensOf(redis, sid, now())))
  return tokens.flat().sort((a, b) => b.createdAtMs - a.createdAtMs || (a.digest < b.digest ? -1 : 1))
}

/**
 * Takes back a token of this person, by its digest.
 * @returns it as it was, or null when they have none such
 */
export async function revokeOwnToken(
  digest: string,
  person: { readonly issuer: string; readonly subject: string },
  { redis }: Pick<Deps, 'redis'>,
): Promise<StoredToken | null> {
  const token = await readToken(redis, digest)
  if (token?.issuer !== person.issuer || token.subject !== person.subject) return null
  await revokeToken(redis, token)
  return token
}

export interface TokenUse {
  /** Of the session that the token was made in. */
  readonly sid: string
  readonly session: Session
  readonly name: string
  /** Ids that it is narrowed to, or null for all that its owner may read. */
  readonly collections: readonly CollectionId[] | null
}

/**
 * Who comes with this token, and what it is narrowed to.
 * @param text whatever stood in the header; what is not of a token's form never reaches the store
 * @returns null alike for a text that is no token, one that nobody has, and one that expired or was taken back, or whose
 * session ended or can be renewed by signing in alone
 * @throws PortalError as `currentSession`
 */
export async function tokenUse(text: string, deps: SessionDeps): Promise<TokenUse | null> {
  const digest = tokenDigest(text)
  const token = TOKEN.test(text) ? await readToken(deps.redis, digest) : null
  if (!token || token.expiresAtMs <= deps.now()) return null
  const stored = await readSession(deps.redis, token.sid)
  if (stored?.issuer !== token.issuer || stored.subject !== token.subject) return null
  const session = await confirmedSession(token.sid, stored, deps)
  if (!session) return null
  if (deps.now() - (token.lastUsedAtMs ?? 0) >= TOUCH_INTERVAL_MS)
    await touchToken(deps.redis, token, deps.now())
  return { sid: token.sid, session, name: token.name, collections: token.collections }
}

function tokenDigest(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}
