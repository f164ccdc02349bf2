import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Redis } from 'ioredis'
import { sealLines } from '../../e2e/sealed-lines.ts'
import { flipBit } from '../../e2e/segments.ts'
import { collectionId, openStoreServer, packLines, readGrant, store } from '../../e2e/store-server.ts'
import { encodeMember } from '../line/member.ts'
import { readHistogram } from './histogram.ts'
import { segmentKey, segmentsKey } from './keys.ts'
import { GapsError, streamLines } from './line-stream.ts'
import { EVERYTHING, type MicrosWindow, type Page, pageCursors, readAround, readPage } from './reading.ts'
import { microsOfSecond } from './score.ts'
import { descriptorText, parseDescriptor } from './segment-descriptor.ts'

/** Reads of lines that are in part hot and in part sealed: the same as if all were hot. */

const servers = openStoreServer()
const T = 1_763_906_100
let lastId = 0
const newId = () => String(++lastId)

interface Line {
  readonly line: string
  readonly micros: number
}

const texts = (page: Page) => page.lines.map(({ line }) => line.toString())

async function streamed(
  id: string,
  window: MicrosWindow = EVERYTHING,
  pageLines?: number,
): Promise<string[]> {
  const seen: string[] = []
  const { redis } = servers.current()
  const options = pageLines === undefined ? {} : { pageLines }
  for await (const stretch of streamLines(redis, readGrant(id), window, options)) {
    const lines = [...stretch.lines()].map(({ line }) => `${line}\n`)
    assert.equal(stretch.text().toString(), lines.join(''))
    assert.equal(stretch.count, lines.length)
    seen.push(...lines.map((line) => line.slice(0, -1)))
  }
  return seen
}

/** Lines within a few microseconds and seconds, so that all kinds of neighbours are there. */
const someLines = fc
  .array(
    fc.record({
      second: fc.integer({ min: 0, max: 5 }),
      micro: fc.integer({ min: 0, max: 2 }),
      text: fc.integer({ min: 0, max: 99_999 }),
    }),
    { maxLength: 80 },
  )
  .map((some) => {
    const byText = new Map(
      some.map(({ second, micro, text }) => [String(text), microsOfSecond(T + second * 37) + micro]),
    )
    return [...byText].map(([line, micros]): Line => ({ line, micros }))
  })

const cases = fc.record({
  early: someLines,
  late: someLines,
  perSegment: fc.integer({ min: 1, max: 7 }),
  sealUntil: fc.integer({ min: 0, max: 6 }),
  from: fc.integer({ min: 0, max: 7 }),
  length: fc.integer({ min: 0, max: 7 }),
  limit: fc.integer({ min: 1, max: 9 }),
})

/** Stores the early lines, seals those before a second, and stores the late ones, wherever they belong. */
async function prepared(given: typeof cases extends fc.Arbitrary<infer C> ? C : never) {
  const { redis } = servers.current()
  const id = newId()
  await store(redis, packLines(id, 'web1', given.early))
  await sealLines(redis, id, {
    fromMicros: 0,
    toMicros: microsOfSecond(T + given.sealUntil * 37) + 1,
    perSegment: given.perSegment,
  })
  // From another source, so that none is a duplicate.
  const late = given.late.map(({ line, micros }) => ({ line: `late ${line}`, micros }))
  for (const { line, micros } of late)
    await redis.zadd(`logs:collid:${id}`, micros / 1_000_000, encodeMember(Buffer.from(line), 'web2', 0))
  const window = {
    fromMicros: microsOfSecond(T + given.from * 37) + 1,
    toMicros: microsOfSecond(T + (given.from + given.length) * 37) + 2,
  }
  const twin = [...given.early, ...late]
    .filter(({ micros }) => micros >= window.fromMicros && micros < window.toMicros)
    .sort((a, b) => a.micros - b.micros || Buffer.compare(Buffer.from(a.line), Buffer.from(b.line)))
  return { id, window, twin, lines: twin.map(({ line }) => line) }
}

