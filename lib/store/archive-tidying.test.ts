import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { NOON, NOW, openArchiving, textOf } from '../../e2e/archiving.ts'
import { DAY, filesBelow, standing, zcat } from '../../e2e/retention.ts'
import { collectionId } from '../../e2e/store-server.ts'
import { archivingKey } from './keys.ts'
import { applyRetention } from './retention.ts'

/** What a removal that was cut short leaves behind, and what becomes of it. */

const { servers, newFolder, retain, retainAndDie, fill } = openArchiving()

test('killed between archive and removal, all lines still stand; the next run archives each once', async () => {
  const { redis } = servers.current()
  const folder = newFolder('3')
  const { old, fresh } = await fill('3')
  retainAndDie('3', folder, 'archive written')
  assert.equal(filesBelow(folder).length, 1)
  assert.equal((await standing(redis, '3')).length, old.length + fresh.length)
  const outcome = await retain('3', folder)
  assert.equal(outcome.lines, old.length)
  assert.equal(outcome.notes.length, 1)
  assert.match(
    outcome.notes[0] ?? '',
    /^A removal from collection 3 was cut short; its archive 3\/2025\/11\/21\/.* was deleted/,
  )
  assert.equal(zcat(folder), textOf(old))
  assert.equal((await standing(redis, '3')).length, fresh.length)
  assert.equal(await redis.exists(archivingKey(collectionId('3'))), 0)
})

test('killed between removal and what follows, the archive stands and holds what is gone', async () => {
  const { redis } = servers.current()
  const folder = newFolder('4')
  const { old, fresh } = await fill('4')
  retainAndDie('4', folder, 'after removal')
  assert.equal((await standing(redis, '4')).length, old.length + fresh.length - 50)
  assert.equal(zcat(folder), textOf(old.slice(0, 50)))
  assert.deepEqual((await retain('4', folder)).notes, [])
  assert.equal(zcat(folder), textOf(old))
  assert.equal((await standing(redis, '4')).length, fresh.length)
})

test('what was half written when its writer died is deleted as well', async () => {
  const { redis } = servers.current()
  const folder = newFolder('15')
  await fill('15')
  const path = `15/2025/11/21/${NOON - 2 * DAY}-half.log.gz`
  mkdirSync(join(folder, '15/2025/11/21'), { recursive: true })
  writeFileSync(join(folder, `${path}.part`), 'half')
  await redis.hset(archivingKey(collectionId('15')), 'half', `open ${path}`)
  const { lines, notes } = await retain('15', folder)
  assert.deepEqual([lines > 0, notes.length], [true, 1])
  assert.ok(filesBelow(folder).every((file) => !file.includes('half')))
})

test('a removal that was cut short is tidied also where nothing is to be removed, or the archive is off by now', async () => {
  const { redis } = servers.current()
  const folder = newFolder('11')
  const collection = collectionId('11')
  await fill('11')
  retainAndDie('11', folder, 'archive written')
  const tidy = (archiveDir: string | null) =>
    applyRetention({ redis, collection, nowSeconds: NOW, retentionDays: null, archiveDir })
  const [note] = (await tidy(folder)).notes
  assert.match(note ?? '', /was deleted/)
  assert.deepEqual(filesBelow(folder), [])
  retainAndDie('11', folder, 'archive written')
  const [other] = (await tidy(null)).notes
  assert.match(other ?? '', /may hold lines that are still in the store: delete it/)
  assert.equal(filesBelow(folder).length, 1)
  assert.deepEqual((await tidy(folder)).notes, [])
})

test('a path that no archive has is not deleted on anybody’s word', async () => {
  const { redis } = servers.current()
  const folder = newFolder('12')
  writeFileSync(join(folder, 'mine'), 'mine')
  await redis.hset(archivingKey(collectionId('12')), 'name', 'open ../12/mine')
  const outcome = await retain('12', folder)
  assert.match(outcome.problem ?? '', /is no archive's path/)
  assert.deepEqual(readdirSync(folder), ['mine'])
})

test('an archive that is not where the next run looks for it is said, with both places, and no line is lost', async () => {
  const { redis } = servers.current()
  const before = newFolder('13-before')
  const now = newFolder('13-now')
  const { old, fresh } = await fill('13')
  retainAndDie('13', before, 'archive written')
  const [left = ''] = filesBelow(before)
  const { lines, notes } = await retain('13', now)
  assert.equal(lines, old.length)
  assert.equal(notes.length, 1)
  assert.match(notes[0] ?? '', /^A removal from collection 13 was cut short\. Its archive .* is not there\./)
  assert.ok(notes[0]?.includes(join(before, left)), notes.join())
  assert.ok(notes[0]?.includes(`looked for in ${now} `), notes.join())
  assert.equal(zcat(now), textOf(old))
  assert.equal((await standing(redis, '13')).length, fresh.length)
})

test('while the archive folder is not there, what may have to be deleted in it is not forgotten', async () => {
  const { redis } = servers.current()
  const folder = newFolder('14')
  await fill('14')
  retainAndDie('14', folder, 'archive written')
  const missing = `${folder}-mounted-later`
  const outcome = await retain('14', missing)
  assert.equal(outcome.lines, 0)
  assert.ok(outcome.problem?.includes(`${missing} is not there, and 14/`), outcome.problem ?? '')
  assert.equal(await redis.hlen(archivingKey(collectionId('14'))), 1)
})
