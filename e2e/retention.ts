import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { encodeSegment } from '../lib/segment/format.ts'
import { memberAt, SegmentBuilder } from '../lib/segment/lines.ts'
import { countsKey, linesKey, segmentKey, segmentsKey } from '../lib/store/keys.ts'
import { microsOfScore, microsOfSecond, scoreText } from '../lib/store/score.ts'
import { type Descriptor, descriptorText, parseDescriptor } from '../lib/store/segment-descriptor.ts'
import { fetchSegment } from '../lib/store/segment-store.ts'
import { collectionId, packLines, store } from './store-server.ts'

/** What tests of retention fill a store with, and what they look at. */

export const DAY = 86_400

export interface SecondLine {
  readonly second: number
  readonly text: string
}

/** @returns a line in each of the seconds, its text telling which */
export const linesOf = (seconds: readonly number[], text = 'line'): SecondLine[] =>
  seconds.map((second) => ({ second, text: `${second} ${text}` }))

export async function add(redis: Redis, id: string, lines: readonly SecondLine[], source = 'web1') {
  return store(
    redis,
    packLines(
      id,
      source,
      lines.map(({ second, text }) => ({ line: text, micros: microsOfSecond(second) })),
    ),
  )
}

/** Takes the hot lines of some seconds, `[from, to)`, into a segment of their own. */
export async function seal(redis: Redis, id: string, from: number, to: number): Promise<Descriptor> {
  const collection = collectionId(id)
  const flat = await redis.zrangebyscoreBuffer(linesKey(collection), from, `(${to}`, 'WITHSCORES')
  const builder = new SegmentBuilder()
  for (let i = 0; i < flat.length; i += 2)
    builder.addMember(microsOfScore(String(flat[i + 1])), flat[i] ?? Buffer.alloc(0))
  const lines = builder.lines()
  const body = encodeSegment(lines, 1)
  const name = randomBytes(9).toString('base64url')
  const descriptor = {
    firstMicros: lines.micros[0] ?? 0,
    lastMicros: lines.micros[lines.count - 1] ?? 0,
    lines: lines.count,
    textBytes: lines.text.length,
    storedBytes: body.length,
    level: 1,
    name,
  }
  await redis.set(segmentKey(collection, name), body)
  await redis.zadd(segmentsKey(collection), scoreText(descriptor.firstMicros), descriptorText(descriptor))
  await redis.hset(countsKey(collection), 'index', name)
  await redis.zremrangebyscore(linesKey(collection), from, `(${to}`)
  return descriptor
}

export async function descriptors(redis: Redis, id: string): Promise<Descriptor[]> {
  return (await redis.zrange(segmentsKey(collectionId(id)), '0', '-1')).map(parseDescriptor)
}

/** The texts of all lines that stand, hot and sealed, by time; fails where `hits` is not what stands and was removed. */
export async function standing(redis: Redis, id: string): Promise<string[]> {
  const collection = collectionId(id)
  const members: [string, string][] = []
  const flat = await redis.zrange(linesKey(collection), '0', '-1', 'WITHSCORES')
  for (let i = 0; i < flat.length; i += 2)
    members.push([scoreText(microsOfScore(flat[i + 1] ?? '')), flat[i] ?? ''])
  for (const descriptor of await descriptors(redis, id)) {
    const lines = await fetchSegment(redis, collection, descriptor)
    assert.ok(lines, `${descriptor.name} is there`)
    for (let place = 0; place < lines.count; place++)
      members.push([scoreText(lines.micros[place] ?? 0), memberAt(lines, place).toString()])
  }
  const [hits, removed] = await redis.hmget(countsKey(collection), 'hits', 'removed')
  assert.equal(Number(hits ?? 0), members.length + Number(removed ?? 0), 'hits = stored + removed')
  return members.sort().map(([, member]) => member.split('\t')[0] ?? '')
}

/** All files below a folder, in order, relative to it. */
export function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()
}

/** What zcat says of all archives below a folder, in order. */
export function zcat(folder: string): string {
  const files = filesBelow(folder)
  for (const file of files) assert.match(file, /\.log\.gz$/)
  if (files.length === 0) return ''
  const run = spawnSync('zcat', files, { cwd: folder, encoding: 'latin1', maxBuffer: 1 << 28 })
  assert.equal(run.status, 0, run.stderr)
  return run.stdout
}
