import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomFrom } from '../../e2e/random-from.ts'
import { QUICK_LEVEL, THOROUGH_LEVEL } from '../segment/format.ts'
import { nextJoin } from './join.ts'
import { FULL_SEGMENT } from './merge.ts'
import { microsOfSecond } from './score.ts'
import type { Descriptor } from './segment-descriptor.ts'

let lastName = 0

const segment = (
  lines: number,
  { level = THOROUGH_LEVEL, textBytes = lines * 200, second = 0 } = {},
): Descriptor => ({
  firstMicros: microsOfSecond(second),
  lastMicros: microsOfSecond(second) + 1,
  lines,
  textBytes,
  storedBytes: lines,
  level,
  name: `s${++lastName}`,
})

const always = () => true
const sizes = (index: readonly Descriptor[]) => nextJoin(index, always)?.map(({ lines }) => lines) ?? null

test('neighbours are joined where that makes at least twice the largest, as many as fit', () => {
  assert.deepEqual(sizes([1024, 1024, 1024, 1024, 1024].map((n) => segment(n))), [1024, 1024, 1024, 1024])
  assert.deepEqual(sizes([100, 100].map((n) => segment(n))), [100, 100])
  assert.deepEqual(sizes([3000, 100, 100].map((n) => segment(n))), [100, 100])
  assert.equal(sizes([3000, 100].map((n) => segment(n))), null)
  assert.equal(sizes([3000, 3000].map((n) => segment(n))), null, 'too many lines')
  assert.equal(
    sizes([segment(10, { textBytes: 8e5 }), segment(10, { textBytes: 8e5 })]),
    null,
    'too much text',
  )
  assert.equal(sizes([segment(4096)]), null)
})

test('what may not be joined parts its neighbours', () => {
  const index = [100, 100, 100].map((n) => segment(n))
  assert.equal(
    nextJoin(index, (one) => one !== index[1]),
    null,
  )
})

test('a segment written quickly is written anew alone, once nothing is left to join', () => {
  const quick = segment(4096, { level: QUICK_LEVEL })
  assert.deepEqual(nextJoin([segment(10), segment(10), quick], always)?.length, 2)
  assert.deepEqual(nextJoin([segment(10), quick], always), [quick])
  assert.equal(
    nextJoin([quick], () => false),
    null,
  )
})

test('however small the pieces lines come in, they end in few segments and are written a dozen times at most', () => {
  const random = randomFrom(3)
  let index: Descriptor[] = []
  const total = 200_000
  let lines = 0
  let written = 0
  while (lines < total) {
    const piece = segment(1 + Math.floor(random() * 60))
    lines += piece.lines
    index.push(piece)
    for (
      let group = nextJoin(index.slice(-200), always);
      group;
      group = nextJoin(index.slice(-200), always)
    ) {
      const sum = group.reduce((all, one) => all + one.lines, 0)
      assert.ok(sum <= FULL_SEGMENT.lines)
      written += sum
      index = index.toSpliced(index.indexOf(group[0] as Descriptor), group.length, segment(sum))
    }
  }
  assert.ok(index.length < total / 2048 + 20, `${index.length} segments`)
  assert.ok(written < 12 * total, `each line was written ${written / total} times`)
})
