import type { Redis } from 'ioredis'
import { z } from 'zod'
import { type CollectionId, parseCollectionId } from '../collection-id.ts'
import { evenWhenFull } from './even-when-full.ts'
import { answered } from './redis.ts'

/**
 * Tokens for programs. Of a token only its SHA-256 is kept, so that whoever reads the store cannot use one.
 *
 *     token:<digest>       JSON, below; expires with the token
 *     token-used:<digest>  milliseconds of the last use; expires with the token
 *     tokens:<sid>         sorted set of digests by the token's end in milliseconds; expires with the last of them
 *
 * A token names the session it was made in (`sessions.ts`) and holds nothing about the person that counts: without that
 * session it opens nothing. It is written last and removed first, so that each one there stands in the set of its session.
 */

/** A safeguard: more than a person keeps an overview of. */
export const MAX_TOKENS_EACH = 50

const collectionId = z.string().transform((text, context): CollectionId => {
  const id = parseCollectionId(text)
  if (id) return id
  context.issues.push({ code: 'custom', input: text, message: 'no id of a collection' })
  return z.NEVER
})

/** Ids that a token is narrowed to, or null for all that its owner may read. */
export const narrowedTo = z.array(collectionId).readonly().nullable()

const tokenSchema = z.object({
  sid: z.string(),
  issuer: z.string(),
  subject: z.string(),
  name: z.string(),
  collections: narrowedTo,
  createdAtMs: z.number(),
  expiresAtMs: z.number(),
  /** Where it was made: on the account page, or by a device that the person said yes to. */
  origin: z.enum(['account', 'device']),
})

export type TokenRecord = Readonly<z.output<typeof tokenSchema>>

export interface StoredToken extends TokenRecord {
  readonly digest: string
  /** Null for one that was never used. */
  readonly lastUsedAtMs: number | null
}

const tokenKey = (digest: string) => `token:${digest}`
const usedKey = (digest: string) => `token-used:${digest}`
const sessionTokensKey = (sid: string) => `tokens:${sid}`

const DIGEST = /^[A-Za-z0-9_-]{43}$/

/** Stores a new token. @throws PortalError when Redis does not take it; then there is no token */
export async function writeToken(redis: Redis, digest: string, token: TokenRecord): Promise<void> {
  await indexToken(redis, digest, token)
  await answered(redis.set(tokenKey(digest), JSON.stringify(token), 'PXAT', token.expiresAtMs))
}

/** @returns null when there is no such token, or none that can be read. */
export async function readToken(redis: Redis, digest: string): Promise<StoredToken | null> {
  if (!DIGEST.test(digest)) return null
  const [text, used] = await answered(Promise.all([redis.get(tokenKey(digest)), redis.get(usedKey(digest))]))
  const token = parseToken(text)
  return token && { ...token, digest, lastUsedAtMs: used === null ? null : Number(used) }
}

export async function touchToken(redis: Redis, token: StoredToken, usedAtMs: number): Promise<void> {
  await answered(
    evenWhenFull(redis, ['set', usedKey(token.digest), String(usedAtMs), 'PXAT', token.expiresAtMs]),
  )
}

/** The tokens of one session that have not expired. */
export async function tokensOf(redis: Redis, sid: string, nowMs: number): Promise<StoredToken[]> {
  const digests = await answered(redis.zrangebyscore(sessionTokensKey(sid), `(${nowMs}`, '+inf'))
  const tokens = await Promise.all(digests.map((digest) => readToken(redis, digest)))
  return tokens.filter((token): token is StoredToken => token !== null && token.expiresAtMs > nowMs)
}

/** Whether a session has tokens that have not expired; without reading them. */
export async function hasTokens(redis: Redis, sid: string, nowMs: number): Promise<boolean> {
  return (await answered(redis.zcount(sessionTokensKey(sid), `(${nowMs}`, '+inf'))) > 0
}

/** Takes a token back at once. Taking back one that is not there does nothing. */
export async function revokeToken(redis: Redis, token: StoredToken): Promise<void> {
  await answered(redis.del(tokenKey(token.digest)))
  await answered(
    Promise.all([redis.del(usedKey(token.digest)), redis.zrem(sessionTokensKey(token.sid), token.digest)]),
  )
}

/** Takes back all tokens of a session. */
export async function revokeTokensOf(redis: Redis, sid: string): Promise<void> {
  const digests = await answered(redis.zrange(sessionTokensKey(sid), '0', '-1'))
  await answered(Promise.all(digests.map((digest) => redis.del(tokenKey(digest)))))
  await answered(
    Promise.all([redis.del(sessionTokensKey(sid)), ...digests.map((digest) => redis.del(usedKey(digest)))]),
  )
}

/**
 * Gives the tokens of one session to another of the same person; those that were taken back meanwhile stay so.
 * @returns the end of the last of them, epoch milliseconds, or null when there were none
 */
export async function handOverTokens(
  redis: Redis,
  { from, to, nowMs }: { readonly from: string; readonly to: string; readonly nowMs: number },
): Promise<number | null> {
  let untilMs: number | null = null
  for (const { digest, lastUsedAtMs: _, ...token } of await tokensOf(redis, from, nowMs)) {
    await indexToken(redis, digest, { ...token, sid: to })
    const text = JSON.stringify({ ...token, sid: to })
    const isThere = (await answered(redis.set(tokenKey(digest), text, 'KEEPTTL', 'XX'))) === 'OK'
    await answered(redis.zrem(sessionTokensKey(from), digest))
    if (isThere) untilMs = Math.max(untilMs ?? 0, token.expiresAtMs)
    // Or it would keep the session alive.
    else await answered(redis.zrem(sessionTokensKey(to), digest))
  }
  return untilMs
}

async function indexToken(redis: Redis, digest: string, { sid, expiresAtMs }: TokenRecord): Promise<void> {
  const key = sessionTokensKey(sid)
  await answered(redis.zadd(key, expiresAtMs, digest))
  await answered(extendExpiry(redis, key, expiresAtMs))
}

/** Lets a key live until then at least. GT alone does nothing to a key that never expires, as a new one. */
export async function extendExpiry(redis: Redis, key: string, untilMs: number): Promise<void> {
  await redis.pexpireat(key, untilMs, 'NX')
  await redis.pexpireat(key, untilMs, 'GT')
}

function parseToken(text: string | null): TokenRecord | null {
  if (text === null) return null
  try {
    return tokenSchema.safeParse(JSON.parse(text)).data ?? null
  } catch {
    // Not JSON: written by something else, and no token.
    return null
  }
}
