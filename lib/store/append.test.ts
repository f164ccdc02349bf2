import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Redis } from 'ioredis'
import { everyLine, hotLines, segmentLines, type TestMember } from '../../e2e/segments.ts'
import {
  callsOf,
  collectionId,
  openStoreServer,
  packLines,
  store,
  type TestLine,
} from '../../e2e/store-server.ts'
import { THOROUGH_LEVEL } from '../segment/format.ts'
import { type AppendOutcome, appendLines } from './append.ts'
import {
  arrivalsKey,
  countsKey,
  DIRTY_KEY,
  dayCountsKey,
  floorKey,
  linesKey,
  segmentKey,
  segmentsKey,
  sourcesKey,
} from './keys.ts'
import { mergeLines } from './merge.ts'
import { connectRedis, whenReady } from './redis.ts'
import { mastersOf } from './redis-client.ts'
import { microsOfSecond } from './score.ts'
import { readWholeIndex } from './standing-segments.ts'

const servers = openStoreServer()
const T = 1_763_906_100

const line = (text: string, second = T, place = 0, ordinal = 0): TestLine => ({
  line: text,
  micros: microsOfSecond(second) + place,
  ordinal,
})

const seal = (redis: Redis, id: string, lines: readonly TestMember[]) =>
  mergeLines(redis, {
    collection: collectionId(id),
    lines: segmentLines(lines),
    origin: 'hot',
    level: THOROUGH_LEVEL,
  })

/** All that an append writes for a collection. */
async function everything(redis: Redis, id: string) {
  return [
    await redis.zrange(linesKey(collectionId(id)), '0', '-1', 'WITHSCORES'),
    await redis.hgetall(countsKey(collectionId(id))),
    await redis.hgetall(dayCountsKey(collectionId(id), '20251123')),
    await redis.hgetall(sourcesKey(collectionId(id))),
    await redis.xlen(arrivalsKey(collectionId(id))),
  ]
}

test('lines that are new are stored with their counters, once for each call', async () => {
  const { redis } = servers.current()
  const outcome = await store(
    redis,
    packLines('11', 'web1', [line('a'), line('b', T, 1), line('c', T + 86_400)]),
  )
  assert.deepEqual(outcome, { stored: 3, duplicates: 0, refused: [] })
  assert.deepEqual(await redis.hgetall(countsKey(collectionId('11'))), {
    hits: '3',
    last: String(T + 86_400),
  })
  assert.deepEqual(await redis.hgetall(dayCountsKey(collectionId('11'), '20251123')), {
    hits: '2',
    'h:web1': '2',
    's:2': '2',
  })
  assert.deepEqual(await redis.hgetall(sourcesKey(collectionId('11'))), { web1: String(T + 86_400) })
  assert.equal(await redis.xlen(arrivalsKey(collectionId('11'))), 2)
  assert.equal(await redis.sismember(DIRTY_KEY, '11'), 1)
  assert.equal(await redis.hget('known:', 'hits:11'), '0')
})

test('a call sent again stores nothing and leaves every counter and score as it was', async () => {
  const { redis } = servers.current()
  const groups = packLines('12', 'web1', [line('a'), line('b', T, 1)])
  await store(redis, groups)
  const before = await everything(redis, '12')
  // Sent from elsewhere than its start, the same log computes other microseconds.
  const again = await store(redis, packLines('12', 'web1', [line('b', T, 0), line('a', T, 1)]))
  assert.deepEqual(again, { stored: 0, duplicates: 2, refused: [] })
  const after = await everything(redis, '12')
  assert.deepEqual(after, before)
})

test('of a call that overlaps what stands, exactly the rest is stored', async () => {
  const { redis } = servers.current()
  await store(redis, packLines('13', 'web1', [line('a'), line('b')]))
  const outcome = await store(redis, packLines('13', 'web1', [line('b'), line('c'), line('a'), line('d')]))
  assert.deepEqual([outcome.stored, outcome.duplicates], [2, 2])
  assert.equal(await redis.zcard(linesKey(collectionId('13'))), 4)
  assert.equal(await redis.hget(countsKey(collectionId('13')), 'hits'), '4')
})

