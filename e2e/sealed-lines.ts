import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import { encodeSegment, QUICK_LEVEL } from '../lib/segment/format.ts'
import { SegmentBuilder } from '../lib/segment/lines.ts'
import { countsKey, linesKey, segmentKey, segmentsKey } from '../lib/store/keys.ts'
import { microsOfScore, scoreText } from '../lib/store/score.ts'
import { descriptorText } from '../lib/store/segment-descriptor.ts'
import { collectionId } from './store-server.ts'

/**
 * Puts hot lines of a window into segments of a few lines each, as maintenance leaves them behind; for tests of reading,
 * which real segments of thousands of lines would make slow and blunt. Nothing else may be sealed in the window.
 */
export async function sealLines(
  redis: Redis,
  id: string,
  { fromMicros, toMicros, perSegment }: { fromMicros: number; toMicros: number; perSegment: number },
): Promise<void> {
  const collection = collectionId(id)
  const replies = await redis.zrangebyscoreBuffer(
    linesKey(collection),
    scoreText(fromMicros),
    `(${scoreText(toMicros)}`,
    'WITHSCORES',
  )
  const lines = []
  for (let i = 0; i < replies.length; i += 2)
    lines.push({ member: replies[i] as Buffer, micros: microsOfScore(String(replies[i + 1])) })
  const commit = redis.multi()
  for (let from = 0; from < lines.length; ) {
    let to = Math.min(lines.length, from + perSegment)
    // Lines of one score stay together.
    while (to < lines.length && lines[to]?.micros === lines[to - 1]?.micros) to++
    const some = lines.slice(from, to)
    const builder = new SegmentBuilder()
    for (const { micros, member } of some) builder.addMember(micros, member)
    const body = encodeSegment(builder.lines(), QUICK_LEVEL)
    const descriptor = {
      firstMicros: some.at(0)?.micros ?? 0,
      lastMicros: some.at(-1)?.micros ?? 0,
      lines: some.length,
      textBytes: builder.textBytes,
      storedBytes: body.length,
      level: QUICK_LEVEL,
      name: randomUUID(),
    }
    commit.set(segmentKey(collection, descriptor.name), body)
    commit.zadd(segmentsKey(collection), scoreText(descriptor.firstMicros), descriptorText(descriptor))
    commit.zrem(linesKey(collection), ...some.map(({ member }) => member))
    from = to
  }
  commit.hset(countsKey(collection), 'index', randomUUID())
  for (const [error] of (await commit.exec()) ?? []) if (error) throw error
}
