import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countReject, newSummary, summaryJson, summaryText } from './summary.ts'

test('the JSON is one object on one line with the four counts that add up to the first', () => {
  const summary = { ...newSummary(), read: 10, stored: 4, duplicates: 3, rejected: 0, unassigned: 3 }
  assert.equal(summaryJson(summary), '{"read":10,"stored":4,"duplicates":3,"rejected":0,"unassigned":3}')
})

test('rejects are counted in all and by reason, which the JSON names only where there are some', () => {
  const summary = newSummary()
  countReject(summary, 'no readable time')
  countReject(summary, 'dated before 1970', 5)
  countReject(summary, 'no readable time', 2)
  assert.equal(summary.rejected, 8)
  assert.deepEqual(JSON.parse(summaryJson(summary)), {
    read: 0,
    stored: 0,
    duplicates: 0,
    rejected: 8,
    unassigned: 0,
    reasons: { 'no readable time': 3, 'dated before 1970': 5 },
  })
  assert.doesNotMatch(summaryJson(summary), /\n/)
})

test('the text says every count in words, and one line for each reason', () => {
  const summary = { ...newSummary(), read: 1_234_567, stored: 1_234_000, duplicates: 500, unassigned: 65 }
  countReject(summary, 'no readable time', 2)
  assert.deepEqual(summaryText(summary).split('\n'), [
    '1,234,567 lines read: 1,234,000 stored, 500 stood already, 2 rejected, 65 belong to no collection',
    '  rejected, no readable time: 2',
  ])
})

test('two summaries count apart', () => {
  const first = newSummary()
  countReject(first, 'no readable time')
  assert.deepEqual([newSummary().rejected, newSummary().reasons.size], [0, 0])
})
