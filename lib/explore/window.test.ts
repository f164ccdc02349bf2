import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PortalError } from '../errors.ts'
import type { MicrosWindow } from '../store/reading.ts'
import { LATEST_MICROS } from '../store/score.ts'
import { type Clock, currentClock, hourUpTo, parseWindow, shiftWindow } from './window.ts'

const utc = (iso: string) => Date.parse(iso)
const NOW = '2026-11-24T13:55:07.250Z'
const CLOCK: Clock = { nowMs: utc(NOW), zone: 'UTC' }
const berlin = (now: string): Clock => ({ nowMs: utc(now), zone: 'Europe/Berlin' })

/** Both ends in ISO, UTC; exact to the millisecond. */
function ends({ fromMicros, toMicros }: MicrosWindow): [string, string] {
  const iso = (micros: number) => {
    assert.equal(micros % 1000, 0)
    return new Date(micros / 1000).toISOString().replace('.000Z', 'Z')
  }
  return [iso(fromMicros), iso(toMicros)]
}

const fromOf = (from: string, clock = CLOCK) => ends(parseWindow(from, undefined, clock))[0]
/** Where a moment lies that may be after now. */
const toOf = (to: string, clock = CLOCK) => ends(parseWindow('0', to, clock))[1]

function refusal(from: string | undefined, to: string | undefined, clock = CLOCK): string {
  try {
    parseWindow(from, to, clock)
  } catch (error) {
    assert.ok(error instanceof PortalError, String(error))
    assert.equal(error.code, 'bad_parameter')
    return error.detail ?? ''
  }
  return assert.fail(`from=${from} to=${to} was taken`)
}

test('is the last hour up to now when nothing is given', () => {
  const window = parseWindow(undefined, undefined, CLOCK)
  assert.deepEqual(ends(window), ['2026-11-24T12:55:07.250Z', NOW])
})

test('takes the last so much, in every unit', () => {
  assert.deepEqual(
    ['90s', '15m', '6h', '1d', '2w', '0s'].map((text) => fromOf(text)),
    [
      '2026-11-24T13:53:37.250Z',
      '2026-11-24T13:40:07.250Z',
      '2026-11-24T07:55:07.250Z',
      '2026-11-23T13:55:07.250Z',
      '2026-11-10T13:55:07.250Z',
      NOW,
    ],
  )
})

test('takes now, and so much before it, at either end', () => {
  assert.equal(fromOf('now'), NOW)
  assert.equal(fromOf('now-90m'), '2026-11-24T12:25:07.250Z')
  assert.deepEqual(ends(parseWindow('now-2d', 'now-1d', CLOCK)), [
    '2026-11-22T13:55:07.250Z',
    '2026-11-23T13:55:07.250Z',
  ])
})

test('more time back than there is begins in 1970', () => {
  assert.equal(fromOf('999999w'), '1970-01-01T00:00:00Z')
  assert.equal(fromOf('now-999999w'), '1970-01-01T00:00:00Z')
})

test('today and yesterday are whole days of the zone, of 23 and 25 hours where clocks change', () => {
  const day = (from: string, now: string) => ends(parseWindow(from, undefined, berlin(now)))
  assert.deepEqual(day('today', '2026-11-24T13:55:07Z'), ['2026-11-23T23:00:00Z', '2026-11-24T23:00:00Z'])
  assert.deepEqual(day('yesterday', '2026-11-24T13:55:07Z'), ['2026-11-22T23:00:00Z', '2026-11-23T23:00:00Z'])
  const gap: [string, string] = ['2026-03-28T23:00:00Z', '2026-03-29T22:00:00Z']
  assert.deepEqual(day('today', '2026-03-29T12:00:00Z'), gap)
  assert.deepEqual(day('today', '2026-03-29T21:59:59Z'), gap)
  assert.deepEqual(day('yesterday', '2026-03-30T12:00:00Z'), gap)
  const fold: [string, string] = ['2026-10-24T22:00:00Z', '2026-10-25T23:00:00Z']
  assert.deepEqual(day('today', '2026-10-25T01:30:00Z'), fold)
  assert.deepEqual(day('yesterday', '2026-10-26T12:00:00Z'), fold)
})

