import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Redis } from 'ioredis'
import { everyLine, hotLines, segmentLines, type TestMember } from '../../e2e/segments.ts'
import { callsOf, collectionId, openStoreServer, packLines, store } from '../../e2e/store-server.ts'
import { QUICK_LEVEL, THOROUGH_LEVEL } from '../segment/format.ts'
import { countsKey, DIRTY_KEY, KNOWN_KEY, knownField, linesKey, segmentKey, segmentsKey } from './keys.ts'
import { Maintainer } from './maintain.ts'
import { takeMaintainLease } from './maintain-lease.ts'
import { KEEP_ALL, type MaintainReport, newReport } from './maintain-report.ts'
import { FULL_SEGMENT, mergeLines } from './merge.ts'
import { mastersOf } from './redis-client.ts'
import { microsOfSecond, secondOfMicros } from './score.ts'
import { readWholeIndex } from './standing-segments.ts'

const servers = openStoreServer()
const T = 1_763_906_100
const never = new AbortController().signal
let lastId = 0
const newId = () => String(++lastId)

const text = (n: number) =>
  `192.0.2.${n % 250} - - [23/Nov/2025:13:55:00 +0000] "GET /${n} HTTP/1.1" 200 5 "-" "x" 1824`
const lines = (count: number, firstSecond = T, everySeconds = 1) =>
  Array.from({ length: count }, (_, n) => ({
    line: text(n),
    micros: microsOfSecond(firstSecond + Math.floor(n * everySeconds)) + (n % 10),
  }))

const append = (redis: Redis, id: string, some: ReturnType<typeof lines>) =>
  store(redis, packLines(id, 'web1', some))

const backfill = (redis: Redis, id: string, some: ReturnType<typeof lines>) =>
  mergeLines(redis, {
    collection: collectionId(id),
    lines: segmentLines(some.map(({ micros, line }): TestMember => [micros, `${line}\tweb1`])),
    origin: 'backfill',
    level: QUICK_LEVEL,
  })

/** One round over what the server holds; the store is emptied after each test. */
async function round(
  redis: Redis,
  {
    nowSeconds,
    sealAfterSeconds = 900,
    maintainer = new Maintainer(redis),
  }: {
    nowSeconds: number
    sealAfterSeconds?: number | null
    maintainer?: Maintainer
  },
): Promise<MaintainReport> {
  const report = newReport()
  await maintainer.round({ nowSeconds, sealAfterSeconds, retention: KEEP_ALL, stop: never }, report)
  return report
}

const sizes = async (redis: Redis, id: string) =>
  (await readWholeIndex(redis, collectionId(id))).map((one) => one.lines)

function check(name: string, run: (redis: Redis) => Promise<void>) {
  test(name, async () => {
    const { redis } = servers.current()
    await Promise.all(mastersOf(redis).map((node) => node.flushall()))
    await run(redis)
  })
}

check('lines are sealed in whole segments, those older than the age alone', async (redis) => {
  const id = newId()
  await append(redis, id, lines(10_000))
  const now = T + 10_000
  const report = await round(redis, { nowSeconds: now })
  assert.deepEqual(report, {
    collections: 1,
    sealed: 8192,
    joined: 0,
    recompressed: 0,
    removed: 0,
    faults: [],
    notes: [],
  })
  assert.deepEqual(await sizes(redis, id), [4096, 4096])
  assert.equal((await hotLines(redis, id)).length, 10_000 - 8192)
  assert.equal((await everyLine(redis, id)).length, 10_000)
  assert.equal((await round(redis, { nowSeconds: now })).sealed, 0, 'too few are left')
})

check('the age is exact: a line stays hot up to its last second', async (redis) => {
  const id = newId()
  await append(redis, id, lines(FULL_SEGMENT.lines))
  const lastSecond = T + FULL_SEGMENT.lines - 1
  assert.equal((await round(redis, { nowSeconds: lastSecond + 900 })).sealed, 0)
  assert.equal((await round(redis, { nowSeconds: lastSecond + 901 })).sealed, FULL_SEGMENT.lines)
})

check('a day is the longest that a line waits for others', async (redis) => {
  const id = newId()
  await append(redis, id, lines(30, T, 100))
  assert.equal((await round(redis, { nowSeconds: T + 86_399 })).sealed, 0)
  assert.equal((await round(redis, { nowSeconds: T + 86_400 })).sealed, 30)
  assert.deepEqual(await hotLines(redis, id), [])
})

