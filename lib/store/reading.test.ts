import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  collectionId,
  openStoreServer,
  packLines,
  readGrant,
  store,
  type TestLine,
} from '../../e2e/store-server.ts'
import { encodeMember } from '../line/member.ts'
import { linesKey } from './keys.ts'
import {
  type Cursor,
  EVERYTHING,
  type MicrosWindow,
  type Page,
  pageCursors,
  readAround,
  readPage,
} from './reading.ts'
import { microsOfSecond } from './score.ts'

const servers = openStoreServer()
const T = 1_763_906_100
let lastId = 0
const newId = () => String(++lastId)

const texts = (page: Page) => page.lines.map(({ line }) => line.toString())

/** Every page of a window in one direction, as a person pages: from the edge, by cursor after cursor. */
async function pageThrough(
  id: string,
  options: { window?: MicrosWindow; limit: number; forward: boolean; between?: () => Promise<unknown> },
): Promise<string[]> {
  const { redis } = servers.current()
  const { window = EVERYTHING, limit, forward, between } = options
  const seen: string[] = []
  let cursor: Cursor | null = null
  for (;;) {
    const page: Page = await readPage(redis, readGrant(id), {
      window,
      limit,
      start: cursor
        ? forward
          ? { after: cursor }
          : { before: cursor }
        : { edge: forward ? 'oldest' : 'newest' },
    })
    if (page.lines.length === 0) return seen
    if (forward) seen.push(...texts(page))
    else seen.unshift(...texts(page))
    cursor = forward ? page.last : page.first
    await between?.()
  }
}

test('a page says how many lines the window holds and how many stand before it', async () => {
  const { redis } = servers.current()
  const id = newId()
  const lines = Array.from({ length: 10 }, (_, i) => ({ line: `l${i}`, micros: microsOfSecond(T + i) }))
  await store(redis, packLines(id, 'web1', lines))
  const window = { fromMicros: microsOfSecond(T + 2), toMicros: microsOfSecond(T + 8) }
  const newest = await readPage(redis, readGrant(id), { window, start: { edge: 'newest' }, limit: 4 })
  assert.deepEqual([texts(newest), newest.total, newest.skipped], [['l4', 'l5', 'l6', 'l7'], 6, 2])
  const oldest = await readPage(redis, readGrant(id), { window, start: { edge: 'oldest' }, limit: 4 })
  assert.deepEqual([texts(oldest), oldest.total, oldest.skipped], [['l2', 'l3', 'l4', 'l5'], 6, 0])
  assert.equal(oldest.lines[0]?.source, 'web1')
  assert.equal(oldest.lines[0]?.micros, microsOfSecond(T + 2))
})

test('a window is half-open, down to the microsecond', async () => {
  const { redis } = servers.current()
  const id = newId()
  const at = microsOfSecond(T)
  await store(
    redis,
    packLines(
      id,
      '',
      [0, 1, 2, 3].map((i) => ({ line: `l${i}`, micros: at + i })),
    ),
  )
  const page = await readPage(redis, readGrant(id), {
    window: { fromMicros: at + 1, toMicros: at + 3 },
    start: { edge: 'newest' },
    limit: 10,
  })
  assert.deepEqual(texts(page), ['l1', 'l2'])
})

test('an empty window and an unknown collection give an empty page', async () => {
  const { redis } = servers.current()
  const page = await readPage(redis, readGrant('999'), {
    window: EVERYTHING,
    start: { edge: 'newest' },
    limit: 5,
  })
  assert.deepEqual(page, { lines: [], total: 0, skipped: 0, first: null, last: null, gaps: [] })
})

test('a page ends early when its lines are large, and still gives a line larger than the bound', async () => {
  const { redis } = servers.current()
  const id = newId()
  const lines = [0, 1, 2].map((i) => ({ line: `${i}${'x'.repeat(1000)}`, micros: microsOfSecond(T + i) }))
  await store(redis, packLines(id, 'web1', lines))
  const options = { window: EVERYTHING, start: { edge: 'newest' } as const, limit: 10 }
  assert.equal((await readPage(redis, readGrant(id), { ...options, maxBytes: 2500 })).lines.length, 2)
  const one = await readPage(redis, readGrant(id), { ...options, maxBytes: 10 })
  assert.deepEqual(texts(one), [lines[2]?.line])
  assert.equal(one.skipped, 2)
})

