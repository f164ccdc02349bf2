import assert from 'node:assert/strict'
import { test } from 'node:test'
import { histogramInWords, histogramSvg } from './histogram-svg.ts'

const T = Date.parse('2026-11-24T13:40:00Z') * 1000
const minute = (n: number) => T + n * 60_000_000
const HISTOGRAM = {
  bounds: [minute(0), minute(2), minute(4), minute(6)],
  counts: [5, 0, 1200],
  gaps: [],
  stepMinutes: 2,
}

test('each piece with lines is a bar that leads to it, as high as it has lines, and says how many', () => {
  const svg = histogramSvg(HISTOGRAM, {
    zone: 'UTC',
    hrefOf: ({ fromMicros, toMicros }) => `/x?from=${fromMicros}&to=${toMicros}`,
  })
  const bars = [
    ...svg.matchAll(
      /<a href="([^"]+)" tabindex="-1"><title>([^<]+)<\/title>.*?y="([\d.]+)" height="([\d.]+)"/g,
    ),
  ]
  assert.deepEqual(
    bars.map((bar) => bar.slice(1)),
    [
      [`/x?from=${minute(0)}&amp;to=${minute(2)}`, '24 Nov 2026, 13:40:00 · 5 lines', '39.0', '1.0'],
      [`/x?from=${minute(4)}&amp;to=${minute(6)}`, '24 Nov 2026, 13:44:00 · 1,200 lines', '0.0', '40.0'],
    ],
  )
})

test('the caption says what a bar is, the most there are, and the ends where they are not those of the window', () => {
  const window = { fromMicros: minute(0), toMicros: minute(6) }
  assert.equal(
    histogramInWords(HISTOGRAM, window, 'UTC'),
    'Lines in each 2 minutes; most, 1,200, from 24 Nov 2026, 13:44:00',
  )
  assert.match(
    histogramInWords({ ...HISTOGRAM, stepMinutes: 1440 }, { ...window, fromMicros: 0 }, 'UTC'),
    /^Lines in each day of 24 Nov 2026, 13:40–13:46 \(UTC\); most/,
  )
})

test('the caption says how many lines the bars lack', () => {
  const window = { fromMicros: minute(0), toMicros: minute(6) }
  const gap = { firstMicros: minute(1), lastMicros: minute(3), lines: 4096, reason: 'broken' }
  assert.equal(
    histogramInWords({ ...HISTOGRAM, gaps: [gap] }, window, 'UTC'),
    'Lines in each 2 minutes; most, 1,200, from 24 Nov 2026, 13:44:00; without 4,096 lines that could not be read',
  )
  assert.equal(
    histogramInWords({ ...HISTOGRAM, counts: [0, 0, 0], gaps: [{ ...gap, lines: 1 }] }, window, 'UTC'),
    'Lines in each 2 minutes; without 1 line that could not be read',
  )
})
