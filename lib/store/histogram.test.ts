import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Redis } from 'ioredis'
import { sealLines } from '../../e2e/sealed-lines.ts'
import { flipBit } from '../../e2e/segments.ts'
import { collectionId, openStoreServer, packLines, readGrant, store } from '../../e2e/store-server.ts'
import { readHistogram } from './histogram.ts'
import { segmentKey } from './keys.ts'
import { EVERYTHING, type MicrosWindow } from './reading.ts'
import { microsOfSecond } from './score.ts'
import { readWholeIndex } from './standing-segments.ts'

/** Bars over lines that cannot all be read; where all can, they are held against a twin in sealed-reading.test.ts. */

const servers = openStoreServer()
const MINUTE = 60_000_000
/** A whole minute. */
const T = microsOfSecond(1_763_906_100)
let lastId = 0

/** Lines ten seconds apart, in segments of so many. */
async function sealed(redis: Redis, { count, perSegment }: { count: number; perSegment: number }) {
  const id = String(++lastId)
  const lines = Array.from({ length: count }, (_, n) => ({
    line: `l${n}`,
    micros: T + n * 10_000_000 + ((n * 7919) % 999_983),
  }))
  await store(redis, packLines(id, 'web1', lines))
  await sealLines(redis, id, { ...EVERYTHING, perSegment })
  const index = await readWholeIndex(redis, collectionId(id))
  const bodies = index.map(({ name }) => segmentKey(collectionId(id), name))
  return { id, lines, index, bodies }
}

const fourMinutes = ({ fromMicros, toMicros }: MicrosWindow) => [
  fromMicros,
  ...[1, 2, 3].map((n) => T + n * MINUTE),
  toMicros,
]

for (const [fault, damage] of [
  ['flipped', flipBit],
  ['deleted', (redis: Redis, key: string) => redis.del(key)],
] as const)
  test(`a body that is ${fault} is a gap of the bars: its lines are in none of them, all others where they belong`, async () => {
    const { redis } = servers.current()
    // Nine a segment, six a minute: the second segment reaches from the second minute into the third.
    const { id, lines, index, bodies } = await sealed(redis, { count: 24, perSegment: 9 })
    await damage(redis, bodies[1] ?? '')
    const window = { fromMicros: T, toMicros: T + 4 * MINUTE }
    const histogram = await readHistogram(redis, readGrant(id), window, fourMinutes)
    const readable = lines.filter((_, n) => n < 9 || n >= 18)
    assert.deepEqual(
      histogram?.counts,
      [0, 1, 2, 3].map(
        (n) => readable.filter(({ micros }) => Math.floor((micros - T) / MINUTE) === n).length,
      ),
    )
    assert.deepEqual(
      histogram?.gaps.map(({ firstMicros, lastMicros, lines }) => [firstMicros, lastMicros, lines]),
      [[index[1]?.firstMicros, index[1]?.lastMicros, 9]],
    )
    assert.ok(histogram?.gaps[0]?.reason.includes(bodies[1] ?? '-'))
  })

test('bars whose bounds cut no segment that cannot be read need none of them, and lack nothing', async () => {
  const { redis } = servers.current()
  const { id, bodies } = await sealed(redis, { count: 24, perSegment: 6 })
  await redis.del(bodies)
  const window = { fromMicros: T, toMicros: T + 4 * MINUTE }
  const histogram = await readHistogram(redis, readGrant(id), window, fourMinutes)
  assert.deepEqual([histogram?.counts, histogram?.gaps], [[6, 6, 6, 6], []])
})

test('an error is thrown only when no other read of the bars is under way', async () => {
  const { redis } = servers.current()
  const { id, bodies } = await sealed(redis, { count: 6000, perSegment: 3000 })
  // The second segment's times take two reads, of which the second is sent when the error of the first segment is there.
  await redis.del(bodies[0] ?? '')
  await redis.lpush(bodies[0] ?? '', 'mine')
  let underWay = 0
  const read = redis.getrangeBuffer.bind(redis)
  redis.getrangeBuffer = (async (key: string, start: number, end: number) => {
    underWay++
    try {
      return await read(key, start, end)
    } finally {
      underWay--
    }
  }) as typeof redis.getrangeBuffer
  const within = (n: number) => T + n * 10_000_000 + 5
  try {
    await assert.rejects(
      readHistogram(
        redis,
        readGrant(id),
        { fromMicros: within(5), toMicros: within(5500) },
        ({ fromMicros, toMicros }) => [fromMicros, toMicros],
      ),
    )
    assert.equal(underWay, 0)
  } finally {
    redis.getrangeBuffer = read
  }
})
