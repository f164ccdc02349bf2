import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Redis } from 'ioredis'
import { randomFrom } from '../../e2e/random-from.ts'
import {
  append,
  byOrder,
  everyLine,
  FIRST_SECOND,
  hotLines,
  lineText,
  member,
  merge,
  sealedLines,
  segmentLines,
  type TestMember,
} from '../../e2e/segments.ts'
import { collectionId, openStoreServer } from '../../e2e/store-server.ts'
import { QUICK_LEVEL } from '../segment/format.ts'
import {
  arrivalsKey,
  countsKey,
  DIRTY_KEY,
  dayCountsKey,
  floorKey,
  segmentKey,
  sourcesKey,
  utcDay,
} from './keys.ts'
import { FULL_SEGMENT, linesTogether, mergeLines } from './merge.ts'
import { newMergeProgress } from './merge-progress.ts'
import { microsOfSecond, secondOfMicros } from './score.ts'
import type { Descriptor } from './segment-descriptor.ts'
import { placesUpTo } from './segment-merge.ts'
import { readWholeIndex } from './standing-segments.ts'

const servers = openStoreServer()
const T = FIRST_SECOND
let lastId = 0
const newId = () => String(++lastId)

/** All that tells of a collection apart from the lines, without the index's random word. */
async function counters(redis: Redis, id: string) {
  const collection = collectionId(id)
  const { index: _, ...all } = await redis.hgetall(countsKey(collection))
  const days = [0, 1, 2, 3].map((day) => dayCountsKey(collection, utcDay(T + day * 86_400)))
  return {
    all,
    days: await Promise.all(days.map((key) => redis.hgetall(key))),
    sources: await redis.hgetall(sourcesKey(collection)),
  }
}

test('hot lines move into segments: gone from the sorted set, all there, no counter changed', async () => {
  const { redis } = servers.current()
  const id = newId()
  const lines = Array.from({ length: 5000 }, (_, n) => member(n))
  await append(redis, id, lines)
  const before = await counters(redis, id)
  const outcome = await merge(redis, id, lines.slice(0, 4500), 'hot')
  assert.deepEqual(outcome, { stored: 4500, duplicates: 0, belowRetention: [] })
  assert.deepEqual(await hotLines(redis, id), lines.slice(4500))
  assert.deepEqual(await everyLine(redis, id), lines)
  assert.deepEqual(await counters(redis, id), before)
  assert.ok(await redis.hget(countsKey(collectionId(id)), 'index'))
  const index = await readWholeIndex(redis, collectionId(id))
  assert.deepEqual(
    index.map((one) => one.lines),
    [2250, 2250],
  )
  for (const { name } of index) assert.equal(await redis.ttl(segmentKey(collectionId(id), name)), -1)
})

test('backfill counts exactly what an append of the same lines counts', async () => {
  const { redis } = servers.current()
  const [appended, filled] = [newId(), newId()]
  const lines = Array.from({ length: 3000 }, (_, n): TestMember => {
    const source = ['', 'web1', 'web2'][n % 3] ?? ''
    return [microsOfSecond(T + n * 60), source === '' ? lineText(n) : `${lineText(n)}\t${source}`]
  })
  await append(redis, appended, lines)
  await redis.srem(DIRTY_KEY, filled)
  const outcome = await merge(redis, filled, lines, 'backfill')
  assert.deepEqual(outcome, { stored: 3000, duplicates: 0, belowRetention: [] })
  assert.deepEqual(await counters(redis, filled), await counters(redis, appended))
  assert.deepEqual(await everyLine(redis, filled), lines)
  assert.deepEqual(await hotLines(redis, filled), [])
  assert.equal(await redis.sismember(DIRTY_KEY, filled), 1)
  assert.equal(await redis.hget('known:', `hits:${filled}`), '0')
  const arrivals = await redis.xrange(arrivalsKey(collectionId(filled)), '-', '+')
  assert.deepEqual(
    arrivals.map(([, fields]) => Number(fields[5])),
    Array.from(
      { length: 3 },
      (_, day) => lines.filter(([m]) => utcDay(secondOfMicros(m)) === utcDay(T + day * 86_400)).length,
    ),
  )
})

