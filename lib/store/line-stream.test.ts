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
import { floorKey, linesKey } from './keys.ts'
import { streamLines } from './line-stream.ts'
import { EVERYTHING, type MicrosWindow } from './reading.ts'
import { connectRedis, whenReady } from './redis.ts'
import { mastersOf } from './redis-client.ts'
import { microsOfSecond } from './score.ts'
import type { Stretch } from './stretch.ts'

const servers = openStoreServer()
const T = 1_763_906_100
let lastId = 0
const newId = () => String(++lastId)

/** A stretch says the same of its lines in both its ways. */
function linesOf(stretch: Stretch): Buffer[] {
  const lines = [...stretch.lines()].map(({ line }) => line)
  assert.equal(lines.length, stretch.count)
  assert.ok(stretch.text().equals(Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')]))))
  return lines
}

async function streamed(id: string, window: MicrosWindow = EVERYTHING): Promise<Buffer[]> {
  const seen: Buffer[] = []
  for await (const some of streamLines(servers.current().redis, readGrant(id), window))
    seen.push(...linesOf(some))
  return seen
}

test('a stream gives every line of its window in order, whatever their bytes', async () => {
  const id = newId()
  const odd = Buffer.from([0xff, 0x00, 0x09, 0x0d, 0x41])
  const lines: TestLine[] = Array.from({ length: 9001 }, (_, i) => ({
    line: Buffer.concat([odd, Buffer.from(String(i).padStart(5, '0'))]),
    micros: microsOfSecond(T) + i,
  }))
  await store(servers.current().redis, packLines(id, 'web1', lines))
  assert.deepEqual(
    await streamed(id),
    lines.map(({ line }) => line),
  )
})

test('an empty window gives nothing', async () => {
  assert.deepEqual(await streamed(newId()), [])
})

test('lines of a mebibyte come one at a time, those among small ones too', async () => {
  const id = newId()
  const lines = Array.from({ length: 40 }, (_, i) => ({
    line: i % 3 === 0 ? Buffer.alloc(1024 * 1024, 65 + (i % 26)) : Buffer.from(`small ${i}`),
    micros: microsOfSecond(T) + i,
  }))
  await store(servers.current().redis, packLines(id, '', lines))
  const seen: Buffer[] = []
  for await (const some of streamLines(servers.current().redis, readGrant(id), EVERYTHING)) {
    const lines = linesOf(some)
    assert.ok(lines.filter(({ length }) => length > 1000).length <= 1)
    seen.push(...lines)
  }
  assert.ok(Buffer.concat(seen).equals(Buffer.concat(lines.map(({ line }) => line))))
})

test('held against a naive twin: any lines, many of one microsecond, any window', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 1_000_000 })), {
        maxLength: 50,
      }),
      fc.integer({ min: 1, max: 60 }),
      fc.integer({ min: 0, max: 3 }),
      fc.integer({ min: 0, max: 4 }),
      async (some, copies, from, length) => {
        const id = newId()
        // Enough of them for several reads.
        const first = new Map(
          some.flatMap(([offset, n]) => Array.from({ length: copies }, (_, i) => [`${n}-${i}`, offset])),
        )
        const lines = [...first].map(([text, offset]) => ({
          line: Buffer.from(text),
          micros: microsOfSecond(T) + offset,
        }))
        await store(servers.current().redis, packLines(id, '', lines))
        const window = { fromMicros: microsOfSecond(T) + from, toMicros: microsOfSecond(T) + from + length }
        const twin = lines
          .filter(({ micros }) => micros >= window.fromMicros && micros < window.toMicros)
          .sort((a, b) => a.micros - b.micros || Buffer.compare(a.line, b.line))
          .map(({ line }) => line.toString())
        assert.deepEqual((await streamed(id, window)).map(String), twin)
      },
    ),
    { numRuns: 60 },
  )
})

test('lines that are added and removed meanwhile neither repeat nor hide the others', async () => {
  const { redis } = servers.current()
  const id = newId()
  const at = microsOfSecond(T)
  const settled = Array.from({ length: 6000 }, (_, i) => `m${String(i).padStart(4, '0')}`)
  // All of one microsecond, so that what is added comes before and after the place of the stream.
  await store(
    redis,
    packLines(
      id,
      '',
      settled.map((line) => ({ line, micros: at })),
    ),
  )
  const seen: string[] = []
  let round = 0
  for await (const some of streamLines(redis, readGrant(id), EVERYTHING)) {
    seen.push(...linesOf(some).map(String))
    round++
    await store(
      redis,
      packLines(id, '', [
        { line: `a${round}`, micros: at },
        { line: `z${round}`, micros: at },
      ]),
    )
  }
  assert.ok(round > 4)
  assert.deepEqual(
    seen.filter((text) => text.startsWith('m')),
    settled,
  )
  assert.deepEqual(
    seen.filter((text) => text.startsWith('a')),
    [],
  )
})

test('a stream whose last line was removed with its second goes on after it', async () => {
  const { redis } = servers.current()
  const id = newId()
  const lines = Array.from({ length: 5000 }, (_, i) => ({
    line: `l${String(i).padStart(4, '0')}`,
    micros: microsOfSecond(T + i),
  }))
  await store(redis, packLines(id, '', lines))
  const stream = streamLines(redis, readGrant(id), EVERYTHING)
  const seen: string[] = []
  for await (const some of stream) {
    seen.push(...linesOf(some).map(String))
    await redis.set(floorKey(collectionId(id)), T + seen.length)
    await redis.zremrangebyscore(linesKey(collectionId(id)), '-inf', T + seen.length - 1)
  }
  assert.deepEqual(
    seen,
    lines.map(({ line }) => line),
  )
})

test('a store that was emptied under a stream ends it with an error and never as if it were whole', async () => {
  const { redis } = servers.current()
  const id = newId()
  const lines = Array.from({ length: 5000 }, (_, i) => ({ line: `l${i}`, micros: microsOfSecond(T + i) }))
  await store(redis, packLines(id, '', lines))
  const stream = streamLines(redis, readGrant(id), EVERYTHING)
  await stream.next()
  await redis.del(linesKey(collectionId(id)))
  await assert.rejects(async () => {
    for await (const some of stream) assert.ok(some.count > 0)
  })
})

test('a caller that stops asking stops the reading', async (t) => {
  const { server } = servers.current()
  const redis = connectRedis({ url: server.url })
  t.after(() => redis.disconnect())
  assert.ok(await whenReady(redis, 10_000))
  const id = newId()
  const lines = Array.from({ length: 20_000 }, (_, i) => ({ line: `l${i}`, micros: microsOfSecond(T) + i }))
  await store(redis, packLines(id, '', lines))
  const reads = async () => {
    const statistics = await Promise.all(mastersOf(redis).map((node) => node.info('commandstats')))
    return [...statistics.join().matchAll(/cmdstat_evalsha:calls=([0-9]+)/g)].reduce(
      (sum, [, n]) => sum + Number(n),
      0,
    )
  }
  const stream = streamLines(redis, readGrant(id), EVERYTHING)
  await stream.next()
  const before = await reads()
  await stream.return()
  assert.ok(before > 0)
  assert.equal(await reads(), before)
})
