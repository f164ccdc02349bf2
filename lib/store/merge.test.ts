import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { test } from 'node:test'
import type { Redis } from 'ioredis'
import { randomFrom } from '../../e2e/random-from.ts'
import {
  byOrder,
  everyLine,
  hotLines,
  sealedLines,
  segmentLines,
  type TestMember,
} from '../../e2e/segments.ts'
import { collectionId, openStoreServer, packLines, store } from '../../e2e/store-server.ts'
import { decodeMember } from '../line/member.ts'
import { QUICK_LEVEL, SEAL_LEVEL } from '../segment/format.ts'
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
  utcDay,
} from './keys.ts'
import { FULL_SEGMENT, linesTogether, mergeLines } from './merge.ts'
import { microsOfSecond, scoreText, secondOfMicros } from './score.ts'
import type { Descriptor } from './segment-descriptor.ts'
import { readWholeIndex } from './segment-index.ts'
import { STORAGE_CHANNEL, type StorageMoment, type StoragePoint } from './storage-points.ts'

const servers = openStoreServer()
const T = 1_763_906_100
type Argument = string | Buffer | number
let lastId = 0
const newId = () => String(++lastId)

const lineText = (n: number, status = 200) =>
  `192.0.2.${n % 250} - - [23/Nov/2025:13:55:00 +0000] "GET /${n} HTTP/1.1" ${status} 5 "-" "x" 1824`
const member = (n: number, second = T + n, source = 'web1'): TestMember => [
  microsOfSecond(second),
  `${lineText(n)}\t${source}`,
]

/** Appends as ingest does, each source by itself. */
async function append(redis: Redis, id: string, lines: readonly TestMember[]) {
  const bySource = Map.groupBy(lines, ([, text]) => decodeMember(Buffer.from(text, 'latin1')).source)
  let stored = 0
  let duplicates = 0
  for (const [source, some] of bySource) {
    const groups = packLines(
      id,
      source,
      some.map(([micros, text]) => {
        const { line, ordinal } = decodeMember(Buffer.from(text, 'latin1'))
        return { line, ordinal, micros }
      }),
    )
    const outcome = await store(redis, groups)
    assert.deepEqual(outcome.refused, [])
    stored += outcome.stored
    duplicates += outcome.duplicates
  }
  return { stored, duplicates }
}

const merge = (redis: Redis, id: string, lines: readonly TestMember[], origin: 'hot' | 'backfill') =>
  mergeLines(redis, { collection: collectionId(id), lines: segmentLines(lines), origin, level: SEAL_LEVEL })

/** Runs `act` once, when that point is reached in this process. */
async function at<T>(point: StoragePoint, id: string, act: () => void, work: () => Promise<T>): Promise<T> {
  const onPoint = (message: unknown) => {
    const moment = message as StorageMoment
    if (moment.point !== point || moment.collection !== id) return
    unsubscribe(STORAGE_CHANNEL, onPoint)
    act()
  }
  subscribe(STORAGE_CHANNEL, onPoint)
  try {
    return await work()
  } finally {
    unsubscribe(STORAGE_CHANNEL, onPoint)
  }
}

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

test('a floor set while the segments are built is heeded', async () => {
  const { redis } = servers.current()
  const id = newId()
  const key = floorKey(collectionId(id))
  const lines = [0, 1, 2, 3].map((n) => member(n))
  const outcome = await at(
    'before commit',
    id,
    () => void redis.set(key, String(T + 2)),
    () => merge(redis, id, lines, 'backfill'),
  )
  assert.deepEqual(outcome, { stored: 2, duplicates: 0, belowRetention: [0, 1] })
  assert.deepEqual(await everyLine(redis, id), lines.slice(2))
})

