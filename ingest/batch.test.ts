import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { PackedLines } from '#lib/store/packed-lines.ts'
import { REJECT_LINE_BYTES } from '#lib/store/rejects.ts'
import { type Batch, BatchBuilder } from './batch.ts'
import { MAX_LINE_BYTES } from './line-splitter.ts'
import { RecentLines } from './recent-lines.ts'

const DAY_SECONDS = 86_400
/** 6 May 2013, 13:54:52 UTC. */
const SAMPLE_SECOND = 1367848492
const TIME = '06/May/2013:09:54:52 -0400'
const NOW_SECONDS = Date.UTC(2026, 10, 24) / 1000

function newBuilder({ source = 'web1', nowSeconds = NOW_SECONDS } = {}): BatchBuilder {
  return new BatchBuilder({ source, recent: new RecentLines({ seed: 7n }), nowSeconds: () => nowSeconds })
}

function feed(builder: BatchBuilder, lines: readonly (string | Buffer)[]): Batch {
  for (const line of lines) {
    // In the middle of other bytes, as a line stands in a chunk.
    const chunk = Buffer.concat([Buffer.from('"['), Buffer.from(line as string), Buffer.from('" 200 5 77')])
    builder.line(chunk, 2, 2 + Buffer.byteLength(line))
  }
  return builder.take()
}

function accessLine({ time = TIME, path = '/', status = '200', id = '1824' } = {}): string {
  return `10.0.0.1 - - [${time}] "GET ${path} HTTP/1.1" ${status} 5 ${id}`
}

interface PackedRecord {
  readonly member: string
  readonly score: string
  readonly statusClass: string
}

/** The packed records, by their layout as `packed-lines.ts` draws it. */
function recordsOf({ bytes, classes }: PackedLines): PackedRecord[] {
  const records: PackedRecord[] = []
  for (let at = 5; at < bytes.length; ) {
    const end = at + 23 + bytes.readUInt32BE(at + 19)
    records.push({
      statusClass: String.fromCharCode(classes[records.length] ?? 0),
      score: bytes.toString('latin1', at + 1, at + 18),
      member: bytes.toString('latin1', at + 23, end),
    })
    at = end
  }
  assert.equal(bytes.length === 0 ? 0 : bytes.readUInt32BE(1), 2 * records.length)
  return records
}

const allRecords = (batch: Batch) => batch.groups.flatMap(recordsOf)
const scores = (batch: Batch) => allRecords(batch).map(({ score }) => score)
const tags = (batch: Batch) => allRecords(batch).map(({ member }) => member.replace(/^[^\t]*/, ''))
const reasons = (batch: Batch) => batch.rejects.map(({ reason }) => reason)

test('a line with an id and a time is packed with its source, its score and its status class', () => {
  const line = accessLine()
  const batch = feed(newBuilder(), [line])
  assert.deepEqual(allRecords(batch), [
    { member: `${line}\tweb1`, score: `${SAMPLE_SECOND}.000000`, statusClass: '2' },
  ])
  const [group] = batch.groups
  assert.deepEqual(
    [group?.collection, group?.source, group?.day, group?.count, group?.firstSecond, group?.lastSecond],
    ['1824', 'web1', '20130506', 1, SAMPLE_SECOND, SAMPLE_SECOND],
  )
})

test('a line without an id is only counted', () => {
  const batch = feed(newBuilder(), ['', 'hello', accessLine({ id: '007' }), accessLine({ id: '' })])
  assert.deepEqual(batch, { groups: [], rejects: [], read: 4, unassigned: 4 })
})

test('an unreadable time makes a reject that says so and holds the line', () => {
  const line = accessLine({ time: '30/Feb/2013:09:54:52 -0400' })
  const batch = feed(newBuilder(), [line])
  assert.deepEqual(batch.rejects, [
    { source: 'web1', reason: 'no readable time', line: Buffer.from(line), sizeBytes: line.length },
  ])
  assert.deepEqual([batch.read, batch.unassigned, batch.groups.length], [1, 0, 0])
})

test('a line dated before 1970 is a reject, the first second of 1970 is not', () => {
  const batch = feed(newBuilder(), [
    accessLine({ time: '31/Dec/1969:23:59:59 +0000' }),
    accessLine({ time: '01/Jan/1970:00:59:59 +0100' }),
    accessLine({ time: '01/Jan/1970:00:00:00 +0000' }),
  ])
  assert.deepEqual(reasons(batch), ['dated before 1970', 'dated before 1970'])
  assert.deepEqual(scores(batch), ['0000000000.000000'])
})

test('a line dated more than a day ahead is a reject, one a day ahead is not', () => {
  const batch = feed(newBuilder({ nowSeconds: SAMPLE_SECOND - DAY_SECONDS }), [
    accessLine(),
    accessLine({ time: '06/May/2013:09:54:53 -0400' }),
    accessLine({ time: '01/Jan/2099:00:00:00 +0000' }),
  ])
  assert.deepEqual(reasons(batch), ['dated more than a day ahead', 'dated more than a day ahead'])
  assert.deepEqual(scores(batch), [`${SAMPLE_SECOND}.000000`])
})

