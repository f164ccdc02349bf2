import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PortalError } from '../errors.ts'
import type { MicrosWindow } from '../store/reading.ts'
import { LATEST_MICROS, microsOfScore, scoreText } from '../store/score.ts'
import { type Clock, currentClock, hourUpTo, momentText, parseWindow, shiftWindow } from './window.ts'

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

test('takes epoch seconds, with a fraction too, and milliseconds from 1e11 on', () => {
  assert.equal(fromOf('0'), '1970-01-01T00:00:00Z')
  assert.equal(fromOf('1367848492'), '2013-05-06T13:54:52Z')
  assert.equal(parseWindow('1367848492.000011', undefined, CLOCK).fromMicros, 1_367_848_492_000_011)
  assert.equal(fromOf('1367848492123'), '2013-05-06T13:54:52.123Z')
  assert.equal(fromOf('100000000000'), '1973-03-03T09:46:40Z')
  assert.match(refusal('99999999999', undefined), /from 1970 to 2255/)
})

test('takes moments with an offset, in its usual ways of writing', () => {
  for (const text of [
    '2026-11-23T12:55:00Z',
    '2026-11-23T12:55Z',
    '2026-11-23t12:55:00z',
    '2026-11-23 12:55:00Z',
    '2026-11-23T13:55:00+01:00',
    '2026-11-23T13:55+0100',
    '2026-11-23T02:55-10:00',
    '2026-11-23T12:55:00,000Z',
  ])
    assert.equal(fromOf(text, berlin(NOW)), '2026-11-23T12:55:00Z', text)
  assert.equal(fromOf('2026-11-23T12:55:00.5Z'), '2026-11-23T12:55:00.500Z')
  assert.equal(parseWindow('2026-11-23T12:55:00.1234567Z', undefined, CLOCK).fromMicros % 1e6, 123_456)
})

test('takes moments without an offset on the clock of the zone', () => {
  for (const text of [
    '2026-11-23T13:55',
    '2026-11-23 13:55',
    '2026-11-23T13:55:00',
    '2026-11-23T13:55:00.000',
  ])
    assert.equal(fromOf(text, berlin(NOW)), '2026-11-23T12:55:00Z', text)
  assert.equal(fromOf('2026-11-23T13:55'), '2026-11-23T13:55:00Z')
  assert.equal(fromOf('2026-07-01T13:55:07.5', berlin(NOW)), '2026-07-01T11:55:07.500Z')
})

test('takes a date as the first moment of that day in the zone', () => {
  assert.equal(fromOf('2026-11-23'), '2026-11-23T00:00:00Z')
  assert.equal(fromOf('2026-11-23', berlin(NOW)), '2026-11-22T23:00:00Z')
  assert.equal(fromOf('2024-09-08', { nowMs: utc(NOW), zone: 'America/Santiago' }), '2024-09-08T04:00:00Z')
})

