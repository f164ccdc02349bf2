import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LogClock } from './log-clock.ts'

/** The same by sorting all that counts, every time. */
function naiveMedian(seconds: readonly number[]): number {
  const last = seconds.slice(-101).sort((a, b) => a - b)
  return last[last.length >> 1] ?? 0
}

test('shows the median of the last 101 lines, whatever their order', () => {
  const second = fc.oneof(
    fc.integer({ min: 0, max: 20 }),
    fc.integer({ min: 1_700_000_000, max: 1_700_000_400 }),
    fc.constantFrom(0, 4_070_908_800),
  )
  fc.assert(
    fc.property(fc.array(second, { maxLength: 350, size: 'max' }), (seconds) => {
      const clock = new LogClock()
      for (const [index, one] of seconds.entries()) {
        clock.note(one)
        assert.equal(clock.second, naiveMedian(seconds.slice(Math.max(0, index - 100), index + 1)))
      }
    }),
    { numRuns: 40 },
  )
})

test('shows 0 before the first line', () => {
  assert.equal(new LogClock().second, 0)
})

test('lines dated 2099 do not move it while they are fewer than the others', () => {
  const clock = new LogClock()
  for (let i = 0; i < 51; i++) clock.note(1000)
  for (let i = 0; i < 50; i++) clock.note(4_070_908_800)
  assert.equal(clock.second, 1000)
  clock.note(4_070_908_800)
  assert.equal(clock.second, 4_070_908_800)
})

test('comes back once lines of another date have left the last 101', () => {
  const clock = new LogClock()
  for (let i = 0; i < 101; i++) clock.note(4_070_908_800)
  for (let i = 0; i < 51; i++) clock.note(1000)
  assert.equal(clock.second, 1000)
})