test('a member that comes twice in one call is stored once and counted once', async () => {
  const { redis } = servers.current()
  const outcome = await store(redis, packLines('14', 'web1', [line('a'), line('a', T, 1)]))
  assert.deepEqual([outcome.stored, outcome.duplicates], [1, 1])
  assert.equal(await redis.hget(countsKey(collectionId('14')), 'hits'), '1')
})

test('of a member that comes twice in one call the first score stands, and neither is counted for its class again', async () => {
  const { redis } = servers.current()
  const id = collectionId('140')
  const lines = ['a', 'b', 'a', 'a', 'c'].map((text, place) => line(text, T, place))
  const outcome = await store(redis, packLines('140', 'web1', lines))
  assert.deepEqual(outcome, { stored: 3, duplicates: 2, refused: [] })
  const scores = await redis.zrange(linesKey(id), '0', '-1', 'WITHSCORES')
  assert.deepEqual(
    scores.filter((_, at) => at % 2 === 0),
    ['a\tweb1', 'b\tweb1', 'c\tweb1'],
  )
  assert.deepEqual(await redis.hgetall(dayCountsKey(id, '20251123')), {
    hits: '3',
    'h:web1': '3',
    's:2': '3',
  })
  const [[, fields]] = (await redis.xrange(arrivalsKey(id), '-', '+')) as [[string, string[]]]
  assert.equal(fields[5], '3')
})

test('more lines than go into one command of a script are stored in one call', async () => {
  const { redis } = servers.current()
  const lines = Array.from({ length: 4321 }, (_, n) => line(`l${n}`, T + n))
  const [group] = packLines('141', 'web1', lines)
  assert.equal((await store(redis, [group ?? assert.fail()])).stored, 4321)
  assert.equal(await redis.zcard(linesKey(collectionId('141'))), 4321)
  assert.equal((await store(redis, packLines('141', 'web1', lines))).duplicates, 4321)
})

test('equal lines of two sources, and true repeats of one, are all kept', async () => {
  const { redis } = servers.current()
  await store(redis, packLines('15', 'web1', [line('a'), line('a', T, 1, 1)]))
  await store(redis, packLines('15', 'web2', [line('a')]))
  await store(redis, packLines('15', '', [line('a'), line('a', T, 1, 1)]))
  assert.deepEqual((await redis.zrange(linesKey(collectionId('15')), '0', '-1')).sort(), [
    'a',
    'a\t#1',
    'a\tweb1',
    'a\tweb1#1',
    'a\tweb2',
  ])
})

test('lines below the floor are refused with that reason, and the rest of their call is stored', async () => {
  const { redis } = servers.current()
  await redis.set(floorKey(collectionId('16')), String(T))
  const outcome = await store(redis, packLines('16', 'web1', [line('old', T - 1), line('new')]))
  assert.equal(outcome.stored, 1)
  assert.deepEqual(
    outcome.refused.map(({ lines, reason }) => [lines.count, reason]),
    [[1, 'below retention']],
  )
  assert.deepEqual(await redis.zrange(linesKey(collectionId('16')), '0', '-1'), ['new\tweb1'])
})

test('a collection whose key holds something else is refused in words and keeps no other from being stored', async () => {
  const { redis } = servers.current()
  await redis.set(linesKey(collectionId('17')), 'mine')
  const outcome = await store(redis, [
    ...packLines('17', 'web1', [line('a')]),
    ...packLines('18', 'web1', [line('a')]),
  ])
  assert.equal(outcome.stored, 1)
  assert.match(outcome.refused[0]?.reason ?? '', /logs:collid:17 holds a string/)
  assert.equal(await redis.get(linesKey(collectionId('17'))), 'mine')
  assert.equal(await redis.exists(countsKey(collectionId('17'))), 0)
})