check('never leaves the sorted set as it is, and sealed segments as they are', async (redis) => {
  const id = newId()
  await append(redis, id, lines(5000))
  assert.equal((await round(redis, { nowSeconds: T + 9e6, sealAfterSeconds: null })).sealed, 0)
  assert.equal((await hotLines(redis, id)).length, 5000)
  await round(redis, { nowSeconds: T + 9e6 })
  await append(redis, id, lines(5000, T + 100_000))
  await round(redis, { nowSeconds: T + 9e6, sealAfterSeconds: null })
  assert.equal((await hotLines(redis, id)).length, 5000)
  assert.equal((await everyLine(redis, id)).length, 10_000)
})

check('cold segments are joined and written thoroughly, and no counter changes', async (redis) => {
  const id = newId()
  for (let piece = 0; piece < 5; piece++) await backfill(redis, id, lines(1000, T + piece * 1000))
  assert.deepEqual(await sizes(redis, id), [1000, 1000, 1000, 1000, 1000])
  const { index: _before, ...before } = await redis.hgetall(countsKey(collectionId(id)))
  const report = await round(redis, { nowSeconds: T + 90_000 })
  assert.deepEqual([report.joined, report.recompressed], [4, 1])
  const index = await readWholeIndex(redis, collectionId(id))
  assert.deepEqual(
    index.map(({ lines, level }) => [lines, level]),
    [
      [4000, THOROUGH_LEVEL],
      [1000, THOROUGH_LEVEL],
    ],
  )
  assert.equal((await everyLine(redis, id)).length, 5000)
  const { index: _after, ...after } = await redis.hgetall(countsKey(collectionId(id)))
  assert.deepEqual(after, before)
})

check('a segment is joined only an hour after its last line, and then without a new line', async (redis) => {
  const id = newId()
  const maintainer = new Maintainer(redis)
  await backfill(redis, id, lines(1500, T, 0.1))
  await backfill(redis, id, lines(1500, T + 150, 0.1))
  const lastSecond = T + 299
  assert.equal((await round(redis, { nowSeconds: lastSecond + 3600, maintainer })).joined, 0)
  assert.equal((await round(redis, { nowSeconds: lastSecond + 3601, maintainer })).joined, 2)
  assert.deepEqual(await sizes(redis, id), [3000])
})

check('what was written quickly is written anew when it is cold', async (redis) => {
  const id = newId()
  await backfill(redis, id, lines(3000))
  const levels = async () => (await readWholeIndex(redis, collectionId(id))).map((one) => one.level)
  assert.deepEqual(await levels(), [QUICK_LEVEL])
  assert.equal((await round(redis, { nowSeconds: T + 90_000 })).recompressed, 1)
  assert.deepEqual(await levels(), [THOROUGH_LEVEL])
  assert.equal((await everyLine(redis, id)).length, 3000)
  assert.equal((await round(redis, { nowSeconds: T + 90_000 })).recompressed, 0)
})

check('a late line is sealed into the segment of its time', async (redis) => {
  const id = newId()
  await append(redis, id, lines(4096))
  await round(redis, { nowSeconds: T + 9000 })
  await append(redis, id, [{ line: 'late', micros: microsOfSecond(T + 700) + 9 }])
  await round(redis, { nowSeconds: T + 90_000 })
  const all = await everyLine(redis, id)
  assert.equal(all.length, 4097)
  assert.deepEqual(
    all.filter(([micros]) => secondOfMicros(micros) === T + 700).map(([, member]) => member),
    [`${text(700)}\tweb1`, 'late\tweb1'],
  )
  assert.deepEqual(await hotLines(redis, id), [])
})

check(
  'lines that come late, a day old, are sealed alone; those that wait for their day go on waiting',
  async (redis) => {
    const id = newId()
    const maintainer = new Maintainer(redis)
    await append(redis, id, lines(50, T, 10))
    const now = T + 86_400
    assert.equal((await round(redis, { nowSeconds: now, maintainer })).sealed, 50)
    await append(redis, id, lines(40, now - 2000, 10))
    for (let n = 0; n < 3; n++) {
      const late = { line: `late ${n}`, micros: microsOfSecond(T + 25 + 10 * n) }
      // Not yet a day old, but it comes late too and lies among the sealed ones.
      const younger = { line: `younger ${n}`, micros: microsOfSecond(T + 455 + n) }
      await append(redis, id, [late, younger])
      const nowSeconds = now + 30 * (n + 1)
      assert.equal((await round(redis, { nowSeconds, maintainer })).sealed, 2)
      assert.deepEqual(await sizes(redis, id), [52 + 2 * n])
      assert.equal((await hotLines(redis, id)).length, 40)
    }
    // Each seal comes a day after the oldest line, not after each line.
    assert.equal((await round(redis, { nowSeconds: now - 2000 + 86_399, maintainer })).sealed, 0)
    assert.equal((await round(redis, { nowSeconds: now - 2000 + 86_400, maintainer })).sealed, 40)
    assert.equal((await everyLine(redis, id)).length, 96)
  },
)

