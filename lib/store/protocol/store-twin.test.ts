import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { everyLine, hotLines, segmentLines, type TestMember } from '../../../e2e/segments.ts'
import { collectionId, openStoreServer, packLines, readGrant, store } from '../../../e2e/store-server.ts'
import { decodeMember, encodeMember } from '../../line/member.ts'
import { QUICK_LEVEL } from '../../segment/format.ts'
import { commitSegments } from '../commit.ts'
import { countsKey, dayCountsKey, utcDay } from '../keys.ts'
import { streamLines } from '../line-stream.ts'
import { mergeLines } from '../merge.ts'
import {
  type Cursor,
  EVERYTHING,
  type Page,
  pageCursors,
  readAround,
  readPage,
  type StoredLine,
} from '../reading.ts'
import { removeBelow } from '../retention.ts'
import { microsOfSecond } from '../score.ts'
import { firstSecondOf, lastSecondOf } from '../segment-descriptor.ts'
import { joinStretches, type Stretch } from '../segment-merge.ts'
import { coveringOf, fetchStanding, readWholeIndex } from '../standing-segments.ts'
import { secondOfLine, Twin, type TwinLine } from './twin.ts'

/**
 * The store against its twin: any operations in any order on a real Redis, each with what the twin says of it, and all of
 * it compared at the end.
 *
 * To add an operation: its shape in {@link someOperation}, what it does in {@link perform}.
 */

const servers = openStoreServer()
/** Six seconds before a UTC day begins, so that the lines have two days. */
const FIRST_SECOND = 1_763_942_394
const SECONDS = 12
/** Nine of these fill a segment. */
const PADDING = 'x'.repeat(120 * 1024)
let lastId = 0

interface Where {
  readonly id: string
  readonly twin: Twin
}

const someLine = fc.record({
  second: fc.nat(SECONDS - 1),
  // Equal scores are the rule, and the same line comes at other microseconds too.
  micros: fc.nat(3),
  letter: fc.constantFrom('a', 'b', 'ÿ', '\t'),
  source: fc.constantFrom('', 'web1', 'web2'),
  ordinal: fc.nat(1),
  isLong: fc.integer({ min: 0, max: 3 }).map((n) => n === 0),
})
type SomeLine = typeof someLine extends fc.Arbitrary<infer T> ? T : never

/** The second stands in the line, as in every log: a member belongs to one second. */
function twinLine({ second, micros, letter, source, ordinal, isLong }: SomeLine): TwinLine {
  const text = `${FIRST_SECOND + second} ${letter}${isLong ? PADDING : ''}`
  const member = encodeMember(Buffer.from(text, 'latin1'), source, ordinal).toString('latin1')
  return { micros: microsOfSecond(FIRST_SECOND + second) + micros, member }
}

const someWindow = fc
  .record({ from: fc.nat(SECONDS * 4), length: fc.nat(SECONDS * 4) })
  .map(({ from, length }) => ({ fromMicros: quarter(from), toMicros: quarter(from + length) }))
/** Windows cut into the microseconds of {@link someLine}. */
const quarter = (n: number) => microsOfSecond(FIRST_SECOND + Math.floor(n / 4)) + (n % 4)

const someLines = fc.array(someLine, { minLength: 1, maxLength: 10 })
const someOperation = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('append' as const), lines: someLines }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('backfill' as const), lines: someLines }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('seal' as const), most: fc.integer({ min: 1, max: 12 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('join' as const), place: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), second: fc.nat(SECONDS) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('page' as const),
      window: someWindow,
      limit: fc.integer({ min: 1, max: 7 }),
      isForward: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('around' as const),
      window: someWindow,
      place: fc.nat(40),
      before: fc.nat(4),
      after: fc.nat(4),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('stream' as const), window: someWindow }) },
)
type Operation = typeof someOperation extends fc.Arbitrary<infer T> ? T : never

async function perform(where: Where, operation: Operation): Promise<void> {
  switch (operation.kind) {
    case 'append':
      return append(where, operation.lines.map(twinLine))
    case 'backfill':
      return backfill(where, operation.lines.map(twinLine))
    case 'seal':
      return seal(where, operation.most)
    case 'join':
      return join(where, operation.place)
    case 'remove':
      return remove(where, FIRST_SECOND + operation.second)
    case 'page':
      return pageThrough(where, operation)
    case 'around':
      return lookAround(where, operation)
    case 'stream':
      return stream(where, operation.window)
  }
}