test('lines given again are duplicates, at whatever microsecond they come', async () => {
  const { redis } = servers.current()
  const id = newId()
  const lines = Array.from({ length: 500 }, (_, n) => member(n))
  await merge(redis, id, lines, 'backfill')
  const before = await counters(redis, id)
  const moved = lines.map(([micros, text], n): TestMember => [micros + (n % 7), text])
  assert.deepEqual(await merge(redis, id, moved, 'backfill'), {
    stored: 0,
    duplicates: 500,
    belowRetention: [],
  })
  assert.deepEqual(await counters(redis, id), before)
  assert.deepEqual(await everyLine(redis, id), lines)
})

test('of lines given to backfill those that are hot stay hot, and count as duplicates', async () => {
  const { redis } = servers.current()
  const id = newId()
  const lines = Array.from({ length: 20 }, (_, n) => member(n))
  await append(redis, id, lines.slice(5, 10))
  assert.deepEqual(await merge(redis, id, lines, 'backfill'), {
    stored: 15,
    duplicates: 5,
    belowRetention: [],
  })
  assert.deepEqual(await hotLines(redis, id), lines.slice(5, 10))
  assert.deepEqual(await everyLine(redis, id), lines)
})

test('lines below the floor are told by their places, and nothing is done with them', async () => {
  const { redis } = servers.current()
  const id = newId()
  await redis.set(floorKey(collectionId(id)), String(T + 2))
  const outcome = await merge(
    redis,
    id,
    [0, 1, 2, 3].map((n) => member(n)),
    'backfill',
  )
  assert.deepEqual(outcome, { stored: 2, duplicates: 0, belowRetention: [0, 1] })
  assert.equal((await everyLine(redis, id)).length, 2)
})

test('lines far apart go in several commits, which read no segment without a line', () => {
  const descriptor = (first: number, last: number, textBytes = 1000): Descriptor => ({
    firstMicros: microsOfSecond(T + first),
    lastMicros: microsOfSecond(T + last),
    lines: 10,
    textBytes,
    storedBytes: 10,
    level: 1,
    name: `s${first}`,
  })
  const together = (seconds: number[], descriptors: Descriptor[]) =>
    linesTogether(
      segmentLines(seconds.map((second, n) => member(n, T + second))),
      placesUpTo(seconds.length),
      descriptors,
    )
  assert.equal(together([1, 2, 900], []), 3)
  assert.equal(together([1, 5, 9], [descriptor(0, 3), descriptor(4, 6), descriptor(8, 9)]), 3)
  assert.equal(together([1, 2, 9], [descriptor(0, 3), descriptor(4, 6), descriptor(8, 9)]), 2)
  assert.equal(together([1, 9], [descriptor(4, 6)]), 1)
  const large = [0, 1, 2, 3, 4, 5].map((n) => descriptor(n * 2, n * 2 + 1, 4 * 1024 * 1024))
  assert.equal(together([0, 2, 4, 6, 8, 10], large), 4)
  assert.equal(together([1, 1, 2], [descriptor(1, 1, 2 ** 30)]), 2, 'a second is never divided')
})

test('whatever is appended, backfilled and sealed in whatever order, each identity is held once', async () => {
  const { redis } = servers.current()
  const random = randomFrom(11)
  const below = (n: number) => Math.floor(random() * n)
  for (let round = 0; round < 25; round++) {
    const id = newId()
    const held = new Map<string, TestMember>()
    let stored = 0
    for (let step = 0; step < 12; step++) {
      const lines = new Map<string, TestMember>()
      for (let i = below(60); i > 0; i--) {
        const second = T + below(40)
        // The second stands in the line, as in a log.
        const text = `${second} ${below(30)}\tweb${below(2)}`
        lines.set(text, [microsOfSecond(second) + below(3), text])
      }
      const some = [...lines.values()]
      const act = below(3)
      if (act === 0) stored += (await append(redis, id, some)).stored
      else if (act === 1)
        stored += (
          await mergeLines(redis, {
            collection: collectionId(id),
            lines: segmentLines(some),
            origin: 'backfill',
            level: QUICK_LEVEL,
          })
        ).stored
      else {
        const hot = await hotLines(redis, id)
        const taken = hot.slice(0, below(hot.length + 1))
        assert.equal((await merge(redis, id, taken, 'hot')).stored, taken.length)
      }
      if (act < 2) for (const one of some) if (!held.has(one[1])) held.set(one[1], one)
    }
    assert.deepEqual(await everyLine(redis, id), [...held.values()].toSorted(byOrder))
    assert.equal(stored, held.size)
  }
})

