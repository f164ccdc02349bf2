import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LATEST_MICROS } from '../store/score.ts'
import { readLast, readSum, takeSteps } from './date-math.ts'
import type { Side } from './local-time.ts'

const NOW = '2026-11-24T13:55:07.250Z'

interface At {
  now?: string
  zone?: string
  side?: Side
}

function taken(steps: ReturnType<typeof readSum>, { now = NOW, zone = 'UTC', side = 'from' }: At) {
  return steps && new Date(takeSteps(steps, { nowMs: Date.parse(now), zone }, side) / 1000).toISOString()
}
const sum = (text: string, at: At = {}) => taken(readSum(text), at)
const last = (text: string, at: At = {}) => taken(readLast(text), at)

test('spans and words for them mean as much time back', () => {
  for (const [texts, expected] of [
    [['90s', '90 sec', 'last 90 seconds', '1m30s', '1 minute 30 seconds'], '2026-11-24T13:53:37.250Z'],
    [['15m', '15 m', '15min', 'last 15 min', 'past 15 minutes', '15 mins'], '2026-11-24T13:40:07.250Z'],
    [['1h', '1H', 'last hour', 'Last Hour', 'last h', '1 hr', '60m'], '2026-11-24T12:55:07.250Z'],
    [['3h', 'last 3 hours', 'LAST 3 HOURS', '3 hrs', '180 MIN'], '2026-11-24T10:55:07.250Z'],
    [['1d', 'last day', '1D'], '2026-11-23T13:55:07.250Z'],
    [['2w', 'last 2 weeks', '14d'], '2026-11-10T13:55:07.250Z'],
    [['3M', 'last 3 months'], '2026-08-24T13:55:07.250Z'],
    [['1y', 'last year', '12M', '1Y'], '2025-11-24T13:55:07.250Z'],
    [['0s', '0d'], NOW],
  ] as const)
    for (const text of texts) assert.equal(last(text), expected, text)
})

test('sums go back and ahead from now, and round down', () => {
  for (const [texts, expected] of [
    [['now', 'NOW', 'now-0m'], NOW],
    [
      ['now-90m', 'now - 90 m', 'now-1h30m', 'now-2h+30m', '90 minutes ago', '1h 30m ago'],
      '2026-11-24T12:25:07.250Z',
    ],
    [['now+5m', 'now + 5 min'], '2026-11-24T14:00:07.250Z'],
    [['now/s'], '2026-11-24T13:55:07.000Z'],
    [['now/m'], '2026-11-24T13:55:00.000Z'],
    [['now/h', 'now / hour'], '2026-11-24T13:00:00.000Z'],
    [['now/d'], '2026-11-24T00:00:00.000Z'],
    [['now-1d/d', 'now/d-1d', 'now - 1 day / d'], '2026-11-23T00:00:00.000Z'],
    [['now/w'], '2026-11-23T00:00:00.000Z'],
    [['now-1w/w', 'now-1d/w-7d'], '2026-11-16T00:00:00.000Z'],
    [['now/M'], '2026-11-01T00:00:00.000Z'],
    [['now-1M/M+3d'], '2026-10-04T00:00:00.000Z'],
    [['now/y'], '2026-01-01T00:00:00.000Z'],
  ] as const)
    for (const text of texts) assert.equal(sum(text), expected, text)
})

test('a Monday begins its own week and a Sunday ends one', () => {
  assert.equal(sum('now/w', { now: '2026-11-23T00:00:00Z' }), '2026-11-23T00:00:00.000Z')
  assert.equal(sum('now/w', { now: '2026-11-22T23:59:59Z' }), '2026-11-16T00:00:00.000Z')
})

test('a month back from its 31st is the last day of a shorter one', () => {
  assert.equal(sum('now-1M', { now: '2026-03-31T12:00:00Z' }), '2026-02-28T12:00:00.000Z')
})

test('days are the calendar’s, hours are elapsed time', () => {
  const at = { now: '2026-03-29T12:00:00Z', zone: 'Europe/Berlin' }
  assert.equal(sum('now-1d', at), '2026-03-28T13:00:00.000Z')
  assert.equal(sum('now-24h', at), '2026-03-28T12:00:00.000Z')
  assert.equal(
    last('1d', { now: '2026-11-01T17:00:00Z', zone: 'America/New_York' }),
    '2026-10-31T16:00:00.000Z',
  )
})

