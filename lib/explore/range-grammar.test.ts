import assert from 'node:assert/strict'
import { test } from 'node:test'
import { windowInWords } from './time-text.ts'
import { parseWindow } from './window.ts'

/** The window that `from` alone means at 13:55 in the zone, in words. */
function range(from: string, zone = 'UTC'): string {
  const nowMs = Temporal.ZonedDateTime.from(`2026-11-24T13:55[${zone}]`).epochMilliseconds
  const words = windowInWords(parseWindow(from, undefined, { nowMs, zone }), zone)
  return words.replaceAll('\u202f', ' ').replace(/ \([^)]*\)$/, '')
}

const ZONES = ['UTC', 'America/New_York', 'Europe/Berlin', 'Asia/Kolkata', 'Australia/Lord_Howe']

const SAME: [string, readonly string[]][] = [
  [
    '24 Nov 2026, 14:00–14:30',
    [
      '14:00 - 14:30',
      '14:00-14:30',
      '14:00–14:30',
      '14:00 — 14:30',
      '14:00 to 14:30',
      ' 14:00  -  14:30 ',
      '14:00 -14:30',
    ],
  ],
  [
    '23 Nov 2026, 13:55–14:55',
    [
      '2026-11-23 13:55 - 14:55',
      '2026-11-23 13:55–14:55',
      '2026-11-23T13:55 - 14:55',
      '2026-11-23 13:55 - 2026-11-23 14:55',
      '23 Nov 2026, 13:55\u202f–\u202f14:55',
      'yesterday 13:55 - 14:55',
      'yesterday 13:55-14:55',
      'Yesterday 13:55 - yesterday 14:55',
      '23/Nov/2026:13:55:00 - 23/Nov/2026:14:55:00',
    ],
  ],
  [
    '23 Nov 2026, 13:55 – 24 Nov 2026, 01:00',
    ['2026-11-23T13:55 - 2026-11-24T01:00', '2026-11-23 13:55 - 01:00'],
  ],
  ['23 Nov 2026, 23:00 – 24 Nov 2026, 01:00', ['yesterday 23:00 - today 01:00', 'yesterday 23:00 - 1:00']],
  [
    '23 Nov 2026, 00:00 – 24 Nov 2026, 00:00',
    ['2026-11-23 - 2026-11-24', '2026-11-23-2026-11-24', 'now-1d/d - now/d'],
  ],
  ['23 Nov 2026, 00:00 – 24 Nov 2026, 13:55', ['yesterday - now', '2026-11-23 - now']],
  [
    '24 Nov 2026, 11:55–12:55',
    ['now-2h - now-1h', 'now-2h-now-1h', 'now - 2h - now - 1h', '2 hours ago - 1 hour ago'],
  ],
  ['24 Nov 2026, 22:00 – 25 Nov 2026, 00:00', ['22:00 - 24:00']],
]

for (const zone of ZONES)
  test(`a range sets both ends, in every way of writing it, in ${zone}`, () => {
    for (const [expected, texts] of SAME)
      for (const text of texts) assert.equal(range(text, zone), expected, text)
  })

test('two times of day of which the second is not later began yesterday', () => {
  for (const zone of ZONES) {
    assert.equal(range('23:30 - 00:30', zone), '23 Nov 2026, 23:30 – 24 Nov 2026, 00:30')
    assert.equal(range('14:00 - 14:00', zone), '23 Nov 2026, 14:00 – 24 Nov 2026, 14:00')
  }
})

test('an end without a day is on its begin’s clock', () => {
  assert.equal(range('2026-11-23T13:55Z - 14:55', 'America/New_York'), '23 Nov 2026, 08:55–09:55')
  assert.equal(range('[23/Nov/2026:13:55:00 -0500] - 14:55', 'Europe/Berlin'), '23 Nov 2026, 19:55–20:55')
})

test('takes two epoch seconds, and two lines’ times', () => {
  assert.equal(range('1795438500 - 1795442100'), '23 Nov 2026, 12:55–13:55')
  assert.equal(range('1795438500-1795442100'), '23 Nov 2026, 12:55–13:55')
  assert.equal(
    range('[23/Nov/2026:13:55:00 +0000] - [23/Nov/2026:14:55:00 +0000]'),
    '23 Nov 2026, 13:55–14:55',
  )
})

test('a range over the hour that stands twice holds both, one within the gap is empty', () => {
  const parse = (from: string) => parseWindow(from, undefined, { nowMs: 1.8e12, zone: 'Europe/Berlin' })
  const fold = parse('2026-10-25 02:00 - 02:59:59')
  assert.equal(fold.toMicros - fold.fromMicros, (7200 - 1) * 1e6)
  const gap = parse('2026-03-29 02:10 - 02:20')
  assert.equal(gap.toMicros, gap.fromMicros)
})
