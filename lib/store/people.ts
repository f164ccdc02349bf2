import type { Redis } from 'ioredis'
import { type AdminGrant, assertAdminGrant } from '../access/decide.ts'
import { answered } from './redis.ts'
import { mastersOf } from './redis-client.ts'
import { endSessionsOf, type Person, readSession, SESSION_SECONDS, type StoredSession } from './sessions.ts'
import { tokensOf } from './tokens.ts'

/**
 * Who is signed in or has tokens, for admins. The people are found by the names of the sets that lead to their sessions
 * (`sessions.ts`), with SCAN, since nothing else lists them: it passes every key of the store, so it goes so far and says
 * when that was not all.
 */

export interface SignedIn extends Person {
  /** `<issuer>|<subject>`, which is how a person is known. */
  readonly key: string
  /** To show. */
  readonly name: string
  /** Of the session whose claims were confirmed last. */
  readonly claims: Readonly<Record<string, unknown>>
  /** When the provider last confirmed them, epoch milliseconds. */
  readonly checkedAtMs: number
  /** Sessions that a browser holds; none where only tokens go on. */
  readonly sessions: number
  readonly tokens: number
}

export interface People {
  /** By name, then key. */
  readonly people: readonly SignedIn[]
  /** Whether there may be more. */
  readonly isCut: boolean
}

const SUBJECT_SETS = 'sessions:subject:'
/** More do not fit on a page that is read. */
const MAX_PEOPLE = 200
const MAX_SESSIONS_EACH = 50
const KEYS_A_STEP = 1_000
/** Of one server; to pass 300,000 keys takes about a fifth of a second. */
const MAX_STEPS = 300

/**
 * @param options.idleSeconds after which an unused session is over
 * @throws PortalError when Redis does not answer
 */
export async function listPeople(
  redis: Redis,
  grant: AdminGrant,
  options: { nowMs: number; idleSeconds: number },
): Promise<People> {
  assertAdminGrant(grant)
  const { keys, isCut } = await answered(subjectKeys(redis))
  const found = await Promise.all(
    keys.slice(0, MAX_PEOPLE).map(async (key) => {
      const sids = await answered(redis.smembers(`${SUBJECT_SETS}${key}`))
      const some = sids.slice(0, MAX_SESSIONS_EACH)
      const looked = await Promise.all(some.map((sid) => look(redis, sid, options)))
      const alive = looked.filter((one) => one !== null)
      return { person: signedIn(key, alive), isCut: some.length < sids.length }
    }),
  )
  return {
    people: found
      .flatMap(({ person }) => person ?? [])
      .sort((a, b) => a.name.localeCompare(b.name, 'en') || (a.key < b.key ? -1 : 1)),
    isCut: isCut || keys.length > MAX_PEOPLE || found.some((one) => one.isCut),
  }
}

/**
 * Ends all sessions of a person, whoever that is.
 * @returns how many there were
 * @throws PortalError when Redis does not confirm that all of them ended; some may have
 */
export function endSessionsOfPerson(redis: Redis, grant: AdminGrant, person: Person): Promise<number> {
  assertAdminGrant(grant)
  return endSessionsOf(redis, { issuer: person.issuer, subject: person.subject })
}

/** Errors of the client pass through. */
async function subjectKeys(redis: Redis): Promise<{ keys: string[]; isCut: boolean }> {
  const keys = new Set<string>()
  let isCut = false
  for (const node of mastersOf(redis)) {
    let cursor = '0'
    let steps = 0
    do {
      const [next, some] = await node.scan(cursor, 'MATCH', `${SUBJECT_SETS}*`, 'COUNT', KEYS_A_STEP)
      for (const key of some) keys.add(key.slice(SUBJECT_SETS.length))
      cursor = next
      steps++
    } while (cursor !== '0' && steps < MAX_STEPS && keys.size <= MAX_PEOPLE)
    if (cursor !== '0') isCut = true
  }
  return { keys: [...keys].sort(), isCut }
}

interface Alive {
  readonly session: StoredSession
  readonly isInBrowser: boolean
  readonly tokens: number
}

/** @returns null for a session that opens nothing any more. */
async function look(
  redis: Redis,
  sid: string,
  { nowMs, idleSeconds }: { nowMs: number; idleSeconds: number },
): Promise<Alive | null> {
  const [session, { length: tokens }] = await Promise.all([
    readSession(redis, sid),
    tokensOf(redis, sid, nowMs),
  ])
  if (!session) return null
  const isInBrowser =
    nowMs - session.lastSeenAtMs < idleSeconds * 1000 && nowMs - session.createdAtMs < SESSION_SECONDS * 1000
  return isInBrowser || tokens > 0 ? { session, isInBrowser, tokens } : null
}

function signedIn(key: string, alive: readonly Alive[]): SignedIn | null {
  const [newest] = alive.toSorted((a, b) => b.session.checkedAtMs - a.session.checkedAtMs)
  if (!newest) return null
  const { issuer, subject, name, claims, checkedAtMs } = newest.session
  const sessions = alive.filter(({ isInBrowser }) => isInBrowser).length
  const tokens = alive.reduce((sum, one) => sum + one.tokens, 0)
  return { key, issuer, subject, name, claims, checkedAtMs, sessions, tokens }
}