test('hot lines that another sealer moved are not moved twice', async () => {
  const { redis } = servers.current()
  const id = newId()
  const lines = Array.from({ length: 100 }, (_, n) => member(n))
  await append(redis, id, lines)
  const outcomes = await Promise.all([
    merge(redis, id, lines, 'hot'),
    merge(redis, id, lines.slice(30), 'hot'),
    merge(redis, id, lines.slice(0, 60), 'hot'),
  ])
  assert.equal(
    outcomes.reduce((sum, { stored }) => sum + stored, 0),
    100,
  )
  assert.deepEqual(await everyLine(redis, id), lines)
})

test('a hot line whose score was changed meanwhile stays hot', async () => {
  const { redis } = servers.current()
  const id = newId()
  const lines = Array.from({ length: 10 }, (_, n) => member(n))
  await append(redis, id, lines)
  const moved: TestMember = [(lines[4]?.[0] ?? 0) + 5, lines[4]?.[1] ?? '']
  await redis.zadd(linesKey(collectionId(id)), scoreText(moved[0]), moved[1])
  assert.equal((await merge(redis, id, lines, 'hot')).stored, 9)
  assert.deepEqual(await hotLines(redis, id), [moved])
})

test('a hot line that is gone by the time of the commit is not brought back by it', async () => {
  const { redis } = servers.current()
  const id = newId()
  const lines = Array.from({ length: 10 }, (_, n) => member(n))
  await append(redis, id, lines)
  const remove = () => void redis.zrem(linesKey(collectionId(id)), lines[4]?.[1] ?? '')
  const outcome = await at('before commit', id, remove, () => merge(redis, id, lines, 'hot'))
  assert.equal(outcome.stored, 9)
  assert.deepEqual(
    await sealedLines(redis, id),
    lines.filter((_, n) => n !== 4),
  )
})

test('a line stored hot while backfill builds its segment is not stored twice', async () => {
  const { redis } = servers.current()
  const id = newId()
  const lines = Array.from({ length: 10 }, (_, n) => member(n))
  let appended: Promise<unknown> = Promise.resolve()
  // Down the same connection, so that Redis has the line before the commit.
  const startAppend = () => {
    appended = append(redis, id, lines.slice(3, 4))
  }
  const outcome = await at('before commit', id, startAppend, () => merge(redis, id, lines, 'backfill'))
  await appended
  assert.deepEqual(outcome, { stored: 9, duplicates: 1, belowRetention: [] })
  assert.deepEqual(await everyLine(redis, id), lines)
})

test('a segment that appears under a merge is merged with, not written over', async () => {
  const { redis } = servers.current()
  const id = newId()
  const lines = Array.from({ length: 400 }, (_, n) => member(n % 40, T + n))
  // Each starts from the same index, of which only one can be right.
  const parts = [0, 1, 2, 3].map((part) => lines.filter((_, n) => n % 4 === part))
  await Promise.all(parts.map((part) => merge(redis, id, part, 'backfill')))
  assert.deepEqual(await everyLine(redis, id), lines)
  assert.equal((await readWholeIndex(redis, collectionId(id))).length, 1)
})

test('a commit whose answer got lost and that is run again doubles nothing', async () => {
  const { redis } = servers.current()
  const call = redis.callBuffer.bind(redis)
  for (const origin of ['hot', 'backfill'] as const) {
    const id = newId()
    const lines = Array.from({ length: 50 }, (_, n) => member(n))
    if (origin === 'hot') await append(redis, id, lines)
    let runs = 0
    const callTwice = async (command: string, args: Argument[]) => {
      const answer = await call(command, args)
      if (String(answer).startsWith('committed')) {
        runs++
        // As it is sent again by a client whose connection broke, or by a network that delivers twice.
        assert.match(String(await call(command, args)), /^(segments|members)/)
        throw new Error('Connection is closed.')
      }
      return answer
    }
    redis.callBuffer = callTwice as typeof redis.callBuffer
    try {
      await assert.rejects(merge(redis, id, lines, origin), { code: 'store_unavailable' })
    } finally {
      redis.callBuffer = call
    }
    assert.equal(runs, 1)
    assert.deepEqual(await everyLine(redis, id), lines)
    const again = await merge(redis, id, lines, origin)
    assert.equal(again.stored, 0)
    assert.deepEqual(await everyLine(redis, id), lines)
  }
})

