import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type LogTime, looksLikeLogTime, MICROS, readLogTime } from './log-time.ts'

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

function read(text: string): LogTime | null {
  const time: LogTime = { second: -1, fraction: -1, unit: -1, offsetMinutes: -1, end: -1 }
  const bytes = Buffer.from(text, 'latin1')
  return readLogTime(bytes, 0, bytes.length, time) ? time : null
}

function secondOf(text: string): number | undefined {
  return read(`[${text}]`)?.second
}

const utc = (iso: string) => Date.parse(iso) / 1000

test('reads the published sample: second, zone, unit and where the bracket closes', () => {
  assert.deepEqual(read('[06/May/2013:09:54:52 -0400] "GET'), {
    second: 1367848492,
    fraction: 0,
    unit: MICROS,
    offsetMinutes: -240,
    end: 28,
  })
})

test('reads a time in the middle of other bytes', () => {
  const bytes = Buffer.from('host - - [06/May/2013:09:54:52 -0400] rest')
  const time: LogTime = { second: 0, fraction: 0, unit: 0, offsetMinutes: 0, end: 0 }
  assert.ok(readLogTime(bytes, 9, bytes.length, time))
  assert.equal(time.second, 1367848492)
  assert.equal(time.end, 37)
})

test('agrees with the calendar for any second of any year and zone', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: utc('0001-01-02T00:00:00Z'), max: utc('9999-12-30T23:59:59Z') }),
      fc.integer({ min: -1439, max: 1439 }),
      (second, offsetMinutes) => {
        const local = new Date((second + offsetMinutes * 60) * 1000)
        const two = (value: number) => String(value).padStart(2, '0')
        const date = `${two(local.getUTCDate())}/${MONTHS[local.getUTCMonth()]}/${String(local.getUTCFullYear()).padStart(4, '0')}`
        const clock = `${two(local.getUTCHours())}:${two(local.getUTCMinutes())}:${two(local.getUTCSeconds())}`
        const minutes = Math.abs(offsetMinutes)
        const zone = `${offsetMinutes < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}${two(minutes % 60)}`
        const time = read(`[${date}:${clock} ${zone}]`)
        assert.equal(time?.second, second)
        assert.equal(time?.offsetMinutes, offsetMinutes)
      },
    ),
  )
})

test('takes 29 February in leap years only', () => {
  assert.equal(secondOf('29/Feb/2024:12:00:00 +0000'), utc('2024-02-29T12:00:00Z'))
  assert.equal(secondOf('29/Feb/2000:12:00:00 +0000'), utc('2000-02-29T12:00:00Z'))
  assert.equal(secondOf('29/Feb/2023:12:00:00 +0000'), undefined)
  assert.equal(secondOf('29/Feb/1900:12:00:00 +0000'), undefined)
  assert.equal(secondOf('30/Feb/2024:12:00:00 +0000'), undefined)
})

test('counts second 60 as the first second of the next minute, also over midnight', () => {
  assert.equal(secondOf('30/Jun/2015:23:59:60 +0000'), utc('2015-07-01T00:00:00Z'))
  assert.equal(secondOf('31/Dec/2016:18:59:60 -0500'), utc('2017-01-01T00:00:00Z'))
  assert.equal(secondOf('30/Jun/2015:23:59:61 +0000'), undefined)
})

test('knows no daylight saving but the offset written: both two o’clocks of a fold are apart, a gap is no gap', () => {
  assert.equal(secondOf('25/Oct/2026:02:30:00 +0200'), utc('2026-10-25T00:30:00Z'))
  assert.equal(secondOf('25/Oct/2026:02:30:00 +0100'), utc('2026-10-25T01:30:00Z'))
  assert.equal(secondOf('29/Mar/2026:02:30:00 +0100'), utc('2026-03-29T01:30:00Z'))
})