test('rounding is on the clock of the zone', () => {
  for (const [text, zone, expected] of [
    ['now/h', 'Asia/Kolkata', '2026-11-24T13:30:00.000Z'],
    ['now/d', 'Asia/Kolkata', '2026-11-23T18:30:00.000Z'],
    ['now/d', 'Australia/Lord_Howe', '2026-11-24T13:00:00.000Z'],
    ['now-1d/d', 'America/New_York', '2026-11-23T05:00:00.000Z'],
    ['now/M', 'America/New_York', '2026-11-01T04:00:00.000Z'],
    ['now/w', 'Europe/Berlin', '2026-11-22T23:00:00.000Z'],
  ] as const)
    assert.equal(sum(text, { zone }), expected, `${text} ${zone}`)
})

test('an hour that stands twice begins in itself; one cut short begins with the change', () => {
  const hour = (now: string, zone: string) => sum('now/h', { now, zone })
  assert.equal(hour('2026-10-25T00:30:00Z', 'Europe/Berlin'), '2026-10-25T00:00:00.000Z')
  assert.equal(hour('2026-10-25T01:30:00Z', 'Europe/Berlin'), '2026-10-25T01:00:00.000Z')
  // From 02:00 clocks go to 02:30, and in autumn back to 01:30.
  assert.equal(hour('2026-10-03T15:45:00Z', 'Australia/Lord_Howe'), '2026-10-03T15:30:00.000Z')
  assert.equal(hour('2026-04-04T15:15:00Z', 'Australia/Lord_Howe'), '2026-04-04T14:00:00.000Z')
})

test('days back to a time that stood twice are its first moment as `from` and its second as `to`', () => {
  const at = { now: '2026-10-26T01:30:00Z', zone: 'Europe/Berlin' }
  assert.equal(sum('now-1d', { ...at, side: 'from' }), '2026-10-25T00:30:00.000Z')
  assert.equal(sum('now-1d', { ...at, side: 'to' }), '2026-10-25T01:30:00.000Z')
  const second = { now: '2026-10-25T01:30:00Z', zone: 'Europe/Berlin' }
  assert.equal(sum('now-0d', second), '2026-10-25T01:30:00.000Z')
})

test('rounding never goes ahead, and what is rounded stays', () => {
  const zone = fc.constantFrom(
    'UTC',
    'Europe/Berlin',
    'America/Sao_Paulo',
    'Australia/Lord_Howe',
    'Asia/Kathmandu',
  )
  const nowMs = fc.integer({ min: 365 * 86_400_000, max: 4_000_000_000_000 })
  fc.assert(
    fc.property(nowMs, zone, fc.constantFrom('s', 'm', 'h', 'd', 'w', 'M', 'y'), (ms, name, unit) => {
      const floor = (at: number) =>
        takeSteps(readSum(`now/${unit}`) ?? [], { nowMs: at, zone: name }, 'from') / 1000
      assert.ok(floor(ms) <= ms)
      assert.equal(floor(floor(ms)), floor(ms))
    }),
    { numRuns: 2000 },
  )
})

test('more time back than there is is the first moment, more ahead is past the last', () => {
  for (const unit of ['s', 'm', 'h', 'd', 'w', 'M', 'y']) {
    const back = takeSteps(readSum(`now-999999${unit}`) ?? [], { nowMs: 9e8, zone: 'UTC' }, 'from')
    assert.equal(back, 0, unit)
  }
  for (const text of ['now+999999w', 'now+999999y', 'now+999999M', 'now+999999y-999999y'])
    assert.ok(takeSteps(readSum(text) ?? [], { nowMs: 9e8, zone: 'UTC' }, 'from') > LATEST_MICROS, text)
})

test('what is no span and no sum is neither', () => {
  for (const text of [
    '',
    'last',
    'last 3',
    'last constructor',
    '1x',
    '1mm',
    '1.5h',
    '-1h',
    'h',
    '1234567m',
    '1h1h1h1h1h',
  ])
    assert.equal(readLast(text), null, text)
  for (const text of [
    'now-',
    'now-1',
    'now 1h',
    'now/',
    'now/q',
    'now-1d/',
    `now${'-1m'.repeat(9)}`,
    'ago',
    '3 ago',
  ])
    assert.equal(readSum(text), null, text)
})
