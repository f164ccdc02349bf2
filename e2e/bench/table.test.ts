import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Measured, Row } from './row.ts'
import { tableJson, tableText, verdictOf } from './table.ts'

const faster: Row = { name: 'live', must: 0.8, goal: 1, better: 'higher', unit: '', run: neverRun }
const smaller: Row = { name: 'download-rss', must: 64, goal: 32, better: 'lower', unit: 'MiB', run: neverRun }

function neverRun(): never {
  throw new Error('not in this test')
}

function outcome(row: Row, value: number) {
  const measured: Measured = { value, reference: '10 s', product: '8 s', note: 'as it is', samples: {} }
  return { row, measured, fault: null }
}

test('the verdict compares in the row’s own direction, and a limit itself is met', () => {
  assert.deepEqual(
    [0.79, 0.8, 1].map((value) => verdictOf(outcome(faster, value))),
    ['missed', 'met', 'met, goal too'],
  )
  assert.deepEqual(
    [64.1, 64, 32].map((value) => verdictOf(outcome(smaller, value))),
    ['missed', 'met', 'met, goal too'],
  )
})

test('the table has a line a row and says under it how each was measured, or why not', () => {
  const text = tableText([outcome(faster, 0.9), { row: smaller, measured: null, fault: 'no portal' }])
  const lines = text.split('\n')
  assert.match(lines[1] ?? '', /^live +>= 0.8 +>= 1 +0.90 +10 s +8 s +met$/)
  assert.match(lines[2] ?? '', /^download-rss +<= 64 MiB +<= 32 MiB +- +- +- +not run$/)
  assert.deepEqual(lines.slice(4), ['live: as it is', 'download-rss: no portal', ''])
})

test('the JSON holds the same figures', () => {
  const json = JSON.parse(tableJson([outcome(faster, 0.9)], { lines: 10 })) as {
    lines: number
    rows: { row: string; value: number; verdict: string }[]
  }
  assert.equal(json.lines, 10)
  assert.deepEqual(
    json.rows.map(({ row, value, verdict }) => [row, value, verdict]),
    [['live', 0.9, 'met']],
  )
})
