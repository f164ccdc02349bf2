import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sealLines } from '../../e2e/sealed-lines.ts'
import { maskedGrant, openStoreServer, packLines, readGrant, store } from '../../e2e/store-server.ts'
import { streamLines } from './line-stream.ts'
import { type Cursor, EVERYTHING, pageCursors, readAround, readPage } from './reading.ts'
import { microsOfSecond } from './score.ts'

/** Reads under a masked grant, of lines in part sealed and in part hot. */

const servers = openStoreServer()
const T = 1_763_906_100
const LINES = Array.from({ length: 8 }, (_, n) => `203.0.113.7${n} "/${n}?ip=2001:db8:9afe::${n}"`)
const MASKED = LINES.map((_, n) => `203.0.x.x "/${n}?ip=2001:db8:x:x"`)

async function stored(id: string) {
  const { redis } = servers.current()
  await store(
    redis,
    packLines(
      id,
      'web1',
      LINES.map((line, n) => ({ line, micros: microsOfSecond(T + n) })),
    ),
  )
  await sealLines(redis, id, { fromMicros: 0, toMicros: microsOfSecond(T + 4), perSegment: 2 })
  return { redis, masked: maskedGrant(id), whole: readGrant(id) }
}

const texts = ({ lines }: { lines: readonly { line: Buffer }[] }) => lines.map(({ line }) => line.toString())

test('a stream gives networks alone, as text and line by line, and all of it to others', async () => {
  const { redis, masked, whole } = await stored('1')
  const all = async (grant: typeof whole) => {
    const seen: string[] = []
    for await (const stretch of streamLines(redis, grant, EVERYTHING, { pageLines: 3 })) {
      seen.push(...texts({ lines: [...stretch.lines()] }))
      assert.equal(stretch.text().toString(), `${seen.slice(-stretch.count).join('\n')}\n`)
    }
    return seen
  }
  assert.deepEqual(await all(masked), MASKED)
  assert.deepEqual(await all(whole), LINES)
})

test('masked pages go on by cursors that hold no hash of a line, and take no other', async () => {
  const { redis, masked, whole } = await stored('2')
  const plain = pageCursors(
    await readPage(redis, whole, { window: EVERYTHING, start: { edge: 'oldest' }, limit: 8 }),
  )
  const seen: string[] = []
  let after: Cursor | null = null
  for (;;) {
    const start: { after: Cursor } | { edge: 'oldest' } = after ? { after } : { edge: 'oldest' }
    const page = await readPage(redis, masked, { window: EVERYTHING, start, limit: 3 })
    if (page.lines.length === 0) break
    const cursors = pageCursors(page)
    assert.deepEqual([page.first, page.last], [cursors[0], cursors.at(-1)])
    for (const { hash } of cursors) assert.ok(!plain.some((one) => hash.includes(one.hash)))
    seen.push(...texts(page))
    after = page.last
  }
  assert.deepEqual(seen, MASKED)

  const around = (grant: typeof whole, at: Cursor) =>
    readAround(redis, grant, { window: EVERYTHING, at, before: 1, after: 1 })
  const sealed = pageCursors(
    await readPage(redis, masked, { window: EVERYTHING, start: { edge: 'oldest' }, limit: 8 }),
  )
  for (const [n, at] of sealed.entries()) {
    const own = await around(masked, at)
    assert.equal(texts(own)[own.place ?? -1], MASKED[n])
    const others = await around(whole, at)
    assert.equal(texts(others)[others.place ?? -1], LINES[n])
  }
  // The hash that a guess would have, and a sealed one of another moment.
  for (const [n, at] of plain.entries()) {
    assert.equal((await around(masked, at)).place, null)
    assert.equal((await around(masked, { ...at, hash: sealed[(n + 1) % 8]?.hash ?? '' })).place, null)
  }
})
