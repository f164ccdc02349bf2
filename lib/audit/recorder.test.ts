import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adminGrant, collectionId, openStoreServer, readGrant } from '../../e2e/store-server.ts'
import { readAudit, readCollectionAudit } from '../store/audit.ts'
import { AUDIT_KEY } from '../store/keys.ts'
import { connectRedis, whenReady } from '../store/redis.ts'
import { createAuditRecorder } from './recorder.ts'

const servers = openStoreServer()
const person = { issuer: 'https://sso.foo.com', subject: 'hr-owner', name: 'HR owner' }
const asked = { before: null, limit: 200, keepDays: 365, nowMs: Date.now() + 3_600_000 }

function openRecorder(redis = servers.current().redis) {
  const printed: Record<string, unknown>[] = []
  const logged: string[] = []
  const works: (() => void)[] = []
  const recorder = createAuditRecorder({
    redis,
    keepDays: 365,
    print: (line) => printed.push(JSON.parse(line)),
    log: (line) => logged.push(line),
    later: (work) => works.push(work),
  })
  const endHour = () => {
    for (const work of works.splice(0)) work()
  }
  return { recorder, printed, logged, endHour }
}

async function actionsKept(): Promise<string[]> {
  const { entries } = await readAudit(servers.current().redis, adminGrant(), asked)
  return entries.map(({ entry }) => `${entry.action} ${entry.detail}`.trim())
}

test('an entry is one line at once and one entry in Redis, which the portal finds after it started anew', async () => {
  const { server } = servers.current()
  const before = connectRedis({ url: server.url })
  assert.ok(await whenReady(before, 5_000))
  const { recorder, printed, logged } = openRecorder(before)
  const written = recorder.record({ action: 'view', person, collection: collectionId('1'), lines: 3 })
  assert.deepEqual([printed[0]?.audit, printed[0]?.lines, printed.length], ['view', 3, 1])
  await written
  before.disconnect()
  const after = connectRedis({ url: server.url })
  assert.ok(await whenReady(after, 5_000))
  const { entries } = await readCollectionAudit(after, readGrant('1'), asked)
  after.disconnect()
  assert.deepEqual(
    entries.map(({ entry }) => [entry.name, entry.lines, new Date(entry.atMs).toISOString()]),
    [['HR owner', 3, printed[0]?.time]],
  )
  assert.deepEqual(logged, [])
})

test('what Redis does not take is printed all the same, said in the log, and fails nobody', async () => {
  const away = connectRedis({ url: 'redis://127.0.0.1:1' })
  const { recorder, printed, logged } = openRecorder(away)
  await recorder.record({ action: 'policy reload', detail: 'a new version is in force' })
  away.disconnect()
  assert.deepEqual(
    printed.map(({ audit, detail }) => [audit, detail]),
    [['policy reload', 'a new version is in force']],
  )
  assert.deepEqual(logged, [
    'audit: Redis did not take the entry of a policy reload (store_unavailable); it stands on standard output',
  ])
})

test('a flood of refusals leaves a few entries and their number, and nobody else’s is lost for it', async () => {
  await servers.current().redis.del(AUDIT_KEY)
  const { recorder, printed, endHour } = openRecorder()
  const collection = collectionId('2')
  for (let n = 0; n < 1_000; n++) await recorder.record({ action: 'denied', person, collection })
  const other = { ...person, subject: 'web-owner', name: 'Web owner' }
  await recorder.record({ action: 'denied', person: other, collection })
  endHour()
  await recorder.record({ action: 'view', person })
  assert.equal(printed.length, 23)
  assert.equal(printed[19]?.detail, 'more within the hour are only counted')
  assert.deepEqual([printed[20]?.name, printed[20]?.detail], ['Web owner', null])
  const { audit, name, collection: held, detail } = printed[21] ?? {}
  assert.deepEqual(
    [audit, name, held, detail],
    ['denied', 'HR owner', null, '980 more within an hour, not listed one by one'],
  )
  assert.equal((await actionsKept()).length, 23)
})

test('a flood of refused sign-ins is bounded by address and in all, and sign-ins that succeed are not counted', async () => {
  await servers.current().redis.del(AUDIT_KEY)
  const { recorder, endHour } = openRecorder()
  for (let n = 0; n < 100; n++)
    await recorder.record({ action: 'sign-in', address: `192.0.2.${n % 50}`, detail: 'refused: denied' })
  for (let n = 0; n < 50; n++) await recorder.record({ action: 'sign-in', person })
  endHour()
  await recorder.record({ action: 'sign-out', person })
  const kept = await actionsKept()
  assert.equal(kept.filter((one) => one === 'sign-in').length, 50)
  const others = kept.find((one) => one.includes('from other addresses'))
  assert.equal(others, 'sign-in refused: 60 more from other addresses within an hour, not listed one by one')
  const each = kept.filter((one) => /^sign-in refused: denied$/.test(one)).length
  const held = kept.flatMap((one) => /refused: ([0-9]+) more/.exec(one)?.[1] ?? []).map(Number)
  assert.equal(each + held.reduce((sum, count) => sum + count, 0), 100)
  assert.ok(kept.length <= 50 + 30 + 21 + 1)
})

test('whoever reloads a page all day pushes nothing out: past a thousand an hour views are printed, and counted', async () => {
  await servers.current().redis.del(AUDIT_KEY)
  const { recorder, printed, endHour } = openRecorder()
  const view = (id: string) => recorder.record({ action: 'view', person, collection: collectionId(id) })
  for (let n = 0; n < 1_200; n++) await view('3')
  await view('4')
  assert.equal(printed.length, 1_201)
  endHour()
  await recorder.record({ action: 'sign-out', person })
  const { entries } = await readAudit(servers.current().redis, adminGrant(), { ...asked, limit: 2_000 })
  assert.equal(entries.length, 1_000 + 1 + 2)
  const { entry } = entries.find((one) => one.entry.detail.includes('200 more')) ?? {}
  assert.equal(entry?.detail, '200 more within an hour, on standard output alone')
  assert.equal(entry?.collection, '3')
})
