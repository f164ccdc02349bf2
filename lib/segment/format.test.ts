import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { encodeMember } from '../line/member.ts'
import {
  decodeSegment,
  decodeSummary,
  decodeTimes,
  encodeSegment,
  QUICK_LEVEL,
  SegmentError,
  THOROUGH_LEVEL,
} from './format.ts'
import { memberAt, SegmentBuilder, type SegmentLines } from './lines.ts'

const line = (status: number, text = '') =>
  Buffer.from(`192.0.2.7 - - [06/May/2013:13:54:52 +0000] "GET /${text} HTTP/1.1" ${status} 5 "-" "x" 1824`)

function built(members: readonly [micros: number, member: Buffer][]): SegmentLines {
  const builder = new SegmentBuilder(16)
  for (const [micros, member] of members) builder.addMember(micros, member)
  return builder.lines()
}

const membersOf = (lines: SegmentLines) =>
  Array.from({ length: lines.count }, (_, place) => [
    lines.micros[place],
    memberAt(lines, place).toString('latin1'),
  ])

/** What the golden files hold: every kind of time step, tag and byte. */
const EXAMPLE: [number, Buffer][] = [
  [0, Buffer.from('')],
  [0, Buffer.from('\t#0')],
  [1, Buffer.from('no source')],
  [999_999, encodeMember(Buffer.from([0, 0xff, 0x0d, 9, 0x80]), 'web1', 0)],
  [1_367_848_492_000_000, encodeMember(line(200), 'web1', 0)],
  [1_367_848_492_000_001, encodeMember(line(200), 'web1', 1)],
  [1_367_848_492_000_001, encodeMember(line(404), 'web-2.ssl', 0)],
  [1_367_848_551_000_000, encodeMember(line(503), 'web1', 4_000_000_000)],
  [8_999_999_999_999_999, encodeMember(line(301), '', 2)],
]

test('a segment gives back its lines, times and tags, whatever they are', () => {
  const lines = built(EXAMPLE)
  const read = decodeSegment(encodeSegment(lines, THOROUGH_LEVEL))
  assert.deepEqual(
    membersOf(read),
    EXAMPLE.map(([micros, member]) => [micros, member.toString('latin1')]),
  )
  assert.deepEqual(read.text, lines.text)
})

test('a segment of random bytes, times and repeats gives back what went in', () => {
  let state = 7
  const random = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return state % below
  }
  for (let round = 0; round < 20; round++) {
    let micros = random(2_000_000_000) * 1_000_000
    const members = Array.from({ length: 1 + random(400) }, (): [number, Buffer] => {
      micros += random(3) === 0 ? random(5_000_000) : random(2)
      const bytes = Buffer.from(Array.from({ length: random(80) }, () => random(256))).map((byte) =>
        byte === 10 ? 11 : byte,
      )
      return [micros, encodeMember(bytes, random(2) ? `web${random(3)}` : '', random(4) ? 0 : random(300))]
    })
    const read = decodeSegment(encodeSegment(built(members), QUICK_LEVEL))
    assert.deepEqual(
      membersOf(read),
      members.map(([at, member]) => [at, member.toString('latin1')]),
    )
  }
})

test('what a histogram needs is read from the first bytes alone', () => {
  const segment = encodeSegment(built(EXAMPLE), THOROUGH_LEVEL)
  const first = decodeSummary(segment.subarray(0, 64))
  assert.ok('needsBytes' in first)
  assert.deepEqual(decodeSummary(segment.subarray(0, first.needsBytes)), [
    { second: 0, byClass: [4, 0, 0, 0, 0, 0] },
    { second: 1_367_848_440, byClass: [0, 0, 2, 0, 1, 0] },
    { second: 1_367_848_500, byClass: [0, 0, 0, 0, 0, 1] },
    { second: 8_999_999_940, byClass: [0, 0, 0, 1, 0, 0] },
  ])
})

test('the golden file of version 1, codec 1 is read as it was written', () => {
  const golden = readFileSync(join(import.meta.dirname, 'golden-v1-codec1.segment'))
  assert.deepEqual(
    membersOf(decodeSegment(golden)),
    EXAMPLE.map(([micros, member]) => [micros, member.toString('latin1')]),
  )
})

test('a flipped bit anywhere, a cut and something behind the end are faults, never other lines', () => {
  const segment = encodeSegment(built(EXAMPLE), THOROUGH_LEVEL)
  for (let at = 0; at < segment.length; at++) {
    const broken = Buffer.from(segment)
    broken[at] = (broken[at] ?? 0) ^ (1 << (at % 8))
    assert.throws(() => decodeSegment(broken), SegmentError, `byte ${at}`)
  }
  for (let length = 0; length < segment.length; length++)
    assert.throws(() => decodeSegment(segment.subarray(0, length)), SegmentError, `cut at ${length}`)
  assert.throws(() => decodeSegment(Buffer.concat([segment, Buffer.from('x')])), SegmentError)
})

test('a header that promises more than its columns hold takes no memory', () => {
  const forged = encodeSegment(built(EXAMPLE), THOROUGH_LEVEL)
  forged.writeUInt32LE(300_000_000, 8)
  assert.throws(() => decodeTimes(forged), /its columns are too small for 300000000 lines/)
  forged.writeUInt32LE(0xffff_ffff, 48)
  assert.throws(() => decodeTimes(forged), SegmentError)
})

test('an unknown version and an unknown codec are named', () => {
  const segment = encodeSegment(built(EXAMPLE), THOROUGH_LEVEL)
  const changed = (at: number, value: number) => {
    const other = Buffer.from(segment)
    other[at] = value
    return other
  }
  assert.throws(() => decodeSegment(changed(4, 2)), /it has version 2; this program reads 1/)
  assert.throws(() => decodeSegment(changed(5, 9)), /it has codec 9; this program reads 1/)
})