test('only what the access decision made is taken as a grant', async () => {
  const { redis } = servers.current()
  const forged = { collection: collectionId('1'), name: 'x', url: null, rule: '' }
  await assert.rejects(
    readPage(redis, forged as never, { window: EVERYTHING, start: { edge: 'newest' }, limit: 1 }),
    /grant/,
  )
})

test('100,000 lines of one second are paged through in both directions, each once, while others are added', async () => {
  const { redis } = servers.current()
  const id = newId()
  const settled: TestLine[] = []
  for (const source of [0, 1]) {
    const lines = Array.from({ length: 50_000 }, (_, i) => ({
      line: `settled ${source} ${i}`,
      micros: microsOfSecond(T) + i,
    }))
    settled.push(...lines)
    await store(redis, packLines(id, `web${source}`, lines))
  }
  const expected = settled.map(({ line }) => String(line)).sort()
  for (const forward of [true, false]) {
    let round = 0
    // New lines fall before, at and after the cursor, among equal microseconds too.
    const between = () => {
      const micros = microsOfSecond(T) + ((round * 7919) % 50_000)
      return store(
        redis,
        packLines(id, 'web9', [
          { line: `added ${forward} ${round++}`, micros },
          { line: `twin ${forward} ${round}`, micros },
        ]),
      )
    }
    const seen = await pageThrough(id, { limit: 1000, forward, between })
    assert.ok(round > 100)
    assert.deepEqual(seen.filter((text) => text.startsWith('settled')).sort(), expected)
    assert.equal(new Set(seen).size, seen.length)
  }
})

test('a cursor whose line is gone goes on from its second', async () => {
  const { redis } = servers.current()
  const id = newId()
  const lines = Array.from({ length: 6 }, (_, i) => ({ line: `l${i}`, micros: microsOfSecond(T + i) }))
  await store(redis, packLines(id, 'web1', lines))
  const page = await readPage(redis, readGrant(id), {
    window: EVERYTHING,
    start: { edge: 'oldest' },
    limit: 3,
  })
  assert.ok(page.last)
  await redis.zrem(linesKey(collectionId(id)), encodeMember(Buffer.from('l2'), 'web1', 0))
  const next = await readPage(redis, readGrant(id), {
    window: EVERYTHING,
    start: { after: page.last },
    limit: 3,
  })
  assert.deepEqual(texts(next), ['l3', 'l4', 'l5'])
})

test('held against a naive twin: any lines, any window, any page size, both directions', async () => {
  const { redis } = servers.current()
  const someLine = fc.record({
    // Equal microseconds are the rule here: five of them for up to sixty lines.
    offset: fc.integer({ min: 0, max: 4 }),
    line: fc
      .uint8Array({ minLength: 1, maxLength: 6 })
      .map((bytes) => Buffer.from(bytes.filter((b) => b !== 0x0a))),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.array(someLine, { maxLength: 60 }),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 0, max: 4 }),
      fc.integer({ min: 0, max: 5 }),
      fc.boolean(),
      async (some, limit, from, length, forward) => {
        const id = newId()
        const first = new Map(some.map(({ line, offset }) => [line.toString('latin1'), offset]))
        const lines = [...first].map(([text, offset]) => ({
          line: Buffer.from(text, 'latin1'),
          micros: microsOfSecond(T) + offset,
        }))
        await store(redis, packLines(id, '', lines))
        const window = { fromMicros: microsOfSecond(T) + from, toMicros: microsOfSecond(T) + from + length }
        const twin = lines
          .filter(({ micros }) => micros >= window.fromMicros && micros < window.toMicros)
          .sort(
            (a, b) =>
              a.micros - b.micros || Buffer.compare(encodeMember(a.line, '', 0), encodeMember(b.line, '', 0)),
          )
          .map(({ line }) => line.toString())
        assert.deepEqual(await pageThrough(id, { window, limit, forward }), twin)
      },
    ),
    { numRuns: 150 },
  )
})

