import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LATEST_MICROS } from '../store/score.ts'
import { zonedAt } from './local-time.ts'
import { timeBuckets } from './time-buckets.ts'

const micros = (iso: string) => Date.parse(iso) * 1000

test('an hour is cut into minutes, a day into half hours, a month into half days', () => {
  const steps = [
    ['2026-11-24T10:00Z', '2026-11-24T11:00Z', 1],
    ['2026-11-24T00:00Z', '2026-11-25T00:00Z', 30],
    ['2026-11-01T00:00Z', '2026-12-01T00:00Z', 720],
  ] as const
  for (const [from, to, step] of steps)
    assert.equal(timeBuckets({ fromMicros: micros(from), toMicros: micros(to) }, 'UTC', 60).stepMinutes, step)
})

test("pieces begin at round times of the zone's clock, and the ends are the window's own", () => {
  const window = { fromMicros: micros('2026-11-24T10:07:03Z'), toMicros: micros('2026-11-24T12:40:00.5Z') }
  const { bounds } = timeBuckets(window, 'Asia/Kathmandu', 4)
  assert.deepEqual(
    bounds.map((bound) => new Date(bound / 1000).toISOString()),
    [
      '2026-11-24T10:07:03.000Z',
      '2026-11-24T10:15:00.000Z',
      '2026-11-24T11:15:00.000Z',
      '2026-11-24T12:15:00.000Z',
      '2026-11-24T12:40:00.500Z',
    ],
  )
})

test('days follow the calendar where clocks are set back', () => {
  const window = { fromMicros: micros('2026-10-24T00:00+02:00'), toMicros: micros('2026-10-27T00:00+01:00') }
  const { bounds } = timeBuckets(window, 'Europe/Berlin', 4)
  assert.deepEqual(
    bounds.map((bound) => new Date(bound / 1000).toISOString().slice(0, 16)),
    ['2026-10-23T22:00', '2026-10-24T22:00', '2026-10-25T23:00', '2026-10-26T23:00'],
  )
})

/** What the zone's clock shows at the bounds of a window. */
function clockAtBounds(zone: string, { from, hours, most }: { from: string; hours: number; most: number }) {
  const fromMicros = micros(from)
  const { bounds } = timeBuckets({ fromMicros, toMicros: fromMicros + hours * 3_600_000_000 }, zone, most)
  return bounds.map((bound) => zonedAt(bound, zone).toPlainTime().toString({ smallestUnit: 'minute' }))
}

const HOURS = Array.from({ length: 25 }, (_, hour) => `${String(hour % 24).padStart(2, '0')}:00`)

for (const [zone, day, change] of [
  ['Europe/Paris', '2026-03-29T00:00+01:00', { left: '02:00' }],
  ['Europe/Paris', '2026-10-25T00:00+02:00', { twice: '02:00' }],
  ['America/New_York', '2026-03-08T00:00-05:00', { left: '02:00' }],
  ['America/New_York', '2026-11-01T00:00-04:00', { twice: '01:00' }],
] as const)
  test(`hours are round on both sides of a change of the clock: ${zone}, ${day.slice(0, 10)}`, () => {
    const left = 'left' in change
    const expected = HOURS.flatMap((hour) =>
      'left' in change ? (hour === change.left ? [] : [hour]) : hour === change.twice ? [hour, hour] : [hour],
    )
    assert.deepEqual(clockAtBounds(zone, { from: day, hours: left ? 23 : 25, most: 30 }), expected)
  })

test('longer steps go on at the round hours of the clock after a change', () => {
  const at = (zone: string, from: string, hours: number) => clockAtBounds(zone, { from, hours, most: 10 })
  assert.deepEqual(at('Europe/Paris', '2026-03-29T00:00+01:00', 23), [
    '00:00',
    '03:00',
    '06:00',
    '09:00',
    '12:00',
    '15:00',
    '18:00',
    '21:00',
    '00:00',
  ])
  assert.deepEqual(at('America/New_York', '2026-10-31T12:00-04:00', 37), [
    ...['12:00', '18:00', '00:00', '06:00', '12:00', '18:00', '00:00'],
  ])
})

test('where the clock is set by half an hour, hours are round again after it', () => {
  const zone = 'Australia/Lord_Howe'
  // 02:00 becomes 02:30, and 02:00 becomes 01:30.
  const forth = clockAtBounds(zone, { from: '2026-10-04T00:00+10:30', hours: 5.5, most: 6 })
  assert.deepEqual(forth, ['00:00', '01:00', '03:00', '04:00', '05:00', '06:00'])
  const back = clockAtBounds(zone, { from: '2026-04-05T00:00+11:00', hours: 4.5, most: 6 })
  assert.deepEqual(back, ['00:00', '01:00', '02:00', '03:00', '04:00'])
  const halves = clockAtBounds(zone, { from: '2026-04-05T00:30+11:00', hours: 2.5, most: 6 })
  assert.deepEqual(halves, ['00:30', '01:00', '01:30', '01:30', '02:00', '02:30'])
})

test('days begin at midnight after one that did not', () => {
  // Clocks were set forth at midnight.
  const window = { fromMicros: micros('2018-11-04T01:00-02:00'), toMicros: micros('2018-11-07T00:00-02:00') }
  const { bounds } = timeBuckets(window, 'America/Sao_Paulo', 4)
  assert.deepEqual(
    bounds.map((bound) =>
      zonedAt(bound, 'America/Sao_Paulo').toPlainTime().toString({ smallestUnit: 'minute' }),
    ),
    ['01:00', '00:00', '00:00', '00:00'],
  )
})

test('any window in any zone is cut into few pieces that follow on each other, on whole minutes between its ends', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: LATEST_MICROS }),
      fc.integer({ min: 1, max: LATEST_MICROS }),
      fc.constantFrom('UTC', 'America/New_York', 'Australia/Lord_Howe', 'Africa/Monrovia', 'Pacific/Apia'),
      (fromMicros, length, zone) => {
        const toMicros = Math.min(LATEST_MICROS, fromMicros + length)
        if (toMicros <= fromMicros) return
        const { bounds, stepMinutes } = timeBuckets({ fromMicros, toMicros }, zone, 60)
        assert.ok(bounds.length <= 64)
        assert.deepEqual([bounds[0], bounds.at(-1)], [fromMicros, toMicros])
        for (const [i, bound] of bounds.entries()) {
          if (i > 0) assert.ok(bound > (bounds[i - 1] ?? 0))
          if (i === 0 || i === bounds.length - 1) continue
          assert.equal(bound % 60_000_000, 0)
          const { hour, minute, offsetNanoseconds } = zonedAt(bound, zone)
          // Monrovia was some seconds from a whole minute once.
          if (stepMinutes < 1440 && offsetNanoseconds % 60e9 === 0)
            assert.equal((hour * 60 + minute) % stepMinutes, 0)
        }
      },
    ),
  )
})
