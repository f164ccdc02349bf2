import { after, before } from 'node:test'
import type { Redis } from 'ioredis'
import { parseAccessFile } from '../lib/access/access-file.ts'
import { decideAccess, grantOperator } from '../lib/access/decide.ts'
import { type CollectionId, parseCollectionId } from '../lib/collection-id.ts'
import { encodeMember } from '../lib/line/member.ts'
import { type AppendOutcome, appendLines } from '../lib/store/append.ts'
import { utcDay } from '../lib/store/keys.ts'
import { PackedLines } from '../lib/store/packed-lines.ts'
import { connectRedis, whenReady } from '../lib/store/redis.ts'
import { secondOfMicros } from '../lib/store/score.ts'
import { type RedisServer, startRedisServer } from './demo/redis-server.ts'

/** A real Redis of the test file's own, and the few ways in which store tests fill it. */

export interface StoreServer {
  readonly server: RedisServer
  readonly redis: Redis
}

/** Starts a Redis before the file's tests and ends it after them; `current()` is for use within a test. */
export function openStoreServer(): { current: () => StoreServer } {
  let store: StoreServer | null = null
  before(async () => {
    const server = await startRedisServer({})
    const redis = connectRedis({ url: server.url })
    if (!(await whenReady(redis, 10_000))) throw new Error('the test Redis did not answer')
    store = { server, redis }
  })
  after(async () => {
    store?.redis.disconnect()
    await store?.server.stop()
  })
  return {
    current: () => {
      if (!store) throw new Error('not started yet')
      return store
    },
  }
}

export function collectionId(text: string): CollectionId {
  const id = parseCollectionId(text)
  if (!id) throw new Error(`${text} is no id`)
  return id
}

export const readGrant = (id: string) => grantOperator(collectionId(id))

/** The grant of an admin, made as the portal makes it. */
export function adminGrant() {
  const { admin } = decideAccess(
    { groups: ['/logs/admins'] },
    parseAccessFile('{ admins: [/logs/admins], rules: [] }'),
  )
  if (!admin) throw new Error('no admin grant')
  return admin
}

export interface TestLine {
  readonly line: Buffer | string
  readonly micros: number
  readonly ordinal?: number
}

/** Packs lines of one source as ingest does: a group for each UTC day. */
export function packLines(id: string, source: string, lines: readonly TestLine[]): PackedLines[] {
  const groups = new Map<string, PackedLines>()
  for (const { line, micros, ordinal = 0 } of lines) {
    const day = utcDay(secondOfMicros(micros))
    const group = groups.get(day) ?? new PackedLines(collectionId(id), source, day)
    groups.set(day, group)
    const member = encodeMember(Buffer.from(line), source, ordinal)
    group.add({ from: member, start: 0, end: member.length, tag: '', micros, statusClass: 2 })
  }
  return [...groups.values()]
}

/** Appends and expects the connection to hold. */
export async function store(redis: Redis, groups: readonly PackedLines[]): Promise<AppendOutcome> {
  const outcome: AppendOutcome = { stored: 0, duplicates: 0, refused: [] }
  const { error } = await appendLines(redis, groups, outcome)
  if (error) throw error
  return outcome
}
