import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LATEST_MICROS } from '../store/score.ts'
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

test('any window in any zone is cut into few pieces that follow on each other, on whole minutes between its ends', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: LATEST_MICROS }),
      fc.integer({ min: 1, max: LATEST_MICROS }),
      fc.constantFrom('UTC', 'America/New_York', 'Australia/Lord_Howe', 'Africa/Monrovia', 'Pacific/Apia'),
      (fromMicros, length, zone) => {
        const toMicros = Math.min(LATEST_MICROS, fromMicros + length)
        if (toMicros <= fromMicros) return
        const { bounds } = timeBuckets({ fromMicros, toMicros }, zone, 60)
        assert.ok(bounds.length <= 64)
        assert.deepEqual([bounds[0], bounds.at(-1)], [fromMicros, toMicros])
        for (const [i, bound] of bounds.entries()) {
          if (i > 0) assert.ok(bound > (bounds[i - 1] ?? 0))
          if (i > 0 && i < bounds.length - 1) assert.equal(bound % 60_000_000, 0)
        }
      },
    ),
  )
})