test('a body that expired before its commit is built again', async () => {
  const { redis } = servers.current()
  const id = newId()
  const lines = Array.from({ length: 50 }, (_, n) => member(n))
  const removeBodies = () =>
    void redis.eval(
      "for _, key in ipairs(redis.call('KEYS', ARGV[1])) do redis.call('DEL', key) end",
      0,
      `*{logs:collid:${id}}:segment:*`,
    )
  const outcome = await at('before commit', id, removeBodies, () => merge(redis, id, lines, 'backfill'))
  assert.deepEqual(outcome, { stored: 50, duplicates: 0, belowRetention: [] })
  assert.deepEqual(await everyLine(redis, id), lines)
})

test('bodies expire until they are committed, and again once they are replaced', async () => {
  const { redis } = servers.current()
  const id = newId()
  const key = ({ name }: Descriptor) => segmentKey(collectionId(id), name)
  let expiries: Promise<unknown> = Promise.resolve([])
  // In one script, so that Redis answers before it is given the commit.
  const look = () => {
    expiries = redis.eval(
      "local all = {} for i, key in ipairs(redis.call('KEYS', ARGV[1])) do all[i] = redis.call('TTL', key) end return all",
      0,
      `*{logs:collid:${id}}:segment:*`,
    )
  }
  await at('bodies built', id, look, () => merge(redis, id, [member(1), member(9)], 'backfill'))
  const [expiry = -1, ...more] = (await expiries) as number[]
  assert.ok(expiry > 500 && expiry <= 600 && more.length === 0)
  const [first] = await readWholeIndex(redis, collectionId(id))
  assert.ok(first)
  assert.equal(await redis.ttl(key(first)), -1)
  await merge(redis, id, [member(5)], 'backfill')
  const ttl = await redis.ttl(key(first))
  assert.ok(ttl > 500 && ttl <= 600, 'readers that hold the old index still find it')
  assert.equal((await readWholeIndex(redis, collectionId(id))).length, 1)
})

test('a segment that is gone or broken stops the lines that touch it, names its key, and moves nothing', async () => {
  const { redis } = servers.current()
  for (const harm of ['gone', 'broken'] as const) {
    const id = newId()
    await merge(redis, id, [member(1), member(9)], 'backfill')
    const [first] = await readWholeIndex(redis, collectionId(id))
    const key = segmentKey(collectionId(id), first?.name ?? '')
    if (harm === 'gone') await redis.del(key)
    else await redis.setrange(key, 70, 'xx')
    const hot = [member(5), member(20)]
    await append(redis, id, hot.slice(1))
    await redis.zadd(linesKey(collectionId(id)), scoreText(hot[0]?.[0] ?? 0), hot[0]?.[1] ?? '')
    await assert.rejects(merge(redis, id, hot, 'hot'), (error: Error) => error.message.includes(key))
    assert.deepEqual(await hotLines(redis, id), hot)
  }
})

test('a key of a wrong type is named, and nothing is written', async () => {
  const { redis } = servers.current()
  const keyOf = [segmentsKey, countsKey, sourcesKey, arrivalsKey, (id: never) => dayCountsKey(id, utcDay(T))]
  for (const keyFor of keyOf) {
    const id = newId()
    const key = keyFor(collectionId(id) as never)
    await redis.set(key, 'mine')
    await assert.rejects(merge(redis, id, [member(0)], 'backfill'), (error: Error) =>
      `${error.message} ${error.cause}`.includes(
        keyFor === segmentsKey ? 'WRONGTYPE' : `the key ${key} holds a string`,
      ),
    )
    assert.deepEqual(await redis.keys(`*${id}}*`), [key])
  }
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
      seconds.map((_, n) => n),
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