check('a late line in a full segment is written with it once, and then nothing is', async (redis) => {
  const id = newId()
  const maintainer = new Maintainer(redis)
  const count = 2 * FULL_SEGMENT.lines
  await append(redis, id, lines(count))
  const nowSeconds = T + count + 200_000
  const setsOfRound = async () => {
    const before = await callsOf(redis, 'set')
    await round(redis, { nowSeconds, maintainer })
    // The lease of the projector is not taken here, so that every SET is a segment's body.
    return (await callsOf(redis, 'set')) - before
  }
  await setsOfRound()
  assert.deepEqual(await sizes(redis, id), [FULL_SEGMENT.lines, FULL_SEGMENT.lines])
  const late = async (n: number) =>
    append(redis, id, [{ line: `late ${n}`, micros: microsOfSecond(T + 3000 + n) + 11 }])
  await late(0)
  assert.equal(await setsOfRound(), 2, 'it no longer fits, and becomes two halves')
  assert.equal(await setsOfRound(), 0)
  for (let n = 1; n < 4; n++) {
    await late(n)
    assert.equal(await setsOfRound(), 1)
    assert.equal(await setsOfRound(), 0)
  }
  assert.deepEqual(await sizes(redis, id), [2049, 2051, FULL_SEGMENT.lines])
  assert.equal((await everyLine(redis, id)).length, count + 4)
})

check('more lines of one score than a segment holds are sealed together', async (redis) => {
  const id = newId()
  const same = Array.from({ length: 9000 }, (_, n) => ({ line: text(n), micros: microsOfSecond(T) }))
  await append(redis, id, [{ line: 'before', micros: microsOfSecond(T - 1) }, ...same])
  await round(redis, { nowSeconds: T + 90_000 })
  assert.equal((await everyLine(redis, id)).length, 9001)
  assert.equal((await hotLines(redis, id)).length, 0)
})

check('lines of a mebibyte are sealed in stretches of bounded bytes', async (redis) => {
  const id = newId()
  const large = Array.from({ length: 5 }, (_, n) => ({
    line: `${n}${'x'.repeat(700_000)}`,
    micros: microsOfSecond(T + n),
  }))
  await append(redis, id, large)
  await round(redis, { nowSeconds: T + 90_000 })
  assert.equal((await everyLine(redis, id)).length, 5)
  assert.equal((await hotLines(redis, id)).length, 0)
})

check('the projections equal the counters afterwards', async (redis) => {
  const id = newId()
  await append(redis, id, lines(12))
  assert.equal(await redis.hget(KNOWN_KEY, knownField(collectionId(id))), '0')
  await round(redis, { nowSeconds: T })
  assert.equal(await redis.hget(KNOWN_KEY, knownField(collectionId(id))), '12')
  assert.equal(await redis.scard(DIRTY_KEY), 0)
})

check('a fault of one collection is said with its key, and concerns no other', async (redis) => {
  const [wrongLines, wrongIndex, badEntry, broken, fine] = [newId(), newId(), newId(), newId(), newId()]
  for (const id of [wrongLines, wrongIndex, badEntry, broken, fine]) await append(redis, id, lines(100))
  const key = (id: string, of: (id: ReturnType<typeof collectionId>) => string) => of(collectionId(id))
  await redis.set(key(wrongLines, linesKey), 'mine')
  await redis.set(key(wrongIndex, segmentsKey), 'mine')
  await redis.zadd(key(badEntry, segmentsKey), '5', 'not an entry')
  await round(redis, { nowSeconds: T })
  await mergeLines(redis, {
    collection: collectionId(broken),
    lines: segmentLines(await hotLines(redis, broken)),
    origin: 'hot',
    level: QUICK_LEVEL,
  })
  const [segment] = await readWholeIndex(redis, collectionId(broken))
  const body = segmentKey(collectionId(broken), segment?.name ?? '')
  await redis.set(body, 'broken')
  await append(redis, broken, lines(4, T + 10_000))
  const report = await round(redis, { nowSeconds: T + 200_000 })
  const reasonOf = (id: string) => report.faults.find(({ collection }) => collection === id)?.reason ?? ''
  assert.equal(report.collections, 5)
  assert.ok(reasonOf(wrongLines).includes(`the key ${key(wrongLines, linesKey)} holds a string`))
  assert.ok(reasonOf(wrongIndex).includes(`the key ${key(wrongIndex, segmentsKey)} holds a string`))
  assert.ok(reasonOf(badEntry).includes(key(badEntry, segmentsKey)))
  assert.ok(reasonOf(broken).includes(body))
  assert.equal(report.faults.length, 4)
  assert.equal(report.sealed, 104, 'those of the fine one, and the four behind the broken segment')
})

