import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Clock, parseWindow } from './window.ts'
import { sameLengthUpToNow, zoomOut } from './window-steps.ts'

const CLOCK: Clock = { nowMs: Date.parse('2026-11-24T13:55:07.250Z'), zone: 'UTC' }
const NOW_MICROS = CLOCK.nowMs * 1000
const HOUR = 3_600_000_000

test('zooming out doubles a window around its middle', () => {
  const window = { fromMicros: NOW_MICROS - 9 * HOUR, toMicros: NOW_MICROS - 8 * HOUR }
  assert.deepEqual(zoomOut(window, CLOCK), {
    fromMicros: NOW_MICROS - 9.5 * HOUR,
    toMicros: NOW_MICROS - 7.5 * HOUR,
  })
})

test('zooming out ends at now and at 1970, and a window of nothing grows too', () => {
  const upToNow = { fromMicros: NOW_MICROS - HOUR, toMicros: NOW_MICROS }
  assert.deepEqual(zoomOut(upToNow, CLOCK), { fromMicros: NOW_MICROS - 1.5 * HOUR, toMicros: NOW_MICROS })
  assert.deepEqual(zoomOut({ fromMicros: 0, toMicros: HOUR }, CLOCK), { fromMicros: 0, toMicros: 1.5 * HOUR })
  assert.equal(zoomOut({ fromMicros: 0, toMicros: NOW_MICROS }, CLOCK), null)
  assert.deepEqual(zoomOut({ fromMicros: HOUR, toMicros: HOUR }, CLOCK), {
    fromMicros: HOUR - 1e6,
    toMicros: HOUR + 1e6,
  })
})

test('what ends in the future stays as far', () => {
  const ahead = { fromMicros: NOW_MICROS, toMicros: NOW_MICROS + HOUR }
  assert.deepEqual(zoomOut(ahead, CLOCK), { fromMicros: NOW_MICROS - HOUR / 2, toMicros: NOW_MICROS + HOUR })
})

test('a window of the same length up to now is at least as long, and by less than an hour', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: NOW_MICROS }), (length) => {
      const window = parseWindow(sameLengthUpToNow({ fromMicros: 0, toMicros: length }), undefined, CLOCK)
      assert.equal(window.toMicros, NOW_MICROS)
      const more = window.toMicros - window.fromMicros - length
      assert.ok(window.fromMicros === 0 || (more >= 0 && more < HOUR))
    }),
  )
})
