import type { Redis } from 'ioredis'
import { type AdminGrant, assertAdminGrant } from '../access/decide.ts'
import { answered } from './redis.ts'
import { mastersOf } from './redis-client.ts'
import { endSessionsOf, type Person, readSession, type StoredSession } from './sessions.ts'

/**
 * Who is signed in, for admins. The people are found by the names of the sets that lead to their sessions
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
  /** Sessions alive. */
  readonly sessions: number
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
      const sessions = await Promise.all(some.map((sid) => readSession(redis, sid)))
      const alive = sessions.filter((one): one is StoredSession => one !== null && isAlive(one, options))
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

function isAlive(session: StoredSession, options: { nowMs: number; idleSeconds: number }): boolean {
  return options.nowMs - session.lastSeenAtMs < options.idleSeconds * 1000
}

function signedIn(key: string, alive: readonly StoredSession[]): SignedIn | null {
  const [newest] = alive.toSorted((a, b) => b.checkedAtMs - a.checkedAtMs)
  if (!newest) return null
  const { issuer, subject, name, claims, checkedAtMs } = newest
  return { key, issuer, subject, name, claims, checkedAtMs, sessions: alive.length }
}
