import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseBenchArguments } from './arguments.ts'

test('without arguments all rows run at full size, five times', () => {
  assert.deepEqual(parseBenchArguments([]), {
    rows: ['live', 'seed', 'backfill', 'memory', 'ingest-rss', 'page', 'depth', 'download', 'download-rss'],
    lines: 1_000_000,
    runs: 5,
    json: 'test-results/bench.json',
  })
})

test('rows that are named run in the table’s order, whatever the order given', () => {
  const { rows, lines, runs } = parseBenchArguments(['page', 'live', '--size', '100000', '--runs', '1'])
  assert.deepEqual([rows, lines, runs], [['live', 'page'], 100_000, 1])
})

test('an unknown row, option or number is named, with what is accepted', () => {
  assert.throws(() => parseBenchArguments(['live', 'search']), {
    name: 'BenchUsageError',
    message:
      "There is no row 'search'. The rows are live, seed, backfill, memory, ingest-rss, page, depth, download, download-rss.",
  })
  assert.throws(() => parseBenchArguments(['--fast']), /Unknown option '--fast'[\s\S]*npm run bench/)
  for (const size of ['0', '1e6', '-5', '9999999'])
    assert.throws(() => parseBenchArguments([`--size=${size}`]), /takes a whole number from 1000 to 3000000/)
})