test('lines that stand in a sealed segment are duplicates, and later or earlier ones of its seconds are stored', async () => {
  const { redis } = servers.current()
  const lines = Array.from({ length: 40 }, (_, n) => line(`l${n}`, T + n * 10))
  await store(redis, packLines('19', 'web1', lines))
  const before = await everything(redis, '19')
  await seal(redis, '19', await hotLines(redis, '19'))
  // From elsewhere than its start the same log computes other microseconds.
  const again = lines.map((one) => ({ ...one, micros: one.micros + 7 }))
  assert.deepEqual(await store(redis, packLines('19', 'web1', again)), {
    stored: 0,
    duplicates: 40,
    refused: [],
  })
  assert.deepEqual((await everything(redis, '19')).slice(2), before.slice(2), 'no counter changed')
  const late = [line('late', T + 15), line('l3', T + 30), line('after', T + 9000)]
  const { stored, duplicates } = await store(redis, packLines('19', 'web1', late))
  assert.deepEqual([stored, duplicates], [2, 1])
  assert.equal((await everyLine(redis, '19')).length, 42)
  assert.deepEqual(
    (await hotLines(redis, '19')).map(([, text]) => text),
    ['late\tweb1', 'after\tweb1'],
    'a late line goes to the hot set',
  )
  assert.deepEqual(await store(redis, packLines('19', 'web1', late)), {
    stored: 0,
    duplicates: 3,
    refused: [],
  })
})

test('lines are appended over several segments, while these are merged, each once', async () => {
  const { redis } = servers.current()
  const lines = Array.from({ length: 3000 }, (_, n) => line(`l${n}`, T + n))
  for (let part = 0; part < 5; part++) {
    await store(redis, packLines('26', 'web1', lines.slice(part * 500, part * 500 + 500)))
    await seal(redis, '26', await hotLines(redis, '26'))
  }
  const late = Array.from({ length: 500 }, (_, n) => line(`late${n}`, T + n * 5))
  const work = { appending: true }
  const sealing = (async () => {
    while (work.appending) await seal(redis, '26', await hotLines(redis, '26'))
  })()
  let stored = 0
  for (let from = 0; from < 500; from += 20) {
    // New ones and sent again ones, over all segments.
    const some = [
      ...late.slice(from, from + 20),
      ...late.slice(0, from),
      ...lines.slice(from * 4, from * 4 + 80),
    ]
    stored += (await store(redis, packLines('26', 'web1', some))).stored
  }
  work.appending = false
  await sealing
  assert.equal(stored, 500)
  assert.equal((await everyLine(redis, '26')).length, 3000)
})

test('a batch with one late line reads the segments of that line, however many stand between it and the new ones', async () => {
  const { redis } = servers.current()
  const id = collectionId('30')
  const ten = Array.from({ length: 10 }, (_, n) => [
    line(`a${n}`, T + 100 * n),
    line(`b${n}`, T + 100 * n + 50),
  ])
  for (const pair of ten) {
    await store(redis, packLines('30', 'web1', pair))
    await seal(redis, '30', await hotLines(redis, '30'))
  }
  assert.equal((await readWholeIndex(redis, id)).length, 10)
  const fresh = Array.from({ length: 1000 }, (_, n) => line(`new ${n}`, T + 2000 + n))
  // In no order, as several processes write one log.
  const batch = [...fresh.slice(500), line('late', T + 320), line('b7', T + 750), ...fresh.slice(0, 500)]
  const readsBefore = await callsOf(redis, 'get')
  const outcome = await store(redis, packLines('30', 'web1', batch))
  assert.deepEqual(outcome, { stored: 1001, duplicates: 1, refused: [] })
  const floorsRead = 2
  assert.equal((await callsOf(redis, 'get')) - readsBefore, 2 + floorsRead, 'two segments, of ten')
  assert.equal((await everyLine(redis, '30')).length, 1021)
})