test('held against a naive twin: pages in both directions, their counts, and the way from page to page', async () => {
  const { redis } = servers.current()
  await fc.assert(
    fc.asyncProperty(cases, fc.boolean(), async (given, forward) => {
      const { id, window, lines } = await prepared(given)
      const seen: string[] = []
      let start: Parameters<typeof readPage>[2]['start'] = { edge: forward ? 'oldest' : 'newest' }
      for (;;) {
        const page = await readPage(redis, readGrant(id), { window, start, limit: given.limit })
        assert.equal(page.total, lines.length)
        if (!page.first || !page.last) break
        const skipped = forward ? seen.length : lines.length - seen.length - page.lines.length
        assert.equal(page.skipped, skipped)
        if (forward) seen.push(...texts(page))
        else seen.unshift(...texts(page))
        start = forward ? { after: page.last } : { before: page.first }
      }
      assert.deepEqual(seen, lines)
    }),
    { numRuns: 150 },
  )
})

test('held against a naive twin: a stream, in stretches of any size', async () => {
  await fc.assert(
    fc.asyncProperty(cases, async (given) => {
      const { id, window, lines } = await prepared(given)
      assert.deepEqual(await streamed(id, window, given.limit), lines)
    }),
    { numRuns: 150 },
  )
})

test('held against a naive twin: how the lines spread over the window', async () => {
  const { redis } = servers.current()
  await fc.assert(
    fc.asyncProperty(cases, async (given) => {
      const { id, window, twin } = await prepared(given)
      const histogram = await readHistogram(redis, readGrant(id), window, ({ fromMicros, toMicros }) => {
        const minute = 60_000_000
        const inner = [1, 2, 3, 4].map((n) => (Math.floor(fromMicros / minute) + n) * minute)
        return [fromMicros, ...inner.filter((bound) => bound > fromMicros && bound < toMicros), toMicros]
      })
      if (!histogram) return assert.equal(twin.length, 0)
      const { bounds, counts } = histogram
      assert.deepEqual(
        counts,
        counts.map(
          (_, i) =>
            twin.filter(({ micros }) => micros >= (bounds[i] ?? 0) && micros < (bounds[i + 1] ?? 0)).length,
        ),
      )
    }),
    { numRuns: 150 },
  )
})

test('a sealed line is found again with those around it', async () => {
  const { redis } = servers.current()
  await fc.assert(
    fc.asyncProperty(cases, async (given) => {
      const { id, lines, window } = await prepared(given)
      const whole = await readPage(redis, readGrant(id), { window, start: { edge: 'oldest' }, limit: 1000 })
      for (const [place, at] of pageCursors(whole).entries()) {
        const around = await readAround(redis, readGrant(id), { window, at, before: 3, after: 2 })
        assert.deepEqual(texts(around), lines.slice(Math.max(0, place - 3), place + 3))
        assert.equal(texts(around)[around.place ?? -1], lines[place])
      }
    }),
    { numRuns: 40 },
  )
})

const hundred = Array.from(
  { length: 100 },
  (_, i): Line => ({ line: `l${i}`, micros: microsOfSecond(T + i) }),
)

/** A hundred lines a second apart, the first eighty in segments of ten. */
async function sealedHundred(): Promise<string> {
  const { redis } = servers.current()
  const id = newId()
  await store(redis, packLines(id, 'web1', hundred))
  await sealLines(redis, id, { fromMicros: 0, toMicros: microsOfSecond(T + 80), perSegment: 10 })
  return id
}

async function descriptorsOf(id: string) {
  const texts = await servers.current().redis.zrange(segmentsKey(collectionId(id)), '0', '-1')
  return texts.map(parseDescriptor)
}

/** Every segment gets another name, and its body is not found under the old one any more. */
async function renameSegments(id: string, suffix: string): Promise<void> {
  const { redis } = servers.current()
  const collection = collectionId(id)
  for (const descriptor of await descriptorsOf(id)) {
    const name = `${descriptor.name}-${suffix}`
    await redis
      .multi()
      .rename(segmentKey(collection, descriptor.name), segmentKey(collection, name))
      .zrem(segmentsKey(collection), descriptorText(descriptor))
      .zadd(segmentsKey(collection), descriptor.firstMicros / 1e6, descriptorText({ ...descriptor, name }))
      .hset(`{logs:collid:${id}}:counts`, 'index', name)
      .exec()
  }
}