check('a full store takes no new line, and is relieved by sealing, by age and by budget', async (redis) => {
  const limit = (bytes: number) =>
    Promise.all(mastersOf(redis).map((node) => node.config('SET', 'maxmemory', bytes)))
  const fill = async (count: number) => {
    await limit(0)
    await Promise.all(mastersOf(redis).map((node) => node.flushall()))
    const id = newId()
    await append(redis, id, lines(count))
    await limit(1)
    await assert.rejects(append(redis, id, lines(1, T + 90_000)), /OOM/)
    return id
  }
  const relief = async (retention: Partial<typeof KEEP_ALL>, sealAfterSeconds: number | null) => {
    const report = newReport()
    const options = { nowSeconds: T + 2 * 86_400, sealAfterSeconds, stop: never }
    const lease = await takeMaintainLease(redis, { waitMs: 0, stop: never })
    assert.ok(lease)
    await new Maintainer(redis).round({ ...options, retention: { ...KEEP_ALL, ...retention } }, report)
    await lease.release()
    return report
  }
  try {
    const sealed = await fill(9000)
    assert.equal((await relief({}, 900)).sealed, 9000)
    assert.equal((await everyLine(redis, sealed)).length, 9000)
    await fill(3000)
    assert.equal((await relief({ daysOf: () => 1 }, null)).removed, 3000)
    await fill(3000)
    assert.ok((await relief({ budgetBytes: 64 * 1024 }, null)).removed > 1000)
  } finally {
    await limit(0)
  }
})

check('a count that its lines do not bear out is said with the numbers', async (redis) => {
  const id = newId()
  await append(redis, id, lines(5000))
  await round(redis, { nowSeconds: T + 6000 })
  await redis.hincrby(countsKey(collectionId(id)), 'hits', 7)
  await redis.hincrby(countsKey(collectionId(id)), 'removed', 2)
  assert.deepEqual((await round(redis, { nowSeconds: T + 6000 })).faults, [
    {
      collection: id,
      reason: '5007 lines were counted, but 904 hot + 4096 sealed + 2 removed are 5002',
    },
  ])
})

check(
  'two maintainers at once, beside appends of new, late and repeated lines, double and lose nothing',
  async (redis) => {
    const ids = [newId(), newId(), newId()]
    const all = lines(12_000, T, 0.5)
    const working = { on: true }
    const rounds = [1, 2].map(async () => {
      const maintainer = new Maintainer(redis)
      while (working.on) {
        const report = await round(redis, { nowSeconds: T + 200_000, maintainer })
        assert.deepEqual(report.faults, [])
      }
    })
    for (let from = 0; from < all.length; from += 1000)
      for (const id of ids) {
        const late = all.slice(0, from).filter((_, n) => n % 97 === from % 97)
        // Every fifth line comes much later than its time.
        const now = all.slice(from, from + 1000).filter((_, n) => n % 5 > 0)
        await append(redis, id, [...now, ...late])
      }
    for (const id of ids) await append(redis, id, all)
    working.on = false
    await Promise.all(rounds)
    await round(redis, { nowSeconds: T + 200_000 })
    for (const id of ids) {
      assert.equal((await everyLine(redis, id)).length, 12_000)
      assert.deepEqual(await hotLines(redis, id), [])
    }
  },
)

check('a projection that was left behind is brought up to the counters', async (redis) => {
  const id = newId()
  await append(redis, id, lines(5))
  await redis.hset('known:', `hits:${id}`, 3)
  await redis.del('ingest:dirty')
  await round(redis, { nowSeconds: T + 10 })
  assert.equal(await redis.hget('known:', `hits:${id}`), '5')
})

check(
  'lines and entries that no program of ours wrote keep nobody else from being maintained',
  async (redis) => {
    const [foreign, broken, own] = [newId(), newId(), newId()]
    await append(redis, foreign, lines(5))
    await redis.zadd(`logs:collid:${foreign}`, T - 1, 'two\nlines')
    await append(redis, broken, lines(5))
    await redis.zadd(`{logs:collid:${broken}}:segments`, T, 'nonsense')
    await append(redis, own, lines(5))
    const report = await round(redis, { nowSeconds: T + 2 * 86_400 })
    assert.deepEqual(new Set(report.faults.map(({ collection }) => collection)), new Set([foreign, broken]))
    assert.deepEqual(await sizes(redis, own), [5])
  },
)