test('lines of the seconds of a segment that cannot be read are refused with its key, others are stored', async () => {
  const { redis } = servers.current()
  const id = collectionId('27')
  await store(redis, packLines('27', 'web1', [line('a', T), line('b', T + 10)]))
  await seal(redis, '27', await hotLines(redis, '27'))
  const [segment] = await readWholeIndex(redis, id)
  const key = segmentKey(id, segment?.name ?? '')
  await redis.del(key)
  const lines = [line('before', T - 5), line('b', T + 10), line('within', T + 5), line('after', T + 11)]
  const outcome = await store(redis, packLines('27', 'web1', lines))
  assert.deepEqual([outcome.stored, outcome.duplicates], [2, 0])
  assert.deepEqual(
    outcome.refused.map(({ lines }) => [...lines.members()].map(String)),
    [['b\tweb1', 'within\tweb1']],
  )
  assert.ok(outcome.refused[0]?.reason.includes(key))
})

test('an entry of the index that is none is refused in words and keeps no other from being stored', async () => {
  const { redis } = servers.current()
  const key = segmentsKey(collectionId('28'))
  await redis.zadd(key, String(T - 100), `${T - 100}:${T}:10:100:10:one`)
  const outcome = await store(redis, [
    ...packLines('28', 'web1', [line('a')]),
    ...packLines('29', 'web1', [line('a')]),
  ])
  assert.equal(outcome.stored, 1)
  assert.ok(outcome.refused[0]?.reason.startsWith(`${key}: not an entry of a segment index`))
  assert.equal(await redis.exists(linesKey(collectionId('28'))), 0)
})

test('a server that lost the script is given it again', async () => {
  const { redis } = servers.current()
  await Promise.all(mastersOf(redis).map((node) => node.script('FLUSH')))
  assert.equal((await store(redis, packLines('20', 'web1', [line('a')]))).stored, 1)
})

test('what a cut connection left open is handed back and can be sent again', async () => {
  const { redis, server } = servers.current()
  const cut = connectRedis({ url: server.url })
  await whenReady(cut, 5000)
  cut.disconnect()
  const outcome: AppendOutcome = { stored: 0, duplicates: 0, refused: [] }
  const groups = packLines('21', 'web1', [line('a')])
  const { rest, error } = await appendLines(cut, groups, outcome)
  assert.ok(error)
  assert.deepEqual(rest, groups)
  assert.equal((await store(redis, rest)).stored, 1)
})

test('a full Redis writes nothing of a call, neither lines nor counters', async () => {
  const { redis } = servers.current()
  const limit = (bytes: string) =>
    Promise.all(mastersOf(redis).map((node) => node.config('SET', 'maxmemory', bytes)))
  await limit('1')
  const outcome: AppendOutcome = { stored: 0, duplicates: 0, refused: [] }
  const { rest, error } = await appendLines(redis, packLines('22', 'web1', [line('a')]), outcome)
  await limit('0')
  assert.match(String(error), /OOM/)
  assert.equal(rest.length, 1)
  assert.equal(await redis.exists(linesKey(collectionId('22')), countsKey(collectionId('22'))), 0)
})

test('whatever is sent, in whatever pieces and repeats, the store holds each identity once and counts it once', async () => {
  const { redis } = servers.current()
  let run = 0
  const someLine = fc.record({
    text: fc.constantFrom('a', 'b', 'c\t', 'd\tweb1', 'é\xff'),
    second: fc.integer({ min: T, max: T + 3 }),
    ordinal: fc.integer({ min: 0, max: 2 }),
    source: fc.constantFrom('', 'web1', 'web2'),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(someLine, { maxLength: 12 }), { maxLength: 6 }), async (calls) => {
      const id = String(1000 + run++)
      const identities = new Set<string>()
      let stored = 0
      for (const call of calls) {
        for (const source of ['', 'web1', 'web2']) {
          const own = call.filter((one) => one.source === source)
          // The second stands in the line, as in a log.
          const lines = own.map((one) => line(`${one.second} ${one.text}`, one.second, 0, one.ordinal))
          stored += (await store(redis, packLines(id, source, lines))).stored
          for (const one of own) identities.add(JSON.stringify(one))
        }
      }
      assert.equal(stored, identities.size)
      assert.equal(await redis.zcard(linesKey(collectionId(id))), identities.size)
      assert.equal(Number(await redis.hget(countsKey(collectionId(id)), 'hits')), identities.size)
    }),
    { numRuns: 60 },
  )
})