test('yesterday begins at midnight also when today began at one o’clock', () => {
  const day = (from: string, now: string) =>
    ends(parseWindow(from, undefined, { nowMs: utc(now), zone: 'America/Santiago' }))
  // On 8 September 2024 clocks went from midnight to one o'clock.
  const eve: [string, string] = ['2024-09-07T04:00:00Z', '2024-09-08T04:00:00Z']
  assert.deepEqual(day('today', '2024-09-07T12:00:00Z'), eve)
  assert.deepEqual(day('yesterday', '2024-09-08T12:00:00Z'), eve)
  assert.deepEqual(day('yesterday', '2024-09-09T12:00:00Z'), ['2024-09-08T04:00:00Z', '2024-09-09T03:00:00Z'])
})

test('a day that began before 1970 begins then', () => {
  const clock = { nowMs: 0, zone: 'Europe/Berlin' }
  assert.deepEqual(ends(parseWindow('today', undefined, clock)), [
    '1970-01-01T00:00:00Z',
    '1970-01-01T23:00:00Z',
  ])
})

test('blanks without end are refused unread', () => {
  assert.equal(fromOf(`${' '.repeat(190)}now`), NOW)
  assert.match(refusal(`${' '.repeat(200)}now`, undefined), /takes a moment/)
})

test('refuses `to` beside a day or a range that sets both ends, naming both', () => {
  for (const from of ['today', 'yesterday', '14:00 - 14:30'])
    assert.match(refusal(from, 'now'), new RegExp(`^to=now: .*from=${from}`))
})

test('takes `to` with and without `from`', () => {
  assert.deepEqual(ends(parseWindow('2026-11-23', '2026-11-24', CLOCK)), [
    '2026-11-23T00:00:00Z',
    '2026-11-24T00:00:00Z',
  ])
  assert.deepEqual(ends(parseWindow(undefined, '2026-11-24T13:00Z', CLOCK)), [
    '2026-11-24T12:55:07.250Z',
    '2026-11-24T13:00:00Z',
  ])
})

test('refuses a window upside down, and takes an empty one', () => {
  assert.match(refusal('2026-11-24', '2026-11-23'), /^from=2026-11-24: lies after to/)
  assert.match(refusal('2026-11-25', undefined), /^from=2026-11-25: lies after now/)
  assert.match(
    refusal(undefined, '2026-11-24T12:00Z'),
    /^to=2026-11-24T12:00Z: lies before from, which is an hour before now when it is left out/,
  )
  assert.match(
    refusal('2026-11-24 12:00 - 2026-11-24 11:00', undefined),
    /^from=.*: ends before it begins\.$/,
  )
  const { fromMicros, toMicros } = parseWindow('2026-11-23', '2026-11-23', CLOCK)
  assert.equal(fromMicros, toMicros)
})

test('an end may lie after now, up to the end of time', () => {
  assert.equal(toOf('2027-01-01'), '2027-01-01T00:00:00Z')
  assert.equal(toOf('9000000000'), '2255-03-14T16:00:00Z')
  assert.equal(parseWindow('0', '9000000000', CLOCK).toMicros, LATEST_MICROS)
  for (const to of [
    '9000000000.000001',
    '2300-01-01',
    '9999-12-31T23:59:59Z',
    '1969-12-31T23:59:59Z',
    '0001-01-01',
  ])
    assert.match(refusal('0', to), /^to=.*takes times from 1970 to 2255/, to)
})

const NONSENSE = [
  '',
  ' ',
  'x',
  '-1h',
  '1.5h',
  'h',
  '1234567m',
  'now-',
  'now-1',
  'now-1x',
  'tomorrow',
  '+1',
  '1e9',
  '0x10',
  '1.',
  '.5',
  'Infinity',
  'NaN',
  '2026-11',
  '2026-1-1',
  '2026-02-30',
  '2023-02-29',
  '2026-13-01',
  '2026-11-23T',
  '2026-11-23T13',
  '2026-11-23T25:00:00Z',
  '2026-11-23T13:60',
  '2026-11-23T13:55:61',
  '2026-11-23T13:55+25:00',
  '2026-11-23T13:55+1',
  '2026-11-23T24:01',
  '2026-11-23 13:55 01:00',
  '2026-11-23T13:55+14:01',
  '2026-11-23+01:00',
  'today 14:00Z',
  '14:00 +01:00',
  '14h30',
  '24:01',
  '9-17',
  '14:00 - ',
  ' - 14:00',
  '14:00 - 14:30 - 15:00',
  '14:00 - 1h',
  '1h - now',
  'yesterday - today',
  'now 5m',
  'now-1d/q',
  'last',
  'last 3',
  'last constructor',
  'ago',
  '3 ago',
  '31/Feb/2026:13:55:00 -0500',
  '23/Foo/2026:13:55:00',
  '23/Nov/2026:',
  '\u202e',
  '2026-W48',
  '20261123T135500Z',
  '\u0661',
  '<script>',
]