test('a merge of more lines than a segment holds leaves full ones', async () => {
  const { redis } = servers.current()
  const id = newId()
  const lines = Array.from({ length: FULL_SEGMENT.lines }, (_, n) =>
    member(n, T + Math.floor(n / 9), `web${n % 3}`),
  )
  await append(redis, id, lines)
  await merge(redis, id, lines, 'hot')
  assert.deepEqual(
    (await readWholeIndex(redis, collectionId(id))).map((one) => one.lines),
    [FULL_SEGMENT.lines],
  )
  assert.equal((await sealedLines(redis, id)).length, FULL_SEGMENT.lines)
})

/** Lets commits be done, and loses so many of their answers. */
async function withoutAnswers<T>(redis: Redis, lose: number, work: () => Promise<T>): Promise<T> {
  const call = redis.callBuffer.bind(redis)
  let left = lose
  const callAndLose = async (command: string, args: (string | Buffer | number)[]) => {
    const answer = await call(command, args)
    if (!String(answer).startsWith('committed') || left-- <= 0) return answer
    throw new Error('Connection is closed.')
  }
  redis.callBuffer = callAndLose as typeof redis.callBuffer
  try {
    return await work()
  } finally {
    redis.callBuffer = call
  }
}

test('lines of a commit whose answer got lost count as stored when the same merge goes on', async () => {
  const { redis } = servers.current()
  const id = newId()
  const standing = Array.from({ length: 10 }, (_, n) => member(n * 3))
  await merge(redis, id, standing, 'backfill')
  // Days apart, so that they take a commit each; the answer to the first gets lost.
  const [near, far] = [0, 1].map((part) =>
    Array.from({ length: 30 }, (_, n) => member(n, T + n + part * 86_400)),
  ) as [TestMember[], TestMember[]]
  await merge(redis, id, [member(999, T + 40_000)], 'backfill')
  const lines = segmentLines([...near, ...far])
  const options = { collection: collectionId(id), lines, origin: 'backfill', level: QUICK_LEVEL } as const
  const progress = newMergeProgress(lines.count)
  await assert.rejects(
    withoutAnswers(redis, 1, () => mergeLines(redis, options, progress)),
    { code: 'store_unavailable' },
  )
  assert.ok(progress.unanswered)
  const again = structuredClone(progress)
  assert.deepEqual(await mergeLines(redis, options, again), {
    stored: 50,
    duplicates: 10,
    belowRetention: [],
  })
  assert.equal((await everyLine(redis, id)).length, 61)
  assert.equal((await counters(redis, id)).all.hits, '61')
})

test('a commit that did not arrive is done when the same merge goes on', async () => {
  const { redis } = servers.current()
  const id = newId()
  const lines = segmentLines(Array.from({ length: 30 }, (_, n) => member(n)))
  const options = { collection: collectionId(id), lines, origin: 'backfill', level: QUICK_LEVEL } as const
  const progress = newMergeProgress(lines.count)
  const call = redis.callBuffer.bind(redis)
  redis.callBuffer = (() => Promise.reject(new Error('Connection is closed.'))) as typeof redis.callBuffer
  await assert.rejects(mergeLines(redis, options, progress), { code: 'store_unavailable' })
  redis.callBuffer = call
  assert.ok(progress.unanswered)
  assert.deepEqual(await mergeLines(redis, options, progress), {
    stored: 30,
    duplicates: 0,
    belowRetention: [],
  })
  assert.equal((await everyLine(redis, id)).length, 30)
})