/** Appends as ingest does, each source by itself. @returns what the store says of it */
async function appendAll(id: string, lines: readonly TwinLine[]) {
  const sum = { stored: 0, duplicates: 0, refused: 0 }
  const parts = lines.map(({ micros, member }) => ({
    ...decodeMember(Buffer.from(member, 'latin1')),
    micros,
  }))
  for (const [source, some] of Map.groupBy(parts, (part) => part.source)) {
    const outcome = await store(servers.current().redis, packLines(id, source, some))
    sum.stored += outcome.stored
    sum.duplicates += outcome.duplicates
    for (const { lines: below } of outcome.refused) sum.refused += below.count
  }
  return sum
}

async function append({ id, twin }: Where, lines: TwinLine[]): Promise<void> {
  const kept = lines.filter((line) => twin.isKept(line))
  const stored = twin.append(kept)
  const refused = lines.length - kept.length
  assert.deepEqual(await appendAll(id, lines), { stored, duplicates: kept.length - stored, refused })
}

const inSegments = (lines: readonly TwinLine[]) =>
  segmentLines(lines.map(({ micros, member }): TestMember => [micros, member]))

async function backfill({ id, twin }: Where, given: TwinLine[]): Promise<void> {
  const lines = [...new Map(given.map((line) => [line.member, line])).values()]
  const kept = lines.filter((line) => twin.isKept(line))
  const stored = twin.append(kept)
  const outcome = await mergeLines(servers.current().redis, {
    collection: collectionId(id),
    lines: inSegments(lines),
    origin: 'backfill',
    level: QUICK_LEVEL,
  })
  // In order: what is below the floor stands first.
  const belowRetention = Array.from({ length: lines.length - kept.length }, (_, place) => place)
  assert.deepEqual(outcome, { stored, duplicates: kept.length - stored, belowRetention })
}

async function seal({ id }: Where, most: number): Promise<void> {
  const { redis } = servers.current()
  const hot = (await hotLines(redis, id)).slice(0, most)
  const outcome = await mergeLines(redis, {
    collection: collectionId(id),
    lines: segmentLines(hot),
    origin: 'hot',
    level: QUICK_LEVEL,
  })
  assert.deepEqual(outcome, { stored: hot.length, duplicates: 0, belowRetention: [] })
}

/** Two neighbours become one. */
async function join({ id }: Where, place: number): Promise<void> {
  const { redis } = servers.current()
  const collection = collectionId(id)
  const index = await readWholeIndex(redis, collection)
  const replaced = index.slice(place, place + 2)
  const [a, b] = replaced
  if (!a || !b) return
  const seconds = { firstSecond: firstSecondOf(a), lastSecond: lastSecondOf(b) }
  const stretches: Stretch[] = []
  for (const descriptor of replaced) {
    const from = await fetchStanding(redis, collection, descriptor)
    assert.ok(from)
    stretches.push({ from, start: 0, end: from.count })
  }
  const { verdict } = await commitSegments(redis, {
    collection,
    ...seconds,
    covering: coveringOf(index, seconds),
    replaced,
    written: [joinStretches(stretches)],
    level: QUICK_LEVEL,
    taken: { origin: 'none' },
  })
  assert.equal(verdict, 'committed')
}

async function remove({ id, twin }: Where, cutSecond: number): Promise<void> {
  const { lines, problem, isFinished } = await removeBelow({
    redis: servers.current().redis,
    collection: collectionId(id),
    cutSecond,
    reason: 'budget',
    days: null,
    nowSeconds: FIRST_SECOND + SECONDS,
    archiveDir: null,
  })
  const expected = { lines: twin.remove(cutSecond), problem: null, isFinished: true }
  assert.deepEqual({ lines, problem, isFinished }, expected)
}

const asTwin = ({ line, source, ordinal, micros }: StoredLine): TwinLine => ({
  micros,
  member: encodeMember(line, source, ordinal).toString('latin1'),
})

