import assert from 'node:assert/strict'
import { test } from 'node:test'
import { median } from './statistics.ts'

test('the median is the middle value, or the mean of the two in the middle, whatever the order given', () => {
  assert.equal(median([3, 100, 1]), 3)
  assert.equal(median([4, 1, 100, 2]), 3)
  assert.equal(median([7]), 7)
  assert.throws(() => median([]), /no values/)
})