test('a line that was too long is a reject with its length and the beginning that was kept', () => {
  const builder = newBuilder()
  const beginning = Buffer.alloc(REJECT_LINE_BYTES + 5, 'a')
  builder.tooLong(beginning, MAX_LINE_BYTES + 1)
  beginning.fill('b')
  const { rejects, read } = builder.take()
  assert.equal(read, 1)
  assert.equal(rejects[0]?.reason, `longer than ${MAX_LINE_BYTES} bytes`)
  assert.equal(rejects[0]?.sizeBytes, MAX_LINE_BYTES + 1)
  assert.ok(rejects[0]?.line.equals(Buffer.alloc(REJECT_LINE_BYTES, 'a')), 'its own copy of the first 64 KiB')
})

test('a rejected line takes no place and no ordinal', () => {
  const late = accessLine({ time: '30/Feb/2013:09:54:52 -0400' })
  const batch = feed(newBuilder(), [late, late, accessLine()])
  assert.deepEqual(tags(batch), ['\tweb1'])
  assert.deepEqual(scores(batch), [`${SAMPLE_SECOND}.000000`])
})

test('lines of one second keep the order read, a microsecond apart', () => {
  const batch = feed(
    newBuilder(),
    ['/a', '/b', '/c'].map((path) => accessLine({ path })),
  )
  assert.deepEqual(
    scores(batch),
    [0, 1, 2].map((place) => `${SAMPLE_SECOND}.00000${place}`),
  )
})

test('lines of a fraction count from it, in places of their own', () => {
  const at = (fraction: string) => `06/May/2013:09:54:52.${fraction} -0400`
  const batch = feed(
    newBuilder(),
    ['123', '123', '124', '123'].map((fraction, index) =>
      accessLine({ time: at(fraction), path: `/${index}` }),
    ),
  )
  assert.deepEqual(
    scores(batch),
    ['123000', '123001', '124000', '123002'].map((rest) => `${SAMPLE_SECOND}.${rest}`),
  )
})

test('no score goes past the end of the unit that the time was written in', () => {
  const builder = newBuilder()
  const lines = (fraction: string, count: number) =>
    Array.from({ length: count }, (_, index) =>
      accessLine({ time: `06/May/2013:09:54:52.${fraction} -0400`, path: `/${index}` }),
    )
  const millisecond = scores(feed(builder, lines('123', 1003)))
  assert.equal(millisecond[999], `${SAMPLE_SECOND}.123999`)
  assert.deepEqual(new Set(millisecond.slice(999)), new Set([`${SAMPLE_SECOND}.123999`]))
  assert.deepEqual(new Set(scores(feed(builder, lines('999999', 3)))), new Set([`${SAMPLE_SECOND}.999999`]))
})

test('lines of one second in two zones have places of their own', () => {
  const batch = feed(newBuilder(), [
    accessLine({ path: '/a' }),
    accessLine({ path: '/b', time: '06/May/2013:13:54:52 +0000' }),
    accessLine({ path: '/c' }),
  ])
  assert.deepEqual(
    scores(batch),
    [0, 0, 1].map((place) => `${SAMPLE_SECOND}.00000${place}`),
  )
})

test('equal lines of one second are told apart by their ordinal, also when a batch was taken between them', () => {
  const builder = newBuilder()
  const line = accessLine()
  assert.deepEqual(tags(feed(builder, [line, line, accessLine({ path: '/b' })])), [
    '\tweb1',
    '\tweb1#1',
    '\tweb1',
  ])
  assert.deepEqual(tags(feed(builder, [line])), ['\tweb1#2'])
})

test('without a source only repeats have a tag', () => {
  assert.deepEqual(tags(feed(newBuilder({ source: '' }), [accessLine(), accessLine()])), ['', '\t#1'])
})

test('lines are grouped by collection and UTC day, each group in the order read', () => {
  const batch = feed(newBuilder(), [
    accessLine({ id: '1824', time: '06/May/2013:23:59:59 +0000' }),
    accessLine({ id: '762', time: '06/May/2013:23:59:59 +0000' }),
    accessLine({ id: '1824', time: '07/May/2013:00:00:00 +0000' }),
    // In the zone of the log it is the 6th, in UTC the 7th.
    accessLine({ id: '1824', time: '06/May/2013:22:00:00 -0400' }),
    accessLine({ id: '1824', time: '06/May/2013:00:00:00 +0000', path: '/early' }),
  ])
  const groups = batch.groups.map(({ collection, day, count, firstSecond, lastSecond }) => [
    collection,
    day,
    count,
    lastSecond - firstSecond,
  ])
  assert.deepEqual(groups, [
    ['1824', '20130506', 2, 86_399],
    ['762', '20130506', 1, 0],
    ['1824', '20130507', 2, 7200],
  ])
  const [first] = batch.groups
  assert.ok(first)
  assert.ok(recordsOf(first)[1]?.member.includes('/early'))
})