test('lines that are sealed under a stream are neither lost nor doubled', async () => {
  const { redis } = servers.current()
  const id = newId()
  await store(redis, packLines(id, 'web1', hundred))
  const seen: string[] = []
  let sealed = 0
  for await (const stretch of streamLines(redis, readGrant(id), EVERYTHING, { pageLines: 5 })) {
    seen.push(...[...stretch.lines()].map(({ line }) => line.toString()))
    // Ahead of the stream, at its place and behind it.
    const until = Math.min(100, seen.length + 3)
    if (until <= sealed) continue
    await sealLines(redis, id, {
      fromMicros: microsOfSecond(T + sealed),
      toMicros: microsOfSecond(T + until),
      perSegment: 4,
    })
    sealed = until
  }
  assert.deepEqual(
    seen,
    hundred.map(({ line }) => line),
  )
})

test('segments that are replaced under a stream, their bodies gone, are read from the new ones', async () => {
  const { redis } = servers.current()
  const id = await sealedHundred()
  const seen: string[] = []
  let round = 0
  for await (const stretch of streamLines(redis, readGrant(id), EVERYTHING, { pageLines: 7 })) {
    seen.push(...[...stretch.lines()].map(({ line }) => line.toString()))
    if (++round % 3 !== 0) continue
    await renameSegments(id, String(round))
  }
  assert.ok(round > 6)
  assert.deepEqual(
    seen,
    hundred.map(({ line }) => line),
  )
})

test('a stream whose place is sealed goes on past many hot lines of that very moment', {
  timeout: 20_000,
}, async () => {
  const { redis } = servers.current()
  const id = newId()
  const at = microsOfSecond(T)
  const letters = ['m', 'n', 'o', 'p']
  await store(
    redis,
    packLines(
      id,
      'web1',
      letters.map((line, n) => ({ line, micros: at + n })),
    ),
  )
  await sealLines(redis, id, { fromMicros: 0, toMicros: at + 10, perSegment: 1 })
  const seen: string[] = []
  for await (const stretch of streamLines(redis, readGrant(id), EVERYTHING, { pageLines: 1 })) {
    seen.push(...[...stretch.lines()].map(({ line }) => line.toString()))
    if (seen.length !== 1) continue
    // The next segment has been read ahead; the one after it is found anew, from a place among these.
    for (let n = 0; n < 40; n++) await redis.zadd(`logs:collid:${id}`, (at + 1) / 1_000_000, `a${n}\tweb2`)
    await renameSegments(id, 'again')
  }
  assert.deepEqual(seen, letters)
})

for (const [fault, damage] of [
  ['flipped', flipBit],
  ['deleted', (redis: Redis, key: string) => redis.del(key)],
] as const)
  test(`a body that is ${fault} is a gap: pages name it, a stream gives all others and then says so`, async () => {
    const { redis } = servers.current()
    const id = await sealedHundred()
    const [, , , broken] = await descriptorsOf(id)
    assert.ok(broken)
    await damage(redis, segmentKey(collectionId(id), broken.name))
    const lines = hundred.map(({ line }) => line)
    const page = await readPage(redis, readGrant(id), {
      window: EVERYTHING,
      start: { edge: 'oldest' },
      limit: 50,
    })
    assert.deepEqual(texts(page), [...lines.slice(0, 30), ...lines.slice(40, 60)])
    assert.deepEqual(
      page.gaps.map(({ firstMicros, lastMicros, lines }) => [firstMicros, lastMicros, lines]),
      [[broken.firstMicros, broken.lastMicros, 10]],
    )
    assert.deepEqual([page.total, page.skipped], [100, 0])
    const seen: string[] = []
    await assert.rejects(
      async () => {
        for await (const stretch of streamLines(redis, readGrant(id), EVERYTHING))
          seen.push(...[...stretch.lines()].map(({ line }) => line.toString()))
      },
      (error) =>
        error instanceof GapsError &&
        /10 lines from 2025-11-23T13:55Z to 2025-11-23T13:55Z/.test(error.message),
    )
    assert.deepEqual(seen, [...lines.slice(0, 30), ...lines.slice(40)])
    const elsewhere = await readPage(redis, readGrant(id), {
      window: EVERYTHING,
      start: { edge: 'newest' },
      limit: 50,
    })
    assert.deepEqual([texts(elsewhere), elsewhere.gaps, elsewhere.skipped], [lines.slice(50), [], 50])
  })
