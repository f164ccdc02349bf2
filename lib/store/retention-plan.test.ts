import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ageCut, budgetCut, type MemoryPiece, planStep } from './retention-plan.ts'
import { microsOfSecond } from './score.ts'
import type { Descriptor } from './segment-descriptor.ts'

const T = 1_763_899_200

const segment = (first: number, last: number): Descriptor => ({
  firstMicros: microsOfSecond(first) + 500_000,
  lastMicros: microsOfSecond(last) + 500_000,
  lines: 10,
  textBytes: 100,
  storedBytes: 50,
  level: 1,
  name: `${first}`,
})

const plan = (segments: readonly Descriptor[], pastSecond: number | null = null) =>
  planStep({ oldestSecond: T, limitSecond: T + 1000, pastSecond, segments }, 2)

test('a step goes to its limit where the bounds let it, and tells the segment that reaches across', () => {
  const [a, b] = [segment(T, T + 100), segment(T + 500, T + 1000)]
  assert.deepEqual(plan([a, b]), { floorSecond: T + 1000, whole: [a], across: b })
  assert.deepEqual(plan([a]), { floorSecond: T + 1000, whole: [a], across: null })
  assert.deepEqual(plan([]), { floorSecond: T + 1000, whole: [], across: null })
})

test('a step ends before the segment and before the second of the hot line that are too many', () => {
  const [a, b, c] = [segment(T, T + 100), segment(T + 100, T + 300), segment(T + 300, T + 400)]
  assert.deepEqual(plan([a, b, c]), { floorSecond: T + 300, whole: [a], across: b })
  assert.deepEqual(plan([a, b, c], T + 50), { floorSecond: T + 50, whole: [], across: a })
})

test('the oldest second goes whatever it holds', () => {
  assert.equal(plan([segment(T, T), segment(T, T), segment(T, T + 5)]).floorSecond, T + 1)
  assert.equal(plan([], T).floorSecond, T + 1)
})

test('an age lets stay what is no older than its days, and a grain more where there is one', () => {
  const cut = (oldestSecond: number, grainSeconds: number) =>
    ageCut({ nowSeconds: T + 0.7, days: 2, oldestSecond, grainSeconds })
  const edge = T - 2 * 86_400
  assert.deepEqual([cut(edge, 0), cut(edge - 1, 0)], [null, edge])
  assert.deepEqual([cut(edge - 600, 600), cut(edge - 601, 600)], [null, edge])
})

test('a budget’s cut is the lowest second that frees enough, or none where all is not enough', () => {
  const pieces: MemoryPiece[] = [
    { firstSecond: 100, lastSecond: 199, bytes: 1000 },
    { firstSecond: 150, lastSecond: 249, bytes: 2000 },
  ]
  assert.equal(budgetCut(pieces, 0), null)
  assert.equal(budgetCut(pieces, 500), 150)
  assert.equal(budgetCut(pieces, 510), 151)
  assert.equal(budgetCut(pieces, 3000), 250)
  assert.equal(budgetCut(pieces, 3001), null)
  assert.equal(budgetCut([], 1), null)
})

test('whatever the pieces, the cut frees enough and a second less does not', () => {
  const piece = fc
    .record({ firstSecond: fc.nat(1000), seconds: fc.nat(100), bytes: fc.nat(10_000) })
    .map(({ firstSecond, seconds, bytes }) => ({ firstSecond, lastSecond: firstSecond + seconds, bytes }))
  const freed = (pieces: readonly MemoryPiece[], second: number) => {
    let bytes = 0
    for (const one of pieces)
      for (let s = one.firstSecond; s <= one.lastSecond; s++)
        if (s < second) bytes += one.bytes / (one.lastSecond - one.firstSecond + 1)
    return bytes
  }
  fc.assert(
    fc.property(
      fc.array(piece, { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 1, max: 40_000 }),
      (pieces, excess) => {
        const cut = budgetCut(pieces, excess)
        if (cut === null) return freed(pieces, 2000) < excess + 0.01
        return freed(pieces, cut) >= excess - 0.01 && freed(pieces, cut - 1) < excess + 0.01
      },
    ),
  )
})
