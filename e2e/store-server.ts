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
import { mastersOf } from '../lib/store/redis-client.ts'
import { secondOfMicros } from '../lib/store/score.ts'
import { type RedisServer, startRedisServer } from './demo/redis-server.ts'
import { startRedisCluster } from './redis-cluster.ts'
import { startRedisSentinel } from './redis-sentinel.ts'

/**
 * A real Redis of the test file's own, and the few ways in which store tests fill it. One server, unless the environment's
 * STORE says `cluster` or `sentinel`: the same tests then run on such a store (see `run-tests.ts`).
 */

export interface StoreServer {
  /** Of a cluster or a sentinel's master the URL names the whole; `process` and `port` are those of one master. */
  readonly server: RedisServer
  readonly redis: Redis
}

/** Starts the kind of store that the tests run on. */
export async function startStoreServer(): Promise<RedisServer> {
  const kind = process.env.STORE ?? 'one'
  if (kind === 'cluster') {
    const cluster = await startRedisCluster()
    const [first] = cluster.nodes
    if (!first) throw new Error('a cluster without nodes')
    return { ...first, url: cluster.url, stop: cluster.stop }
  }
  if (kind === 'sentinel') {
    const { url, master, stop } = await startRedisSentinel()
    return { ...master, url, stop }
  }
  if (kind !== 'one') throw new Error(`STORE=${kind}: takes one, cluster or sentinel`)
  return startRedisServer({})
}

/** The keys that match, wherever they lie. */
export async function keysOf(redis: Redis, pattern: string): Promise<string[]> {
  return (await Promise.all(mastersOf(redis).map((node) => node.keys(pattern)))).flat()
}

/** How often a command was carried out since the servers started, also within scripts, on all of them. */
export async function callsOf(redis: Redis, command: string): Promise<number> {
  const stats = await Promise.all(mastersOf(redis).map((node) => node.info('commandstats')))
  const calls = stats.map((text) => new RegExp(`^cmdstat_${command}:calls=(\\d+)`, 'm').exec(text)?.[1])
  return calls.reduce((sum, count) => sum + Number(count ?? 0), 0)
}

/** Starts a Redis before the file's tests and ends it after them; `current()` is for use within a test. */
export function openStoreServer(): { current: () => StoreServer } {
  let store: StoreServer | null = null
  before(async () => {
    const server = await startStoreServer()
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

/** The grant of somebody who sees no whole address, made as the portal makes it. */
export function maskedGrant(id: string) {
  const rules = `[{ group: /masked, collections: [${id}], maskAddresses: true }]`
  const { collections } = decideAccess({ groups: ['/masked'] }, parseAccessFile(`rules: ${rules}`))
  const grant = collections.get(collectionId(id))
  if (!grant) throw new Error('no grant')
  return grant
}

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
