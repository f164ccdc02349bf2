import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { add, DAY, filesBelow, linesOf, type SecondLine, seal, standing, zcat } from '../../e2e/retention.ts'
import { collectionId, openStoreServer, packLines, store } from '../../e2e/store-server.ts'
import { PROJECT_ROOT } from '../build.ts'
import { tidyArchives } from './archive.ts'
import { archivingKey, countsKey, floorKey, linesKey, segmentKey, segmentsKey } from './keys.ts'
import { applyRetention, type RetentionOutcome } from './retention.ts'
import { scoreText } from './score.ts'
import { descriptorText } from './segment-descriptor.ts'
import { STORAGE_CHANNEL } from './storage-points.ts'

const servers = openStoreServer()
const NOON = 1_763_899_200
const NOW = NOON + 10 * DAY
const DAYS = 10
const folders = mkdtempSync(join(tmpdir(), 'archive-test-'))
after(() => rmSync(folders, { recursive: true }))

function newFolder(id: string): string {
  const folder = join(folders, id)
  mkdirSync(folder)
  return folder
}

function retain(id: string, archiveDir: string | null) {
  const { redis } = servers.current()
  const collection = collectionId(id)
  return applyRetention({
    redis,
    collection,
    nowSeconds: NOW,
    retentionDays: DAYS,
    archiveDir,
    grainSeconds: 0,
  })
}

/** The same in a process of its own, which kills itself at a moment, or may write files of a few bytes only. */
function retainApart(id: string, archiveDir: string, { dieAt = '', limit = 'unlimited' }) {
  const { server } = servers.current()
  const options = { url: server.url, collection: id, nowSeconds: NOW, retentionDays: DAYS, archiveDir, dieAt }
  const args = [join(PROJECT_ROOT, 'e2e/retention-run.ts'), JSON.stringify(options)]
  const shell = ['-c', 'ulimit -f "$0" && exec "$@"', limit, process.execPath, ...args]
  return spawnSync('sh', shell, { encoding: 'utf8', timeout: 30_000 })
}

function retainAndDie(id: string, archiveDir: string, dieAt: string): void {
  const run = retainApart(id, archiveDir, { dieAt })
  assert.equal(run.signal, 'SIGKILL', run.stderr)
}

const range = (from: number, to: number, step = 1) =>
  Array.from({ length: Math.ceil((to - from) / step) }, (_, n) => from + n * step)
const textOf = (lines: readonly SecondLine[]) => lines.map(({ text }) => `${text}\n`).join('')

/** Lines of three days, some sealed, one segment across noon; those before noon are old. */
async function fill(id: string) {
  const { redis } = servers.current()
  const old = linesOf([...range(NOON - 2 * DAY, NOON - 2 * DAY + 50), ...range(NOON - DAY, NOON, 900)])
  const fresh = linesOf(range(NOON, NOON + 50))
  await add(redis, id, [...old, ...fresh])
  await seal(redis, id, NOON - 2 * DAY + 10, NOON - 2 * DAY + 20)
  await seal(redis, id, NOON - 7200, NOON + 20)
  return { old, fresh }
}

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

test('a line that comes below the floor after the lines were archived is not removed unarchived', async () => {
  const { redis } = servers.current()
  const folder = newFolder('5')
  const { old } = await fill('5')
  const late = { second: NOON - 2 * DAY + 5, text: `${NOON - 2 * DAY + 5} late` }
  let comes = true
  const addLate = () => {
    if (!comes) return
    comes = false
    // Down the same connection, and so before the removal.
    void redis.zadd(linesKey(collectionId('5')), late.second, `${late.text}\tweb2`)
    void redis.hincrby(countsKey(collectionId('5')), 'hits', 1)
  }
  subscribe(STORAGE_CHANNEL, addLate)
  const outcome = await retain('5', folder).finally(() => unsubscribe(STORAGE_CHANNEL, addLate))
  assert.equal(outcome.lines, old.length + 1)
  assert.equal(zcat(folder), textOf([...old, late].sort((a, b) => (a.text < b.text ? -1 : 1))))
  assert.equal((await standing(redis, '5')).length, 50)
})

