import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Redis } from 'ioredis'
import { decodeMember } from '../lib/line/member.ts'
import { THOROUGH_LEVEL } from '../lib/segment/format.ts'
import { memberAt, SegmentBuilder, type SegmentLines } from '../lib/segment/lines.ts'
import { countsKey, linesKey } from '../lib/store/keys.ts'
import { mergeLines } from '../lib/store/merge.ts'
import { microsOfScore, microsOfSecond } from '../lib/store/score.ts'
import type { Descriptor } from '../lib/store/segment-descriptor.ts'
import { fetchStanding, readWholeIndex } from '../lib/store/standing-segments.ts'
import { STORAGE_CHANNEL, type StorageMoment, type StoragePoint } from '../lib/store/storage-points.ts'
import { collectionId, packLines, store } from './store-server.ts'

/** What tests of sealed lines look at. A line is `[microseconds, member in latin1]`. */

export type TestMember = readonly [micros: number, member: string]

export const byOrder = (a: TestMember, b: TestMember) =>
  a[0] - b[0] || Buffer.compare(Buffer.from(a[1], 'latin1'), Buffer.from(b[1], 'latin1'))

/** @param lines in any order */
export function segmentLines(lines: readonly TestMember[]): SegmentLines {
  const builder = new SegmentBuilder(1024)
  for (const [micros, member] of lines.toSorted(byOrder))
    builder.addMember(micros, Buffer.from(member, 'latin1'))
  return builder.lines()
}

export const membersOf = (lines: SegmentLines): TestMember[] =>
  Array.from({ length: lines.count }, (_, place) => [
    lines.micros[place] ?? 0,
    memberAt(lines, place).toString('latin1'),
  ])

/** The hot lines of a collection, in order. */
export async function hotLines(redis: Redis, id: string): Promise<TestMember[]> {
  const flat = await redis.zrangeBuffer(linesKey(collectionId(id)), '0', '-1', 'WITHSCORES')
  const lines: TestMember[] = []
  for (let i = 0; i < flat.length; i += 2)
    lines.push([microsOfScore(String(flat[i + 1])), (flat[i] as Buffer).toString('latin1')])
  return lines
}

/** The sealed lines of a collection, in the order of the index, each segment checked against its entry. */
export async function sealedLines(redis: Redis, id: string): Promise<TestMember[]> {
  const lines: TestMember[] = []
  let before: Descriptor | null = null
  for (const descriptor of await readWholeIndex(redis, collectionId(id))) {
    const segment = await fetchStanding(redis, collectionId(id), descriptor)
    assert.ok(segment, `${descriptor.name} is there`)
    assert.equal(segment.micros[segment.count - 1], descriptor.lastMicros)
    assert.equal(segment.text.length, descriptor.textBytes)
    assert.ok(!before || before.lastMicros < descriptor.firstMicros, 'segments are disjoint')
    lines.push(...membersOf(segment))
    before = descriptor
  }
  assert.deepEqual(lines, lines.toSorted(byOrder), 'the index is in order')
  return lines
}

/** All lines of a collection, in order; fails where one stands twice or `hits` says something else. */
export async function everyLine(redis: Redis, id: string): Promise<TestMember[]> {
  const lines = [...(await sealedLines(redis, id)), ...(await hotLines(redis, id))].toSorted(byOrder)
  const identities = new Set(lines.map(([micros, member]) => `${Math.floor(micros / 1e6)} ${member}`))
  assert.equal(identities.size, lines.length, 'no line stands twice')
  const [hits, removed] = await redis.hmget(countsKey(collectionId(id)), 'hits', 'removed')
  assert.equal(Number(hits ?? 0), lines.length + Number(removed ?? 0), 'hits = stored + removed')
  return lines
}

/** Second of the first of {@link member}s. */
export const FIRST_SECOND = 1_763_906_100

export const lineText = (n: number, status = 200) =>
  `192.0.2.${n % 250} - - [23/Nov/2025:13:55:00 +0000] "GET /${n} HTTP/1.1" ${status} 5 "-" "x" 1824`

/** @returns a line of that second, the nth after {@link FIRST_SECOND} unless told */
export const member = (n: number, second = FIRST_SECOND + n, source = 'web1'): TestMember => [
  microsOfSecond(second),
  `${lineText(n)}\t${source}`,
]

/** Appends as ingest does, each source by itself. */
export async function append(redis: Redis, id: string, lines: readonly TestMember[]) {
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

export const merge = (redis: Redis, id: string, lines: readonly TestMember[], origin: 'hot' | 'backfill') =>
  mergeLines(redis, {
    collection: collectionId(id),
    lines: segmentLines(lines),
    origin,
    level: THOROUGH_LEVEL,
  })

const FLIPPED_BYTE = 80

/** Runs `act` once, when that point is reached in this process. */
export async function at<T>(
  point: StoragePoint,
  id: string,
  act: () => void,
  work: () => Promise<T>,
): Promise<T> {
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

/** Damages a segment's body within its columns. */
export async function flipBit(redis: Redis, key: string): Promise<void> {
  const [byte = 0] = await redis.getrangeBuffer(key, FLIPPED_BYTE, FLIPPED_BYTE)
  await redis.setrange(key, FLIPPED_BYTE, Buffer.from([byte ^ 1]))
}