test('a local moment in the gap of spring lies an hour on, one in the fold of autumn is the first of the two', () => {
  const clock = berlin(NOW)
  assert.equal(fromOf('2026-03-29T01:59:59', clock), '2026-03-29T00:59:59Z')
  assert.equal(fromOf('2026-03-29T02:30', clock), '2026-03-29T01:30:00Z')
  assert.equal(fromOf('2026-03-29T03:00', clock), '2026-03-29T01:00:00Z')
  assert.equal(fromOf('2026-10-25T02:30', clock), '2026-10-25T00:30:00Z')
  assert.equal(fromOf('2026-10-25T03:00', clock), '2026-10-25T02:00:00Z')
  assert.equal(fromOf('2026-10-25T02:30+01:00', clock), '2026-10-25T01:30:00Z', 'the second by its offset')
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

test('refuses `to` beside a day that sets both ends, naming both', () => {
  for (const from of ['today', 'yesterday'])
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
  assert.match(refusal(undefined, '2026-11-24T12:00Z'), /lies after to/)
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
  '1 h',
  '1H',
  '-1h',
  '1.5h',
  'h',
  '1234567m',
  'now+1h',
  'now-',
  'now-1',
  'now-1x',
  'NOW',
  'Today',
  'tomorrow',
  '-1',
  '+1',
  '1e9',
  '0x10',
  '1.',
  '.5',
  '1.1234567',
  '123456789012345',
  'Infinity',
  'NaN',
  '2026-11',
  '2026-1-1',
  '2026-02-30',
  '2023-02-29',
  '2026-13-01',
  '2026-11-23T',
  '2026-11-23T13',
  '2026-11-23T24:00',
  '2026-11-23T25:00:00Z',
  '2026-11-23T13:60',
  '2026-11-23T13:55:61',
  '2026-11-23T13:55 01:00',
  '2026-11-23T13:55+25:00',
  '2026-11-23T13:55+1',
  '2026-11-23T13:55Z[Europe/Berlin]',
  '2026-11-23[u-ca=hebrew]',
  '2026-W48',
  '20261123T135500Z',
  '2026-11-23T13:55:00Z\n',
  '\u0661',
  '<script>',
]

for (const text of NONSENSE)
  test(`${JSON.stringify(text)} is refused at either end, and both say what they take`, () => {
    for (const detail of [refusal(text, undefined), refusal('0', text)])
      assert.match(detail, /takes a moment such as .* from also takes 15m, 6h, today, yesterday\.$/)
  })

test('a duration is no moment, so `to` does not take it', () => {
  assert.match(refusal(undefined, '15m'), /^to=15m: takes a moment/)
  assert.match(refusal('0', 'today'), /^to=today: takes a moment/)
})

test('what is repeated of a bad value is short', () => {
  const detail = refusal('x'.repeat(5000), undefined)
  assert.ok(detail.length < 300)
  assert.ok(detail.startsWith(`from=${'x'.repeat(60)}…: `))
})

test('whatever the texts, there is a window within time or a refusal', () => {
  const text = fc.oneof(
    fc.constantFrom('now', 'today', 'yesterday', '15m', 'now-1h', '2026-11-23', '0', ''),
    fc.stringMatching(
      /^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:?[0-9]{2})?)?$/,
    ),
    fc.stringMatching(/^[0-9]{1,15}(\.[0-9]{0,7})?[smhdw]?$/),
    fc.string(),
  )
  const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'America/Santiago', 'Asia/Kathmandu', 'Pacific/Apia')
  fc.assert(
    fc.property(text, fc.option(text, { nil: undefined }), zone, (from, to, zoneName) => {
      try {
        const { fromMicros, toMicros } = parseWindow(from, to, { nowMs: CLOCK.nowMs, zone: zoneName })
        assert.ok(Number.isInteger(fromMicros) && Number.isInteger(toMicros))
        assert.ok(0 <= fromMicros && fromMicros <= toMicros && toMicros <= LATEST_MICROS)
      } catch (error) {
        assert.ok(error instanceof PortalError, String(error))
      }
    }),
    { numRuns: 1000 },
  )
})

test('a moment’s text is read back exactly, for every moment that a score holds', () => {
  const micros = fc.oneof(
    fc.integer({ min: 0, max: LATEST_MICROS }),
    fc.integer({ min: 1.7e15, max: 1.8e15 }),
    fc.constantFrom(0, 1, 999_999, 1_000_000, 1_367_848_492_000_011, LATEST_MICROS),
  )
  fc.assert(
    fc.property(micros, (moment) => {
      fc.pre(microsOfScore(scoreText(moment)) === moment)
      const window = parseWindow('0', momentText(moment), CLOCK)
      assert.equal(window.toMicros, moment)
    }),
    { numRuns: 2000 },
  )
  assert.deepEqual([0, 1_500_000, 11].map(momentText), ['0', '1.5', '0.000011'])
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