test('a line that takes another’s place between archive and removal is not taken for it', async () => {
  const { redis } = servers.current()
  const folder = newFolder('6')
  await add(redis, '6', linesOf([NOON - 20, NOON - 10]))
  const lines = linesKey(collectionId('6'))
  let comes = true
  const swap = () => {
    if (!comes) return
    comes = false
    void redis.zrem(lines, `${NOON - 20} line\tweb1`)
    void redis.zadd(lines, NOON - 15, 'another\tweb1')
  }
  subscribe(STORAGE_CHANNEL, swap)
  await retain('6', folder).finally(() => unsubscribe(STORAGE_CHANNEL, swap))
  assert.equal(zcat(folder), `another\n${NOON - 10} line\n`)
})

test('a segment that comes below the floor after the lines were archived is not removed unarchived', async () => {
  const { redis } = servers.current()
  const folder = newFolder('16')
  const ours = collectionId('16')
  await add(redis, '16', linesOf([NOON - 40, NOON - 10]))
  await seal(redis, '16', NOON - 40, NOON - 39)
  // As a backfill commits it; made ready in another collection.
  await add(redis, '17', linesOf([NOON - 30, NOON - 20], 'filled in'))
  const filled = await seal(redis, '17', NOON - 30, NOON - 19)
  const body = (await redis.getBuffer(segmentKey(collectionId('17'), filled.name))) ?? ''
  let comes = true
  const fillIn = () => {
    if (!comes) return
    comes = false
    void redis.set(segmentKey(ours, filled.name), body)
    void redis.zadd(segmentsKey(ours), scoreText(filled.firstMicros), descriptorText(filled))
    void redis.hincrby(countsKey(ours), 'hits', 2)
  }
  subscribe(STORAGE_CHANNEL, fillIn)
  const outcome = await retain('16', folder).finally(() => unsubscribe(STORAGE_CHANNEL, fillIn))
  assert.equal(outcome.lines, 4)
  assert.equal(
    zcat(folder),
    `${NOON - 40} line\n${NOON - 30} filled in\n${NOON - 20} filled in\n${NOON - 10} line\n`,
  )
  assert.deepEqual(await standing(redis, '16'), [])
})

test('retentions at once, one of which gives up what another has archived, leave each line in one place', async () => {
  const { redis } = servers.current()
  const folder = newFolder('7')
  const { old, fresh } = await fill('7')
  const outcomes = await Promise.all([1, 2, 3].map(() => retain('7', folder)))
  assert.deepEqual(
    outcomes.flatMap(({ problem }) => problem ?? []),
    [],
  )
  await retain('7', folder)
  assert.equal(zcat(folder), textOf(old))
  assert.equal((await standing(redis, '7')).length, fresh.length)
  assert.equal(await redis.hget(countsKey(collectionId('7')), 'removed'), String(old.length))
})

test('an archive that another run gives up while its removal is due does not become the only copy', async () => {
  const { redis } = servers.current()
  const folder = newFolder('18')
  const { old } = await fill('18')
  let comes = true
  const tidy = () => {
    if (!comes) return
    comes = false
    void tidyArchives({ redis, collection: collectionId('18'), folder })
  }
  subscribe(STORAGE_CHANNEL, tidy)
  const outcome = await retain('18', folder).finally(() => unsubscribe(STORAGE_CHANNEL, tidy))
  assert.equal(outcome.lines, old.length)
  assert.equal(zcat(folder), textOf(old))
})

test('an archive that was given up cannot be followed by its removal', async () => {
  const { redis } = servers.current()
  const folder = newFolder('8')
  const { old } = await fill('8')
  let given = false
  const giveUp = () => {
    if (given) return
    given = true
    const key = archivingKey(collectionId('8'))
    const other =
      "local k = KEYS[1] for _, n in ipairs(redis.call('HKEYS', k)) do redis.call('HSET', k, n, 'dropped x') end"
    void redis.eval(other, 1, key)
  }
  subscribe(STORAGE_CHANNEL, giveUp)
  const outcome = await retain('8', folder).finally(() => unsubscribe(STORAGE_CHANNEL, giveUp))
  assert.equal(outcome.lines, 0)
  assert.match(outcome.problem ?? '', /"x", which is no archive's path/)
  assert.equal((await standing(redis, '8')).length, old.length + 50)
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
  await stays(join(folder, 'missing'), /Collection 9: .* could not be archived, .*missing.*: ENOENT/)
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
