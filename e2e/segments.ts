import assert from 'node:assert/strict'
import type { Redis } from 'ioredis'
import { memberAt, SegmentBuilder, type SegmentLines } from '../lib/segment/lines.ts'
import { countsKey, linesKey } from '../lib/store/keys.ts'
import { microsOfScore } from '../lib/store/score.ts'
import type { Descriptor } from '../lib/store/segment-descriptor.ts'
import { fetchStanding, readWholeIndex } from '../lib/store/segment-index.ts'
import { collectionId } from './store-server.ts'

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
