import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomFrom } from '../../e2e/random-from.ts'
import { encodeMember } from '../line/member.ts'
import { memberAt, SegmentBuilder, type SegmentLines } from '../segment/lines.ts'
import { microsOfSecond, secondOfMicros } from './score.ts'
import { compareLines, cutLines, joinStretches, mergeSegments, type SegmentLimits } from './segment-merge.ts'

type One = readonly [micros: number, member: string]

const T = 1_763_906_100

function built(lines: readonly One[]): SegmentLines {
  const builder = new SegmentBuilder(16)
  for (const [micros, member] of lines) builder.addMember(micros, Buffer.from(member, 'latin1'))
  return builder.lines()
}

const listed = (lines: SegmentLines): One[] =>
  Array.from({ length: lines.count }, (_, place) => [
    lines.micros[place] ?? 0,
    memberAt(lines, place).toString('latin1'),
  ])

const inOrder = (a: One, b: One) =>
  a[0] - b[0] || Buffer.compare(Buffer.from(a[1], 'latin1'), Buffer.from(b[1], 'latin1'))
const identityOf = ([micros, member]: One) => `${secondOfMicros(micros)} ${member}`

/** Everything put together anew, without a thought for cost. */
function naiveMerge(segments: readonly One[][], lines: readonly One[]) {
  const standing = new Set(segments.flat().map(identityOf))
  const fresh = lines.filter((one) => !standing.has(identityOf(one)))
  return {
    lines: [...segments.flat(), ...fresh].toSorted(inOrder),
    duplicates: lines.flatMap((one, place) => (standing.has(identityOf(one)) ? [place] : [])),
  }
}

/** The index after the merge: the segments that stay, and the new ones. */
function afterMerge(segments: readonly SegmentLines[], lines: SegmentLines, limits: SegmentLimits) {
  const merged = mergeSegments(segments, lines, limits)
  const stay = segments.filter((_, place) => !merged.replaced.includes(place))
  const all = [...stay, ...merged.written].toSorted((a, b) => (a.micros[0] ?? 0) - (b.micros[0] ?? 0))
  return { merged, all }
}

function assertFits(segments: readonly SegmentLines[], limits: SegmentLimits) {
  for (const [index, segment] of segments.entries()) {
    const before = segments[index - 1]
    if (before)
      assert.ok((before.micros.at(-1) ?? 0) < (segment.micros[0] ?? 0), 'a score stands in one segment')
    const isOneScore = segment.micros[0] === segment.micros.at(-1)
    assert.ok(isOneScore || (segment.count <= limits.lines && segment.text.length <= limits.textBytes))
    assert.equal(segment.starts.length, segment.count + 1)
    assert.equal(segment.starts[segment.count], segment.text.length)
    assert.deepEqual([...new Set(segment.tags)], segment.tags, 'each tag once')
    assert.equal(new Set(segment.tagOf).size, segment.tags.length, 'no tag that no line has')
  }
}

test('lines that come late, twice, with equal scores and at other microseconds land where a sort would put them', () => {
  const random = randomFrom(4)
  const below = (n: number) => Math.floor(random() * n)
  let duplicates = 0
  let untouched = 0
  for (let round = 0; round < 3000; round++) {
    const limits = { lines: 1 + below(12), textBytes: 20 + below(400) }
    const seconds = 1 + below(60)
    const some = (count: number): One[] => {
      const lines = new Map<string, One>()
      for (let i = 0; i < count; i++) {
        const text = Buffer.from(['a', 'b', 'a\tb\xff', 'c'.repeat(below(40))][below(4)] ?? '', 'latin1')
        const member = encodeMember(text, below(3) ? `web${below(3)}` : '', below(4) ? 0 : below(3))
        const one: One = [microsOfSecond(T + below(seconds)) + below(4), member.toString('latin1')]
        if (!lines.has(identityOf(one))) lines.set(identityOf(one), one)
      }
      return [...lines.values()].toSorted(inOrder)
    }
    const standing = built(some(below(120)))
    const segments = standing.count > 0 ? cutLines(standing, limits) : []
    assertFits(segments, limits)
    const lines = some(below(30))
    const { merged, all } = afterMerge(segments, built(lines), limits)
    const expected = naiveMerge(segments.map(listed), lines)
    assert.deepEqual(all.flatMap(listed), expected.lines)
    assert.deepEqual([...merged.duplicates], expected.duplicates)
    assert.equal(merged.duplicates.length + merged.fresh.length, lines.length)
    assertFits(merged.written, limits)
    for (const [index, segment] of all.entries())
      if (index > 0) assert.ok((all[index - 1]?.micros.at(-1) ?? 0) < (segment.micros[0] ?? 0))
    duplicates += merged.duplicates.length
    untouched += segments.length - merged.replaced.length
  }
  assert.ok(duplicates > 1000 && untouched > 1000, 'the input had what it is about')
})

test('a line writes only the segment anew that it goes into', () => {
  const lines = built(Array.from({ length: 50 }, (_, i): One => [microsOfSecond(T + i), `l${i}`]))
  const segments = cutLines(lines, { lines: 10, textBytes: 1000 })
  assert.equal(segments.length, 5)
  const late = built([[microsOfSecond(T + 25) + 3, 'late']])
  const { replaced, written } = mergeSegments(segments, late, { lines: 11, textBytes: 1000 })
  assert.deepEqual([replaced, written.length, written[0]?.count], [[2], 1, 11])
})

test('a line between two segments writes neither of them anew', () => {
  const segments = [built([[microsOfSecond(T), 'a']]), built([[microsOfSecond(T + 9), 'b']])]
  const merged = mergeSegments(segments, built([[microsOfSecond(T + 5), 'c']]), {
    lines: 10,
    textBytes: 1000,
  })
  assert.deepEqual([merged.replaced, merged.written.map(listed)], [[], [[[microsOfSecond(T + 5), 'c']]]])
})

test('pieces of a cut are of like size, and a full one stays whole', () => {
  const lines = (count: number) =>
    built(Array.from({ length: count }, (_, i): One => [microsOfSecond(T) + Math.floor(i / 3), `l${i % 3}`]))
  const sizes = (count: number) =>
    cutLines(lines(count), { lines: 12, textBytes: 1000 }).map((one) => one.count)
  assert.deepEqual(sizes(12), [12])
  assert.deepEqual(sizes(15), [6, 9])
  assert.deepEqual(sizes(24), [12, 12])
  const ofOneScore = built(Array.from({ length: 30 }, (_, i): One => [microsOfSecond(T), `l${100 + i}`]))
  assert.deepEqual(
    cutLines(ofOneScore, { lines: 12, textBytes: 1000 }).map((one) => one.count),
    [30],
  )
})

test('joined segments keep their lines and tags', () => {
  const first = built([
    [1, 'a\tweb1'],
    [2, 'b\tweb2'],
  ])
  const second = built([
    [3, 'c\tweb2'],
    [4, 'd'],
  ])
  const joined = joinStretches([first, second].map((from) => ({ from, start: 0, end: from.count })))
  assert.deepEqual(listed(joined), [...listed(first), ...listed(second)])
  assert.deepEqual(joined.tags, ['\tweb1', '\tweb2', ''])
  assert.ok(compareLines(joined, 0, joined, 1) < 0)
})
