import assert from 'node:assert/strict'
import { test } from 'node:test'
import { removalReason, removalReasons } from './removal-text.ts'

test('why lines were removed is said in words', () => {
  assert.equal(removalReason({ reason: 'age', days: 30 }), 'retention of 30 days')
  assert.equal(removalReason({ reason: 'age', days: 1 }), 'retention of 1 day')
  assert.equal(removalReason({ reason: 'age', days: null }), 'retention')
  assert.equal(removalReason({ reason: 'budget', days: null }), 'the store’s memory budget')
})

test('each reason for which lines of a window were removed is said once, the newest first', () => {
  const removal = (fromSecond: number, floorSecond: number, days: number | null) => ({
    fromSecond,
    floorSecond,
    lines: 1,
    reason: days === null ? ('budget' as const) : ('age' as const),
    days,
    atSecond: 0,
  })
  const removals = [removal(40, 50, 30), removal(30, 40, null), removal(20, 30, 30), removal(10, 20, 90)]
  const words = (fromSecond: number, toSecond: number) => removalReasons(removals, { fromSecond, toSecond })
  assert.equal(words(0, 100), 'retention of 30 days; the store’s memory budget; retention of 90 days')
  assert.equal(words(30, 40), 'the store’s memory budget')
  assert.equal(words(19, 31), 'the store’s memory budget; retention of 30 days; retention of 90 days')
  assert.equal(words(0, 10), '')
  assert.equal(words(50, 60), '')
})
