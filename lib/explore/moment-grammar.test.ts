import assert from 'node:assert/strict'
import { test } from 'node:test'
import { microsOfMoment, readMoment } from './moment-grammar.ts'

const NOW = '2026-11-24T13:55:07.250Z'

/** The moment a text means in ISO, as an end of a window; null where it is none. */
function moment(text: string, zone = 'UTC', side: 'from' | 'to' = 'from', now = NOW): string | null {
  const read = readMoment(text)
  if (!read) return null
  const micros = microsOfMoment(read, { nowMs: Date.parse(now), zone }, side)
  assert.ok(Number.isInteger(micros), text)
  return Temporal.Instant.fromEpochNanoseconds(BigInt(micros) * 1000n).toString()
}

function micros(text: string): number {
  const read = readMoment(text)
  assert.ok(read, text)
  return microsOfMoment(read, { nowMs: 0, zone: 'UTC' }, 'from')
}

test('takes epoch seconds, and milliseconds from 1e11 on, to the microsecond', () => {
  for (const [text, expected] of [
    ['0', 0],
    ['1367848492', 1_367_848_492_000_000],
    ['1367848492.000011', 1_367_848_492_000_011],
    ['8589934591.999999', 8_589_934_591_999_999],
    ['1367848492.5', 1_367_848_492_500_000],
    ['1367848492.123456789', 1_367_848_492_123_456],
    ['99999999999', 99_999_999_999_000_000],
    ['100000000000', 100_000_000_000_000],
    ['1367848492123', 1_367_848_492_123_000],
    ['1367848492123.4567', 1_367_848_492_123_456],
    ['-1', -1_000_000],
  ] as const)
    assert.equal(micros(text), expected, text)
})

test('takes moments with an offset in every usual way of writing, whatever the zone', () => {
  for (const text of [
    '2026-11-23T12:55:00Z',
    '2026-11-23T12:55Z',
    '2026-11-23t12:55:00z',
    '2026-11-23 12:55:00Z',
    '2026-11-23 12:55 UTC',
    '2026-11-23T12:55:00 gmt',
    '2026-11-23T13:55:00+01:00',
    '2026-11-23T13:55+0100',
    '2026-11-23T13:55+01',
    '2026-11-23 13:55:00+01:00',
    '2026-11-23 13:55 +0100',
    '2026-11-23T02:55-10:00',
    '2026-11-23T18:25+05:30',
    '2026-11-23T12:55:00,000Z',
    '23/Nov/2026:07:55:00 -0500',
    '[23/Nov/2026:07:55:00 -0500]',
    '[23/nov/2026:13:55:00 +0100',
    '23 Nov 2026, 13:55 +01:00',
    '1795438500',
  ])
    for (const zone of ['UTC', 'America/New_York', 'Asia/Kolkata'])
      assert.equal(moment(text, zone), '2026-11-23T12:55:00Z', text)
})

test('takes an offset whose plus an address turned into a blank, after T and in the log’s own form', () => {
  for (const text of ['2026-11-23T13:55 01:00', '2026-11-23T13:55:00 0100', '23/Nov/2026:13:55:00 0100'])
    assert.equal(moment(text), '2026-11-23T12:55:00Z', text)
  assert.equal(moment('2026-11-23 13:55 01:00'), null, 'could be two times')
})

const LOCAL_FORMS = [
  '2026-11-23T13:55',
  '2026-11-23 13:55',
  '2026-11-23T13:55:00',
  '2026-11-23T13:55:00.000',
  '23/Nov/2026:13:55:00',
  '[23/Nov/2026:13:55:00]',
  '23 Nov 2026, 13:55',
  '23 november 2026 13:55:00',
  'yesterday 13:55',
  'Yesterday, 13:55:00',
]

