import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Redis } from 'ioredis'
import { merge, type TestMember } from '../../e2e/segments.ts'
import { callsOf, collectionId, openStoreServer, readGrant } from '../../e2e/store-server.ts'
import { countsKey, linesKey } from './keys.ts'
import { EVERYTHING, type Page, type PageStart, readPage } from './reading.ts'
import { microsOfSecond } from './score.ts'

/** Cursors among very many lines of one moment. */

const servers = openStoreServer()
const T = 1_763_906_100
const LINES = 20_000
const LIMIT = 1000
/** Of a page: what it looks through for the cursor, and what it gives. */
const MOST_READS = 300

const textOf = (n: number) => `line ${String(n).padStart(6, '0')}`

async function fill(redis: Redis, id: string, texts: readonly string[]): Promise<void> {
  for (let from = 0; from < texts.length; from += 5000) {
    const pairs = texts.slice(from, from + 5000).flatMap((text) => [T, `${text}\tweb1`])
    await redis.zadd(linesKey(collectionId(id)), ...pairs)
  }
  await redis.hincrby(countsKey(collectionId(id)), 'hits', texts.length)
}

const all = Array.from({ length: LINES }, (_, n) => textOf(n))

/** Pages through everything; fails where one page takes more reads than it may. */
async function pageThrough(
  redis: Redis,
  id: string,
  { isForward, mostReads }: { isForward: boolean; mostReads: number },
): Promise<string[]> {
  const seen: string[] = []
  let start: PageStart = { edge: isForward ? 'oldest' : 'newest' }
  for (let pages = 0; pages < (2 * LINES) / LIMIT; pages++) {
    const before = await callsOf(redis, 'zrange')
    const page: Page = await readPage(redis, readGrant(id), { window: EVERYTHING, start, limit: LIMIT })
    const reads = (await callsOf(redis, 'zrange')) - before
    assert.ok(reads < mostReads, `${reads} reads`)
    if (!page.first || !page.last) return seen
    const texts = page.lines.map(({ line }) => line.toString())
    if (isForward) seen.push(...texts)
    else seen.unshift(...texts)
    start = isForward ? { after: page.last } : { before: page.first }
  }
  assert.fail('the pages do not end')
}

for (const isForward of [true, false])
  test(`pages ${isForward ? 'forward' : 'backward'} through many lines of one moment cost no more than others and give each once`, async () => {
    const { redis } = servers.current()
    const id = isForward ? '1' : '2'
    await fill(redis, id, all)
    assert.deepEqual(await pageThrough(redis, id, { isForward, mostReads: MOST_READS }), all)
  })

for (const isForward of [true, false])
  test(`they give each once ${isForward ? 'forward' : 'backward'} where each second line of the moment is sealed`, async () => {
    const { redis } = servers.current()
    const id = isForward ? '3' : '4'
    const sealed = all.filter((_, n) => n % 2 === 1)
    await merge(
      redis,
      id,
      sealed.map((text): TestMember => [microsOfSecond(T), `${text}\tweb1`]),
      'backfill',
    )
    await fill(
      redis,
      id,
      all.filter((_, n) => n % 2 === 0),
    )
    assert.deepEqual(await pageThrough(redis, id, { isForward, mostReads: Number.POSITIVE_INFINITY }), all)
  })

test('a cursor whose line is gone costs no more, and stands before the lines of its moment', async () => {
  const { redis } = servers.current()
  await fill(redis, '5', all)
  const page = await readPage(redis, readGrant('5'), {
    window: EVERYTHING,
    start: { edge: 'oldest' },
    limit: 10,
  })
  const { last } = page
  assert.ok(last)
  await redis.zrem(linesKey(collectionId('5')), `${textOf(9)}\tweb1`)
  await redis.zadd(linesKey(collectionId('5')), T - 1, 'before\tweb1')
  for (const [start, expected] of [
    [{ after: last }, [...all.slice(0, 9), textOf(10)]],
    [{ before: last }, ['before']],
  ] as const) {
    const before = await callsOf(redis, 'zrange')
    const { lines } = await readPage(redis, readGrant('5'), { window: EVERYTHING, start, limit: 10 })
    assert.ok((await callsOf(redis, 'zrange')) - before < MOST_READS)
    assert.deepEqual(
      lines.map(({ line }) => line.toString()),
      expected,
    )
  }
})

test('a line is found again after thousands of others came before it in its moment', async () => {
  const { redis } = servers.current()
  await fill(redis, '6', all)
  const window = EVERYTHING
  const { last } = await readPage(redis, readGrant('6'), { window, start: { edge: 'oldest' }, limit: 100 })
  assert.ok(last)
  await fill(
    redis,
    '6',
    Array.from({ length: 3000 }, (_, n) => `earlier ${n}`),
  )
  const { lines } = await readPage(redis, readGrant('6'), { window, start: { after: last }, limit: 5 })
  assert.deepEqual(
    lines.map(({ line }) => line.toString()),
    all.slice(100, 105),
  )
})