test('ids that are one number to a double are two collections, and one id on two days is two groups', () => {
  const batch = feed(newBuilder(), [
    accessLine({ id: '9007199254740992' }),
    accessLine({ id: '9007199254740993' }),
    accessLine({ id: '999999999999999' }),
    accessLine({ id: '999999999999999', time: '07/May/2013:09:54:52 -0400' }),
    accessLine({ id: '9007199254740993' }),
  ])
  assert.deepEqual(
    batch.groups.map(({ collection, day, count }) => [collection, day, count]),
    [
      ['9007199254740992', '20130506', 1],
      ['9007199254740993', '20130506', 2],
      ['999999999999999', '20130506', 1],
      ['999999999999999', '20130507', 1],
    ],
  )
})

test('an id of 20 digits stays the text it is', () => {
  const ids = ['9007199254740993', '9007199254740992', '99999999999999999999']
  const batch = feed(
    newBuilder(),
    ids.map((id) => accessLine({ id })),
  )
  assert.deepEqual(
    batch.groups.map(({ collection }) => collection),
    ids,
  )
})

test('any bytes of a line come through unchanged', () => {
  const line = Buffer.concat([
    Buffer.from(`10.0.0.1 - \0\x01 [${TIME}] "GET /`, 'latin1'),
    Buffer.from([0xff, 0xfe, 0x80, 0x09, 0xed, 0xa0, 0x80]),
    Buffer.from(' HTTP/1.1" 404 5 "\t" 1824'),
  ])
  const builder = newBuilder()
  builder.line(line, 0, line.length)
  const [record] = allRecords(builder.take())
  assert.equal(record?.member, `${line.toString('latin1')}\tweb1`)
  assert.equal(record?.statusClass, '4')
})

test('every line read is in exactly one of the counts', () => {
  const kinds = {
    stored: accessLine(),
    other: accessLine({ id: '762', time: '07/May/2013:09:54:52 -0400' }),
    unassigned: accessLine({ id: '-' }),
    badTime: accessLine({ time: '-' }),
    early: accessLine({ time: '01/Jan/1960:00:00:00 +0000' }),
    future: accessLine({ time: '01/Jan/2099:00:00:00 +0000' }),
  }
  const kind = fc.constantFrom(...(Object.keys(kinds) as (keyof typeof kinds)[]))
  fc.assert(
    fc.property(fc.array(kind, { maxLength: 40 }), (chosen) => {
      const count = (...names: (keyof typeof kinds)[]) => chosen.filter((name) => names.includes(name)).length
      const batch = feed(
        newBuilder(),
        chosen.map((name) => kinds[name]),
      )
      const packed = batch.groups.reduce((sum, group) => sum + group.count, 0)
      assert.equal(batch.read, chosen.length)
      assert.equal(packed, count('stored', 'other'))
      assert.equal(batch.unassigned, count('unassigned'))
      assert.equal(batch.rejects.length, count('badTime', 'early', 'future'))
    }),
  )
})

test('a batch taken leaves nothing behind', () => {
  const builder = newBuilder()
  assert.equal(builder.isEmpty, true)
  feed(builder, [accessLine(), 'unassigned', accessLine({ time: '-' })])
  assert.equal(builder.isEmpty, true)
  assert.deepEqual(builder.take(), { groups: [], rejects: [], read: 0, unassigned: 0 })
})

test('a batch is full by its lines, by its bytes, and by its groups', () => {
  const linesUntilFull = (lineAt: (index: number) => string) => {
    const builder = newBuilder()
    let index = 0
    for (; !builder.isFull && index <= 100_000; index++) {
      const line = Buffer.from(lineAt(index))
      builder.line(line, 0, line.length)
    }
    builder.take()
    assert.equal(builder.isFull, false)
    return index
  }
  assert.equal(
    linesUntilFull(() => ''),
    30_000,
  )
  const long = accessLine({ path: `/${'a'.repeat(1024 * 1024)}` })
  assert.equal(
    linesUntilFull(() => long),
    8,
  )
  const rejected = accessLine({ time: '-', path: `/${'a'.repeat(REJECT_LINE_BYTES)}` })
  assert.equal(
    linesUntilFull(() => rejected),
    128,
  )
  assert.equal(
    linesUntilFull((index) => accessLine({ id: String(index + 1) })),
    4000,
  )
})

test('an id on thousands of days after a full batch takes no room for each of them', () => {
  const builder = newBuilder()
  feed(
    builder,
    Array.from({ length: 20_000 }, (_, n) => accessLine({ path: `/${n}` })),
  )
  const before = process.memoryUsage().arrayBuffers
  const day = (n: number) => {
    const [, weekday = '', month = ''] =
      /^\w+, (\d+) (\w+)/.exec(new Date(n * 86_400_000).toUTCString()) ?? []
    return `${weekday}/${month}/${new Date(n * 86_400_000).getUTCFullYear()}:00:00:00 +0000`
  }
  for (let n = 0; n < 3000; n++) {
    const line = Buffer.from(accessLine({ time: day(n + 1) }))
    builder.line(line, 0, line.length)
  }
  const rise = process.memoryUsage().arrayBuffers - before
  assert.equal(builder.take().groups.length, 3000)
  assert.ok(rise < 64 * 1024 * 1024, `${rise} bytes`)
})