test('takes moments without an offset on the clock of the zone', () => {
  for (const [zone, expected] of [
    ['UTC', '2026-11-23T13:55:00Z'],
    ['America/New_York', '2026-11-23T18:55:00Z'],
    ['Europe/Berlin', '2026-11-23T12:55:00Z'],
    ['Asia/Kolkata', '2026-11-23T08:25:00Z'],
    ['+02:00', '2026-11-23T11:55:00Z'],
  ] as const)
    for (const text of LOCAL_FORMS) assert.equal(moment(text, zone), expected, `${text} ${zone}`)
  // There it is the 25th already, from 13:00 on in UTC.
  for (const text of LOCAL_FORMS.slice(0, 8))
    assert.equal(moment(text, 'Australia/Lord_Howe'), '2026-11-23T02:55:00Z', text)
  assert.equal(moment('yesterday 13:55', 'Australia/Lord_Howe'), '2026-11-24T02:55:00Z')
})

test('keeps fractions to the microsecond, and drops what is finer', () => {
  for (const [text, fraction] of [
    ['2026-11-23T12:55:00.5Z', '.5'],
    ['2026-11-23T12:55:00,000001', '.000001'],
    ['2026-11-23T12:55:00.1234567Z', '.123456'],
    ['2026-11-23 12:55:00.999999999999', '.999999'],
  ] as const)
    assert.equal(moment(text), `2026-11-23T12:55:00${fraction}Z`, text)
})

test('takes a time of day as today’s in the zone, with one digit for the hour too', () => {
  assert.equal(moment('14:00'), '2026-11-24T14:00:00Z')
  assert.equal(moment('9:30:05.25'), '2026-11-24T09:30:05.25Z')
  assert.equal(moment('today 9:30', 'America/New_York'), '2026-11-24T14:30:00Z')
  assert.equal(moment('0:00', 'Asia/Kolkata', 'from', '2026-11-24T20:00:00Z'), '2026-11-24T18:30:00Z')
})

test('takes a date as the first moment of that day in the zone', () => {
  for (const text of ['2026-11-23', '23/Nov/2026', '[23/Nov/2026]', '23 Nov 2026'])
    assert.equal(moment(text, 'Europe/Berlin'), '2026-11-22T23:00:00Z', text)
  assert.equal(moment('2024-09-08', 'America/Santiago'), '2024-09-08T04:00:00Z')
  assert.equal(moment('2018-11-04', 'America/Sao_Paulo'), '2018-11-04T03:00:00Z')
  assert.equal(moment('2026-11-01', 'America/Havana', 'to'), '2026-11-01T04:00:00Z', 'so days do not overlap')
})

test('24:00 is the next day’s first moment, and a leap second the next minute’s', () => {
  assert.equal(moment('2026-11-23T24:00'), '2026-11-24T00:00:00Z')
  assert.equal(moment('31/Dec/2016:23:59:60 +0000'), '2017-01-01T00:00:00Z')
})

test('every month is known by its letters in the log and by its name', () => {
  const names = Array.from({ length: 12 }, (_, month) =>
    new Date(Date.UTC(2026, month, 1)).toLocaleString('en-US', { month: 'long', timeZone: 'UTC' }),
  )
  names.forEach((name, index) => {
    const expected = `2026-${String(index + 1).padStart(2, '0')}-05T00:00:00Z`
    assert.equal(moment(`05/${name.slice(0, 3)}/2026:00:00:00 +0000`), expected)
    assert.equal(moment(`5 ${name} 2026`), expected)
  })
  assert.equal(moment('5 Sept 2026'), '2026-09-05T00:00:00Z')
})

test('a time that stands twice is the earlier moment as `from` and the later as `to`, unless its offset tells', () => {
  assert.equal(moment('2026-10-25T02:30', 'Europe/Berlin', 'from'), '2026-10-25T00:30:00Z')
  assert.equal(moment('2026-10-25T02:30', 'Europe/Berlin', 'to'), '2026-10-25T01:30:00Z')
  for (const side of ['from', 'to'] as const) {
    assert.equal(moment('2026-10-25T02:30+01:00', 'Europe/Berlin', side), '2026-10-25T01:30:00Z')
    assert.equal(moment('2026-03-29T02:30', 'Europe/Berlin', side), '2026-03-29T01:00:00Z')
  }
})
