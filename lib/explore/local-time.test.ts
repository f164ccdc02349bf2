import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { dateBefore, momentsOfLocal, startOfDate, zonedAt } from './local-time.ts'

/** Zones whose clocks are set at two, at midnight, over midnight, by half an hour, by a whole day, and never. */
const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'America/Sao_Paulo',
  'America/Havana',
  'America/St_Johns',
  'Africa/Cairo',
  'Asia/Kolkata',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Pacific/Apia',
]
const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

const formats = new Map<string, Intl.DateTimeFormat>()

/** What Intl says that the zone's clock shows, as if it were UTC; independent of Temporal. */
function shownMs(ms: number, zone: string): number {
  const format =
    formats.get(zone) ??
    new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
  formats.set(zone, format)
  const part = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]))
  const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = part
  return Date.UTC(year, month - 1, day, hour, minute, second)
}

/** Where the clock that `wanted` was set over was set: found by halving. */
function changeMs(wanted: number, zone: string): number {
  let [before, after] = [wanted - 2 * DAY_MS, wanted + 2 * DAY_MS]
  while (after - before > 1000) {
    const middle = Math.floor((before + after) / 2000) * 1000
    if (shownMs(middle, zone) < wanted) before = middle
    else after = middle
  }
  return after
}

function momentsByIntl(wanted: number, zone: string): { from: number; to: number } {
  const offsets = [-2, -1, 0, 1, 2].map((days) => {
    const at = wanted + days * DAY_MS
    return shownMs(at, zone) - at
  })
  const moments = offsets.map((offset) => wanted - offset).filter((ms) => shownMs(ms, zone) === wanted)
  if (moments.length === 0) moments.push(changeMs(wanted, zone))
  return { from: Math.min(...moments) * 1000, to: Math.max(...moments) * 1000 }
}

const localOf = (ms: number) => Temporal.PlainDateTime.from(new Date(ms).toISOString().slice(0, -1))
const moments = (local: string, zone: string) => {
  const { from, to } = momentsOfLocal(Temporal.PlainDateTime.from(local), zone)
  return [from, to].map((micros) => new Date(micros / 1000).toISOString().replace('.000Z', 'Z'))
}

test('a time that stands twice begins a window with its first moment and ends it with its second', () => {
  assert.deepEqual(moments('2026-10-25T02:30', 'Europe/Berlin'), [
    '2026-10-25T00:30:00Z',
    '2026-10-25T01:30:00Z',
  ])
  assert.deepEqual(moments('2026-11-01T01:59:59', 'America/New_York'), [
    '2026-11-01T05:59:59Z',
    '2026-11-01T06:59:59Z',
  ])
  assert.deepEqual(moments('2026-04-05T01:45', 'Australia/Lord_Howe'), [
    '2026-04-04T14:45:00Z',
    '2026-04-04T15:15:00Z',
  ])
})

test('a time that clocks were set over is the moment of the change at both ends', () => {
  for (const [local, zone, change] of [
    ['2026-03-29T02:00', 'Europe/Berlin', '2026-03-29T01:00:00Z'],
    ['2026-03-29T02:30', 'Europe/Berlin', '2026-03-29T01:00:00Z'],
    ['2026-03-29T02:59:59.999999', 'Europe/Berlin', '2026-03-29T01:00:00Z'],
    ['2026-03-08T02:30', 'America/New_York', '2026-03-08T07:00:00Z'],
    ['2018-11-04T00:30', 'America/Sao_Paulo', '2018-11-04T03:00:00Z'],
    ['2026-10-04T02:15', 'Australia/Lord_Howe', '2026-10-03T15:30:00Z'],
    ['2011-12-30T12:00', 'Pacific/Apia', '2011-12-30T10:00:00Z'],
  ] as const)
    assert.deepEqual(moments(local, zone), [change, change], `${local} ${zone}`)
})

test('the change is exact where a fraction of a second is asked for', () => {
  const local = Temporal.PlainDateTime.from('2026-10-25T02:30:00.000001')
  const { from, to } = momentsOfLocal(local, 'Europe/Berlin')
  assert.deepEqual([from % 1e6, to - from], [1, 3_600_000_000])
})

test('moments of local times equal those that Intl shows, in every zone, most of all around changes', () => {
  const zone = fc.constantFrom(...ZONES)
  const nearChange = fc
    .tuple(zone, fc.integer({ min: 0, max: 60 * 365 }), fc.integer({ min: -26 * 60, max: 26 * 60 }))
    .map(([name, day, minutes]) => {
      const change = zonedAt(day * DAY_MS * 1000, name).getTimeZoneTransition('next')
      const base = change ? change.epochMilliseconds - (change.epochMilliseconds % MINUTE_MS) : day * DAY_MS
      return [name, Math.max(0, base + minutes * MINUTE_MS)] as const
    })
  fc.assert(
    fc.property(nearChange, ([name, wanted]) => {
      assert.deepEqual(momentsOfLocal(localOf(wanted), name), momentsByIntl(wanted, name))
    }),
    { numRuns: 2000 },
  )
})

test('a day begins where Intl first shows its date, also where that is not midnight', () => {
  const day = fc.integer({ min: 1, max: 75 * 365 })
  fc.assert(
    fc.property(fc.constantFrom(...ZONES), day, (zone, daysFromEpoch) => {
      const midnight = daysFromEpoch * DAY_MS
      const startMs = startOfDate(localOf(midnight).toPlainDate(), zone) / 1000
      assert.ok(shownMs(startMs, zone) >= midnight)
      assert.ok(shownMs(startMs - 1000, zone) < midnight)
    }),
    { numRuns: 2000 },
  )
  const start = (date: string, zone: string) =>
    new Date(startOfDate(Temporal.PlainDate.from(date), zone) / 1000).toISOString()
  assert.equal(start('2018-11-04', 'America/Sao_Paulo'), '2018-11-04T03:00:00.000Z', 'from midnight to one')
  assert.equal(
    start('2026-11-01', 'America/Havana'),
    '2026-11-01T04:00:00.000Z',
    'the first of two midnights',
  )
  assert.equal(start('2010-11-07', 'America/St_Johns'), '2010-11-07T02:30:00.000Z', 'a minute, then back')
  assert.equal(start('2011-12-30', 'Pacific/Apia'), '2011-12-30T10:00:00.000Z', 'the day that was left out')
})

test('the day before is the last one there was', () => {
  const before = (moment: string, zone: string) => dateBefore(Date.parse(moment) * 1000, zone).toString()
  assert.equal(before('2026-11-24T00:00:00Z', 'UTC'), '2026-11-23')
  assert.equal(before('2026-11-24T23:30:00Z', 'Europe/Berlin'), '2026-11-24')
  assert.equal(before('2011-12-31T00:00:00Z', 'Pacific/Apia'), '2011-12-29')
})
