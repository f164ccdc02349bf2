import assert from 'node:assert/strict'
import { test } from 'node:test'
import { removalReason } from './removal-text.ts'

test('why lines were removed is said in words', () => {
  assert.equal(removalReason({ reason: 'age', days: 30 }), 'retention of 30 days')
  assert.equal(removalReason({ reason: 'age', days: 1 }), 'retention of 1 day')
  assert.equal(removalReason({ reason: 'age', days: null }), 'retention')
  assert.equal(removalReason({ reason: 'budget', days: null }), 'the store’s memory budget')
})
