import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { test } from 'node:test'
import { NOON, openArchiving, retainAt, textOf } from '../../e2e/archiving.ts'
import { add, DAY, filesBelow, linesOf, seal, standing, zcat } from '../../e2e/retention.ts'
import { collectionId } from '../../e2e/store-server.ts'
import { GivenUp, tidyArchives, writeArchive } from './archive.ts'
import { archivingKey, countsKey, linesKey, segmentKey, segmentsKey } from './keys.ts'
import { connectRedis, whenReady } from './redis.ts'
import { scoreText } from './score.ts'
import { descriptorText } from './segment-descriptor.ts'
import { STORAGE_CHANNEL } from './storage-points.ts'

/** What others do between archive and removal: afterwards the archive holds exactly the lines that are gone. */

const { servers, newFolder, retain, fill } = openArchiving()

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
  const key = archivingKey(collectionId('8'))
  const drop =
    "for _, n in ipairs(redis.call('HKEYS', KEYS[1])) do redis.call('HSET', KEYS[1], n, 'dropped x') end"
  let givenUp = ''
  let given = false
  const giveUp = () => {
    if (given) return
    given = true
    void redis.eval(drop, 1, key)
    givenUp = filesBelow(folder).join()
  }
  subscribe(STORAGE_CHANNEL, giveUp)
  const outcome = await retain('8', folder).finally(() => unsubscribe(STORAGE_CHANNEL, giveUp))
  assert.equal(outcome.lines, old.length)
  assert.ok(givenUp && !filesBelow(folder).includes(givenUp), 'its file is gone, another was written')
  assert.equal(zcat(folder), textOf(old))
})

/**
 * A removal that stands still in the middle of its archive while another one does all the work.
 * @param during a command of the client: the removal stands still once it was answered for the first time
 */
async function stalled(
  id: string,
  {
    during,
    folder,
    otherFolder,
  }: { during: 'hset' | 'getBuffer'; folder: string; otherFolder: string | null },
) {
  const { server, redis } = servers.current()
  const own = connectRedis({ url: server.url })
  await whenReady(own, 5000)
  // The entry of the archive is written by a script.
  const method = during === 'hset' ? 'callBuffer' : during
  const command = own[method].bind(own) as (...args: unknown[]) => Promise<unknown>
  let other: Awaited<ReturnType<typeof retain>> | null = null
  Object.assign(own, {
    [method]: async (...args: unknown[]) => {
      const answer = await command(...args)
      if (!other && (method === during || args.flat().includes(during)))
        other = await retainAt(redis, id, otherFolder)
      return answer
    },
  })
  try {
    const outcome = await retainAt(own, id, folder)
    assert.ok(other, 'it stood still')
    return { outcome, other: other as Awaited<ReturnType<typeof retain>> }
  } finally {
    own.disconnect()
  }
}

for (const [when, during] of [
  ['before it made its file', 'hset'],
  ['while it wrote its file', 'getBuffer'],
] as const)
  test(`a removal that stood still ${when}, while another tidied up and removed, leaves no file`, async () => {
    const { redis } = servers.current()
    const id = during === 'hset' ? '20' : '21'
    const folder = newFolder(id)
    const { old, fresh } = await fill(id)
    const { outcome, other } = await stalled(id, { during, folder, otherFolder: folder })
    assert.deepEqual([outcome.lines, outcome.problem, other.lines], [0, null, old.length])
    assert.equal(zcat(folder), textOf(old))
    assert.equal((await standing(redis, id)).length, fresh.length)
    assert.equal(await redis.exists(archivingKey(collectionId(id))), 0)
  })

test('a removal whose archive another gave up that archives elsewhere, or nowhere, deletes its own file', async () => {
  for (const [id, elsewhere] of [
    ['22', newFolder('22-elsewhere')],
    ['23', null],
  ] as const) {
    const folder = newFolder(id)
    const { old } = await fill(id)
    const { outcome, other } = await stalled(id, { during: 'getBuffer', folder, otherFolder: elsewhere })
    assert.deepEqual([outcome.lines, outcome.problem, other.lines], [0, null, old.length])
    assert.match(other.notes.join(), elsewhere ? /is not there/ : /delete it/)
    assert.deepEqual(filesBelow(folder), [])
    if (elsewhere) assert.equal(zcat(elsewhere), textOf(old))
  }
})

test('no line is written into an archive that was given up before its file was made', async () => {
  const { redis } = servers.current()
  const folder = newFolder('24')
  const collection = collectionId('24')
  const key = archivingKey(collection)
  let asked = 0
  async function* texts() {
    asked++
    yield Buffer.from('a line\n')
  }
  const writing = writeArchive(
    { redis, collection, folder },
    { name: 'name', firstSecond: NOON, texts: texts() },
  )
  // Down the same connection, and so right behind the entry.
  void redis.hset(key, 'name', 'dropped')
  await assert.rejects(writing, GivenUp)
  assert.deepEqual([asked, filesBelow(folder), await redis.exists(key)], [0, [], 0])
})