for (const text of NONSENSE)
  test(`${JSON.stringify(text)} is refused at either end, and both say what they take`, () => {
    for (const detail of [refusal(text, undefined), refusal('0', text)])
      assert.match(
        detail,
        /takes a moment such as .* from also takes 15m, last 3 hours, today, yesterday, 14:00 - 14:30\.$/,
      )
  })

test('a duration is no moment, so `to` does not take it', () => {
  assert.match(refusal(undefined, '15m'), /^to=15m: takes a moment/)
  assert.match(refusal('0', 'today'), /^to=today: takes a moment/)
  assert.match(refusal('0', 'last 3 hours'), /^to=last 3 hours: takes a moment/)
})

test('a range is no moment either, and `to` says where it belongs', () => {
  assert.match(refusal(undefined, '14:00 - 14:30'), /^to=14:00 - 14:30: is a range, .* write it as from\.$/)
})

test('a date with two times joined by a bare hyphen is refused, for the second could be an offset', () => {
  assert.match(refusal('2026-11-23 10:00-11:00', undefined), /could be a range or an offset/)
  assert.match(refusal('0', '2026-11-23 10:00 -11:00'), /could be a range or an offset/)
})

test('a zone in brackets is refused with what is taken instead', () => {
  assert.match(refusal('2026-11-23T13:55[Europe/Berlin]', undefined), /takes an offset such as Z or \+01:00/)
  assert.match(refusal('0', '2026-11-23T13:55Z[UTC]'), /^to=.*takes an offset/)
})

test('a window shifts by its own length, and not before 1970 nor past now', () => {
  const window = parseWindow('2026-11-24T12:00Z', '2026-11-24T13:00Z', CLOCK)
  const shifted = (by: -1 | 1, from = window) => {
    const to = shiftWindow(from, by, CLOCK)
    return to && ends(to)
  }
  assert.deepEqual(shifted(-1), ['2026-11-24T11:00:00Z', '2026-11-24T12:00:00Z'])
  assert.deepEqual(shifted(1), ['2026-11-24T13:00:00Z', '2026-11-24T14:00:00Z'])
  assert.equal(shifted(1, parseWindow('1h', undefined, CLOCK)), null)
  assert.equal(shifted(-1, parseWindow('0', undefined, CLOCK)), null)
  assert.deepEqual(shifted(-1, parseWindow('3600', '7200', CLOCK)), [
    '1970-01-01T00:00:00Z',
    '1970-01-01T01:00:00Z',
  ])
  assert.equal(shifted(-1, parseWindow('now', 'now', CLOCK)), null)
})

test('the hour up to a second holds that second, and begins in 1970 at the earliest', () => {
  assert.deepEqual(ends(hourUpTo(utc('2026-11-24T13:00:00Z') / 1000)), [
    '2026-11-24T12:00:01Z',
    '2026-11-24T13:00:01Z',
  ])
  assert.deepEqual(ends(hourUpTo(10)), ['1970-01-01T00:00:00Z', '1970-01-01T00:00:11Z'])
})

test('the current clock names a zone that windows can be read in', () => {
  assert.ok(parseWindow('today', undefined, currentClock()).fromMicros > 0)
})

test('an empty TZ is UTC', () => {
  const { TZ } = process.env
  process.env.TZ = ''
  try {
    assert.equal(currentClock().zone, 'UTC')
  } finally {
    if (TZ === undefined) delete process.env.TZ
    else process.env.TZ = TZ
  }
})