test('among lines of one microsecond a cursor finds its line again, whatever was added before or after it', async () => {
  const { redis } = servers.current()
  for (const forward of [true, false]) {
    const id = newId()
    const at = microsOfSecond(T)
    const settled = Array.from({ length: 60 }, (_, i) => `m${String(i).padStart(2, '0')}`)
    await store(
      redis,
      packLines(
        id,
        '',
        settled.map((line) => ({ line, micros: at })),
      ),
    )
    let round = 0
    const between = () => {
      round++
      return store(
        redis,
        packLines(id, '', [
          { line: `a${round}`, micros: at },
          { line: `z${round}`, micros: at },
        ]),
      )
    }
    const seen = await pageThrough(id, { limit: 7, forward, between })
    assert.deepEqual(
      seen.filter((text) => text.startsWith('m')),
      settled,
    )
  }
})

test('a line is found again with those around it, also among equal microseconds while others arrive', async () => {
  const { redis } = servers.current()
  const id = newId()
  const lines = Array.from({ length: 60 }, (_, i) => ({
    line: `l${String(i).padStart(2, '0')}`,
    micros: microsOfSecond(T + Math.floor(i / 30)),
  }))
  await store(redis, packLines(id, 'web1', lines))
  const whole = await readPage(redis, readGrant(id), {
    window: EVERYTHING,
    start: { edge: 'oldest' },
    limit: 60,
  })
  const cursors = pageCursors(whole)
  assert.deepEqual(cursors.at(0), whole.first)
  assert.deepEqual(cursors.at(-1), whole.last)
  await store(
    redis,
    packLines(id, 'web0', [
      { line: 'a', micros: microsOfSecond(T) },
      { line: 'b', micros: microsOfSecond(T + 1) },
    ]),
  )
  const expected = [
    'a',
    ...lines.slice(0, 30).map(({ line }) => line),
    'b',
    ...lines.slice(30).map(({ line }) => line),
  ]
  for (const [index, at] of cursors.entries()) {
    const line = `l${String(index).padStart(2, '0')}`
    const place = expected.indexOf(line)
    const around = await readAround(redis, readGrant(id), { window: EVERYTHING, at, before: 3, after: 2 })
    assert.deepEqual(texts(around), expected.slice(Math.max(0, place - 3), place + 3))
    assert.equal(texts(around)[around.place ?? -1], line)
    assert.deepEqual([around.total, around.skipped], [62, Math.max(0, place - 3)])
    assert.deepEqual([around.first, around.last], [pageCursors(around).at(0), pageCursors(around).at(-1)])
  }
})

test('where a line is gone, or not in the window, there is no place for it, and its neighbours are given', async () => {
  const { redis } = servers.current()
  const id = newId()
  const lines = Array.from({ length: 9 }, (_, i) => ({ line: `l${i}`, micros: microsOfSecond(T + i) }))
  await store(redis, packLines(id, 'web1', lines))
  const whole = await readPage(redis, readGrant(id), {
    window: EVERYTHING,
    start: { edge: 'oldest' },
    limit: 9,
  })
  const at = pageCursors(whole)[4]
  assert.ok(at)
  const outside = { fromMicros: 0, toMicros: microsOfSecond(T + 3) }
  const elsewhere = await readAround(redis, readGrant(id), { window: outside, at, before: 2, after: 2 })
  assert.deepEqual([texts(elsewhere), elsewhere.place], [['l1', 'l2'], null])
  await redis.zrem(linesKey(collectionId(id)), encodeMember(Buffer.from('l4'), 'web1', 0))
  const gone = await readAround(redis, readGrant(id), { window: EVERYTHING, at, before: 2, after: 2 })
  assert.deepEqual([texts(gone), gone.place], [['l2', 'l3', 'l5', 'l6', 'l7'], null])
  const alone = await readAround(redis, readGrant(id), { window: EVERYTHING, at, before: 0, after: 0 })
  assert.deepEqual(texts(alone), ['l5'])
})