test('takes offsets up to 23:59 either way, half hours included', () => {
  assert.equal(secondOf('06/May/2013:09:54:52 +0530'), utc('2013-05-06T09:54:52+05:30'))
  assert.equal(secondOf('06/May/2013:09:54:52 -2359'), utc('2013-05-06T09:54:52Z') + 86_340)
  assert.equal(secondOf('06/May/2013:09:54:52 -0000'), utc('2013-05-06T09:54:52Z'))
  for (const zone of ['+2400', '+0060', '0400', '*0400', '+4:00', '+040', '+04000', 'GMT'])
    assert.equal(secondOf(`06/May/2013:09:54:52 ${zone}`), undefined, zone)
})

test('dates before 1970 are read as what they are', () => {
  assert.equal(secondOf('31/Dec/1969:23:59:59 +0000'), -1)
  assert.equal(secondOf('01/Jan/1970:00:30:00 +0100'), -1800)
})

test('reads a fraction to the microsecond with the unit it is written in, and lets further digits go', () => {
  const fraction = (digits: string) => {
    const time = read(`[06/May/2013:09:54:52.${digits} -0400]`)
    return time && [time.second, time.fraction, time.unit, time.end]
  }
  assert.deepEqual(fraction('5'), [1367848492, 500_000, 100_000, 30])
  assert.deepEqual(fraction('123'), [1367848492, 123_000, 1000, 32])
  assert.deepEqual(fraction('000'), [1367848492, 0, 1000, 32])
  assert.deepEqual(fraction('123456'), [1367848492, 123_456, 1, 35])
  assert.deepEqual(fraction('999999999'), [1367848492, 999_999, 1, 38])
  assert.equal(fraction(''), null)
  assert.equal(fraction('x'), null)
})

test('a fraction read before does not stick to a time without one', () => {
  const time: LogTime = { second: 0, fraction: 0, unit: 0, offsetMinutes: 0, end: 0 }
  for (const text of ['[06/May/2013:09:54:52.123 -0400]', '[06/May/2013:09:54:52 -0400]'])
    assert.ok(readLogTime(Buffer.from(text), 0, text.length, time))
  assert.deepEqual([time.fraction, time.unit], [0, MICROS])
})

const NO_TIME = [
  '[00/May/2013:09:54:52 -0400]',
  '[31/Apr/2013:09:54:52 -0400]',
  '[32/May/2013:09:54:52 -0400]',
  '[06/may/2013:09:54:52 -0400]',
  '[06/Mai/2013:09:54:52 -0400]',
  '[06/May/20x3:09:54:52 -0400]',
  '[06/May/2013:24:00:00 -0400]',
  '[06/May/2013:09:60:52 -0400]',
  '[ 6/May/2013:09:54:52 -0400]',
  '[-6/May/2013:09:54:52 -0400]',
  '[06/May/2013:09:54:52  -0400]',
  '[06/May/2013:09:54:52 -0400 ]',
  '[06/May/2013:09:54:52 -0400',
  '[06/May/2013:09:54:52,123 -0400]',
  '(06/May/2013:09:54:52 -0400)',
  '[2013-05-06T09:54:52-04:00 xxxx]',
  '[',
  '',
]

for (const text of NO_TIME) test(`'${text}' is no time`, () => assert.equal(read(text), null))

test('a time that ends past the line’s end is none, whatever stands behind', () => {
  const text = '[06/May/2013:09:54:52 -0400]'
  const time: LogTime = { second: 0, fraction: 0, unit: 0, offsetMinutes: 0, end: 0 }
  for (let end = 0; end < text.length; end++)
    assert.equal(readLogTime(Buffer.from(text), 0, end, time), false, `cut at ${end}`)
})

test('a date that does not exist still has the shape of a time', () => {
  const shape = (text: string) => looksLikeLogTime(Buffer.from(text), 0, text.length)
  assert.equal(shape('[99/Xxx/2013:99:99:99 -0400]'), true)
  assert.equal(shape('[06/May/2013:09:54:52 -0400'), false)
  assert.equal(shape('[06-May-2013:09:54:52 -0400]'), false)
})
