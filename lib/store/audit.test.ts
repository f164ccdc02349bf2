import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adminGrant, callsOf, collectionId, openStoreServer, readGrant } from '../../e2e/store-server.ts'
import { type AuditEvent, auditEntry } from '../audit/entry.ts'
import { type AuditPage, appendAudit, MOST_LOOKED, readAudit, readCollectionAudit } from './audit.ts'
import { AUDIT_KEY, collectionAuditKey } from './keys.ts'
import { mastersOf } from './redis-client.ts'

const servers = openStoreServer()
const DAY_MS = 86_400_000
const KEEP_DAYS = 365
const owner = { issuer: 'https://sso.foo.com', subject: 'hr-owner', name: 'HR owner' }

const view = (id: string, lines: number): AuditEvent => ({
  action: 'view',
  person: owner,
  collection: collectionId(id),
  lines,
})

async function append(event: AuditEvent): Promise<void> {
  await appendAudit(servers.current().redis, auditEntry(event, Date.now()), KEEP_DAYS)
}

const asked = (more: object = {}) => ({
  before: null,
  limit: 100,
  keepDays: KEEP_DAYS,
  nowMs: Date.now(),
  ...more,
})

const linesOf = ({ entries }: AuditPage) => entries.map(({ entry }) => entry.lines)

async function clear(...ids: string[]): Promise<void> {
  const { redis } = servers.current()
  for (const key of [AUDIT_KEY, ...ids.map((id) => collectionAuditKey(collectionId(id)))])
    await redis.del(key)
}

test('an owner reads the entries of their collection and no other, an admin all, the newest first', async () => {
  const { redis } = servers.current()
  await clear('1', '2')
  await append(view('1', 10))
  await append(view('2', 20))
  await append({ action: 'sign-in', person: owner })
  await append(view('1', 11))
  assert.deepEqual(linesOf(await readCollectionAudit(redis, readGrant('1'), asked())), [11, 10])
  assert.deepEqual(linesOf(await readCollectionAudit(redis, readGrant('2'), asked())), [20])
  assert.deepEqual(linesOf(await readCollectionAudit(redis, readGrant('3'), asked())), [])
  assert.deepEqual(linesOf(await readAudit(redis, adminGrant(), asked())), [11, null, 20, 10])
})

test('a refusal is for admins alone, and no key is named after the collection that was asked for', async () => {
  const { redis } = servers.current()
  await clear('4')
  await append({ action: 'denied', person: owner, collection: collectionId('4') })
  assert.equal(await redis.exists(collectionAuditKey(collectionId('4'))), 0)
  const [one] = (await readAudit(redis, adminGrant(), asked())).entries
  assert.deepEqual([one?.entry.action, one?.entry.collection], ['denied', '4'])
})

test('pages follow each other by the id of their last entry, and entries that come meanwhile move none', async () => {
  const { redis } = servers.current()
  await clear('5')
  for (let n = 0; n < 7; n++) await append(view('5', n))
  const read = (before: string | null) =>
    readCollectionAudit(redis, readGrant('5'), asked({ before, limit: 3 }))
  const first = await read(null)
  assert.deepEqual(linesOf(first), [6, 5, 4])
  await append(view('5', 7))
  const second = await read(first.older)
  assert.deepEqual(linesOf(second), [3, 2, 1])
  const third = await read(second.older)
  assert.deepEqual([linesOf(third), third.older], [[0], null])
  const exact = await readCollectionAudit(redis, readGrant('5'), asked({ limit: 8 }))
  assert.deepEqual([exact.entries.length, exact.older], [8, null])
})

test('entries that match are looked for as far as one page may, and the next one goes on from there', async () => {
  const { redis } = servers.current()
  await clear('6')
  const key = collectionAuditKey(collectionId('6'))
  await append(view('6', 1))
  const filler = redis.pipeline()
  for (let n = 0; n < MOST_LOOKED + 500; n++) filler.xadd(key, '*', 'no', 'entry')
  await filler.exec()
  await append(view('6', 2))
  const matches = ({ lines }: { lines: number | null }) => lines !== null
  const first = await readCollectionAudit(redis, readGrant('6'), asked({ matches }))
  assert.deepEqual([linesOf(first), first.looked, first.unreadable], [[2], MOST_LOOKED, MOST_LOOKED - 1])
  const second = await readCollectionAudit(redis, readGrant('6'), asked({ matches, before: first.older }))
  assert.deepEqual([linesOf(second), second.unreadable, second.older], [[1], 501, null])
})

test('what is older than it is kept for is not shown, and goes when something is written', async () => {
  const { redis } = servers.current()
  await clear('7')
  const key = collectionAuditKey(collectionId('7'))
  const old = Date.now() - (KEEP_DAYS + 1) * DAY_MS
  const fields = ['at', '1', 'action', 'view'] as const
  // Two of the stream's nodes, of which the first is old altogether.
  for (let n = 0; n < 150; n++) await redis.xadd(key, `${old + n}-0`, ...fields)
  assert.deepEqual((await readCollectionAudit(redis, readGrant('7'), asked())).entries, [])
  await append(view('7', 1))
  assert.deepEqual(linesOf(await readCollectionAudit(redis, readGrant('7'), asked())), [1])
  assert.equal(await redis.xlen(key), 51)
  assert.ok(Math.abs((await redis.pttl(key)) - KEEP_DAYS * DAY_MS) < 60_000)
})

test('a full Redis takes an entry', async () => {
  const { redis } = servers.current()
  await clear('8')
  const full = (limit: string) =>
    Promise.all(mastersOf(redis).map((node) => node.config('SET', 'maxmemory', limit)))
  await full('1')
  try {
    await assert.rejects(redis.set('x', '1'), /OOM/)
    await append(view('8', 1))
  } finally {
    await full('0')
  }
  assert.deepEqual(linesOf(await readCollectionAudit(redis, readGrant('8'), asked())), [1])
})

test('only a grant reads: what looks like one is refused before Redis is asked', async () => {
  const { redis } = servers.current()
  const before = await callsOf(redis, 'xrevrange')
  // @ts-expect-error A grant made elsewhere does not compile either.
  await assert.rejects(readCollectionAudit(redis, { collection: '1', masked: false }, asked()), TypeError)
  // @ts-expect-error
  await assert.rejects(readAudit(redis, {}, asked()), TypeError)
  // @ts-expect-error The right to read one collection is none to see what everybody does.
  await assert.rejects(readAudit(redis, readGrant('1'), asked()), TypeError)
  // @ts-expect-error An admin sees the entries of a collection among all.
  await assert.rejects(readCollectionAudit(redis, adminGrant(), asked()), TypeError)
  assert.equal(await callsOf(redis, 'xrevrange'), before)
  assert.ok(await readAudit(redis, adminGrant(), asked()))
})
