import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { NOON, openArchiving, range, textOf } from '../../e2e/archiving.ts'
import { add, DAY, filesBelow, linesOf, seal, standing, zcat } from '../../e2e/retention.ts'
import { collectionId, packLines, store } from '../../e2e/store-server.ts'
import { archivingKey, countsKey, floorKey, linesKey, segmentKey } from './keys.ts'
import type { RetentionOutcome } from './retention.ts'

/** What archives hold, and what happens where they cannot be written. */

const { servers, newFolder, retain, retainApart, fill } = openArchiving()

test('the archive holds exactly the lines removed, byte for byte and in order, a file for each UTC day', async () => {
  const { redis } = servers.current()
  const folder = newFolder('1')
  const { old, fresh } = await fill('1')
  const outcome = await retain('1', folder)
  assert.deepEqual(outcome, { lines: old.length, problem: null, isFinished: true, notes: [] })
  const files = filesBelow(folder)
  assert.deepEqual(
    files.map((file) => file.replace(/-[A-Za-z0-9_-]{12}\.log\.gz$/, '')),
    [`1/2025/11/21/${NOON - 2 * DAY}`, `1/2025/11/22/${NOON - DAY}`, `1/2025/11/23/${NOON - DAY / 2}`],
  )
  assert.equal(zcat(folder), textOf(old))
  assert.deepEqual(
    await standing(redis, '1'),
    fresh.map(({ text }) => text),
  )
  assert.equal(await redis.exists(archivingKey(collectionId('1'))), 0)
})

test('any bytes, lines of one microsecond, and hot lines between sealed ones come out as they are read', async () => {
  const { redis } = servers.current()
  const folder = newFolder('2')
  const texts = ['b\xff\0 x', 'a\tweb1', '', 'c\r', 'é', 'd'.repeat(70_000), 'a']
  const at = (NOON - 100) * 1e6
  const lines = texts.map((text, n) => ({
    line: Buffer.from(text, 'latin1'),
    micros: at + Math.floor(n / 3),
  }))
  await store(redis, packLines('2', 'web1', lines))
  await store(redis, packLines('2', '', lines))
  await seal(redis, '2', NOON - 100, NOON - 99)
  const between = ['aa', 'bb', 'zz'].map((line, n) => ({ line, micros: at + n }))
  const late = packLines('2', 'web2', between)
  // As a merge leaves it: hot lines in the seconds of a segment.
  for (const { line, micros } of between)
    await redis.zadd(linesKey(collectionId('2')), micros / 1e6, `${line}\tweb2`)
  await redis.hincrby(countsKey(collectionId('2')), 'hits', 3)
  assert.equal(late.length, 1)
  const members = [
    ...lines.flatMap(({ line, micros }) => [
      { line, micros, member: Buffer.concat([line, Buffer.from('\tweb1')]) },
      { line, micros, member: line.includes('\tweb1') ? Buffer.concat([line, Buffer.from('\t#0')]) : line },
    ]),
    ...between.map(({ line, micros }) => ({
      line: Buffer.from(line),
      micros,
      member: Buffer.from(`${line}\tweb2`),
    })),
  ].sort((a, b) => a.micros - b.micros || Buffer.compare(a.member, b.member))
  assert.equal((await retain('2', folder)).lines, 17)
  const expected = Buffer.concat(members.flatMap(({ line }) => [line, Buffer.from('\n')]))
  assert.ok(Buffer.from(zcat(folder), 'latin1').equals(expected))
})

test('where lines cannot be archived they stay, and it is said: no folder, or something in the way', async () => {
  const { redis } = servers.current()
  const folder = newFolder('9')
  const { old, fresh } = await fill('9')
  const stays = async (archiveDir: string, words: RegExp) => {
    const outcome = await retain('9', archiveDir)
    assert.equal(outcome.lines, 0)
    assert.match(outcome.problem ?? '', words)
    assert.equal((await standing(redis, '9')).length, old.length + fresh.length)
    assert.equal(await redis.exists(floorKey(collectionId('9'))), 0)
    assert.equal(await redis.exists(archivingKey(collectionId('9'))), 0)
  }
  await stays(join(folder, 'missing'), /^Lines .* could not be archived, .*missing.*: ENOENT/)
  writeFileSync(join(folder, 'file'), 'mine')
  await stays(join(folder, 'file'), /ENOTDIR/)
  writeFileSync(join(folder, '9'), 'mine')
  await stays(folder, /in the way: it is no folder/)
  assert.equal(readFileSync(join(folder, '9'), 'utf8'), 'mine')
  rmSync(join(folder, '9'))
  const elsewhere = newFolder('9-elsewhere')
  symlinkSync(elsewhere, join(folder, '9'))
  await stays(folder, /in the way: it is no folder/)
  assert.deepEqual(readdirSync(elsewhere), [])
  rmSync(join(folder, '9'))
  rmSync(join(folder, 'file'))
  assert.equal((await retain('9', folder)).lines, old.length)
  assert.equal(zcat(folder), textOf(old))
})

test('a disk that takes no more leaves all lines in the store and no half of a file', async () => {
  const { redis } = servers.current()
  const folder = newFolder('14')
  const old = range(NOON - 100, NOON).map((second) => ({
    second,
    text: `${second} ${randomBytes(500).toString('hex')}`,
  }))
  await add(redis, '14', old)
  const run = retainApart('14', folder, { limit: '16' })
  const outcome = JSON.parse(run.stdout) as RetentionOutcome
  assert.equal(outcome.lines, 0)
  assert.match(outcome.problem ?? '', /could not be archived, .*\.log\.gz: EFBIG/)
  assert.deepEqual(filesBelow(folder), [])
  assert.equal((await standing(redis, '14')).length, 100)
  assert.equal((await retain('14', folder)).lines, 100)
  assert.equal(zcat(folder), textOf(old))
})

test('with an archive a segment that cannot be read stays, and what is younger with it; it is named each time', async () => {
  const { redis } = servers.current()
  const folder = newFolder('10')
  const old = linesOf(range(NOON - 100, NOON))
  await add(redis, '10', old)
  const { name } = await seal(redis, '10', NOON - 50, NOON - 40)
  const key = segmentKey(collectionId('10'), name)
  const body = await redis.getBuffer(key)
  await redis.del(key)
  const outcome = await retain('10', folder)
  assert.equal(outcome.lines, 50)
  assert.ok(
    outcome.problem?.includes(`${key}: the index names it, and it is not there`),
    outcome.problem ?? '',
  )
  const again = await retain('10', folder)
  assert.deepEqual([again.lines, again.problem], [0, outcome.problem])
  assert.equal(zcat(folder), textOf(old.slice(0, 50)))
  await redis.set(key, body ?? '')
  assert.deepEqual((await retain('10', folder)).problem, null)
  assert.equal(zcat(folder), textOf(old))
})

test('files are for the operator and the group alone', async () => {
  const folder = newFolder('13')
  await fill('13')
  await retain('13', folder)
  const [file = ''] = filesBelow(folder)
  const mode = spawnSync('stat', ['-c', '%a', join(folder, file), join(folder, '13')], {
    encoding: 'utf8',
  }).stdout
  assert.match(mode, /^6[04]0\n7[05]0\n$/)
  assert.ok(gunzipSync(readFileSync(join(folder, file))).length > 0)
})