/** Short enough for the report of a failure. */
const brief = (lines: readonly TwinLine[]) =>
  lines.map(({ micros, member }) => `${micros} ${member.replace(PADDING, '…')}`)

async function pageThrough(
  { id, twin }: Where,
  { window, limit, isForward }: Extract<Operation, { kind: 'page' }>,
): Promise<void> {
  const expected = twin.lines(window)
  const seen: TwinLine[] = []
  let cursor: Cursor | null = null
  for (;;) {
    const next: Cursor | null = cursor
    const start = next
      ? isForward
        ? { after: next }
        : { before: next }
      : ({ edge: isForward ? 'oldest' : 'newest' } as const)
    const page: Page = await readPage(servers.current().redis, readGrant(id), { window, limit, start })
    const lines = page.lines.map(asTwin)
    const ahead = isForward ? seen.length : expected.length - seen.length - lines.length
    assert.deepEqual([page.total, page.skipped], [expected.length, ahead])
    if (lines.length === 0) break
    if (isForward) seen.push(...lines)
    else seen.unshift(...lines)
    cursor = isForward ? page.last : page.first
  }
  assert.deepEqual(brief(seen), brief(expected))
}

async function lookAround(
  { id, twin }: Where,
  { window, place, before, after }: Extract<Operation, { kind: 'around' }>,
): Promise<void> {
  const { redis } = servers.current()
  const all = twin.lines(window)
  const options = { window, start: { edge: 'oldest' }, limit: 50 } as const
  const page = await readPage(redis, readGrant(id), options)
  const at = pageCursors(page)[place]
  if (!at) return
  const around = await readAround(redis, readGrant(id), { window, at, before, after })
  const first = Math.max(0, place - before)
  assert.deepEqual(brief(around.lines.map(asTwin)), brief(all.slice(first, place + after + 1)))
  assert.deepEqual([around.place, around.skipped, around.total], [place - first, first, all.length])
}

async function stream({ id, twin }: Where, window: typeof EVERYTHING): Promise<void> {
  const members: string[] = []
  for await (const some of streamLines(servers.current().redis, readGrant(id), window, { pageLines: 5 }))
    for (const { line, source, ordinal } of some.lines())
      members.push(encodeMember(line, source, ordinal).toString('latin1'))
  const shown = (member: string) => member.replace(PADDING, '…')
  assert.deepEqual(
    members.map(shown),
    twin.lines(window).map(({ member }) => shown(member)),
  )
}

/** All lines, each in one place, and the counters, all-time and by day and source. */
async function compareAll({ id, twin }: Where): Promise<void> {
  const { redis } = servers.current()
  const expected = twin.lines(EVERYTHING)
  const standing = await everyLine(redis, id)
  assert.deepEqual(brief(standing.map(([micros, member]) => ({ micros, member }))), brief(expected))
  const [hits, last] = await redis.hmget(countsKey(collectionId(id)), 'hits', 'last')
  assert.equal(Number(hits), twin.ever.length)
  if (twin.ever.length > 0) assert.equal(Number(last), Math.max(...twin.ever.map(secondOfLine)))
  const days = Map.groupBy(twin.ever, (line) => utcDay(secondOfLine(line)))
  for (const [day, lines] of days) {
    // The counts of a day that retention removed go with it.
    if (day < utcDay(twin.floor)) continue
    const counts = await redis.hgetall(dayCountsKey(collectionId(id), day))
    assert.equal(Number(counts.hits), lines.length)
    const sources = Map.groupBy(lines, ({ member }) => decodeMember(Buffer.from(member, 'latin1')).source)
    for (const [source, some] of sources) assert.equal(Number(counts[`h:${source}`]), some.length)
  }
}

test('whatever is appended, backfilled, sealed, joined, removed and read, in whatever order, is what the twin says', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(someOperation, { minLength: 3, maxLength: 14 }), async (operations) => {
      const where = { id: String(++lastId), twin: new Twin() }
      for (const operation of operations) await perform(where, operation)
      await compareAll(where)
      await servers.current().redis.flushdb()
    }),
    { numRuns: 80 },
  )
})
