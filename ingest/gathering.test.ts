import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MICROS } from '#lib/line/log-time.ts'
import { memberAt } from '#lib/segment/lines.ts'
import type { TakenLines } from './gathered-lines.ts'
import { Gathering, MARGIN_SECONDS } from './gathering.ts'
import type { DecidedLine } from './line-decider.ts'
import { linesIn } from './lines-in-buffers.ts'

interface TestLine {
  readonly id: string
  readonly text: string
  readonly tag: string
  readonly micros: number
}

function add(gathering: Gathering, { id, text, tag, micros }: TestLine): void {
  const bytes = Buffer.from(`${id}${text}`, 'latin1')
  const line: DecidedLine = {
    bytes,
    start: id.length,
    end: bytes.length,
    idStart: 0,
    idEnd: id.length,
    second: Math.floor(micros / MICROS),
    micros,
    tag,
    statusClass: text.length % 6,
  }
  gathering.add(line)
}

/** `[micros, member, status class]` of each line, and the buffers given back as the program does. */
function open(gathering: Gathering, { collection, buffers, repeats }: TakenLines) {
  const lines = linesIn(buffers)
  const opened = Array.from({ length: lines.count }, (_, place) => ({
    micros: lines.micros[place] ?? 0,
    member: memberAt(lines, place).toString('latin1'),
    statusClass: lines.classes[place] ?? 0,
  }))
  gathering.release(buffers)
  return { collection: String(collection), lines: opened, repeats }
}

type Opened = ReturnType<typeof open>

const inOrder = (a: { micros: number; member: string }, b: { micros: number; member: string }) =>
  a.micros - b.micros || Buffer.compare(Buffer.from(a.member, 'latin1'), Buffer.from(b.member, 'latin1'))

/** Lines with lengths from none to more than a block, among few seconds and few texts, so that ties and repeats happen. */
const arbitraryLine = fc.record({
  id: fc.constantFrom('7', '1824', '12345678901234567890'),
  text: fc.oneof(
    fc.stringMatching(/^[ab\t]{0,4}$/),
    fc.integer({ min: 0, max: 9000 }).map((length) => 'x'.repeat(length)),
  ),
  tag: fc.constantFrom('', '\tweb1', '\tweb1#1', '\tweb2'),
  micros: fc
    .tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 3 }))
    .map(([second, micros]) => (1_400_000_000 + second) * MICROS + micros),
})

test('whatever comes in whatever order, each identity is taken once, in pieces that are in order', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(arbitraryLine, { maxLength: 60 }), { maxLength: 6 }),
      fc.integer({ min: 1_400_000_000, max: 1_400_000_110 }),
      (rounds, clockSecond) => {
        const gathering = new Gathering({ heldBytes: 40_000 })
        const pieces: Opened[] = []
        for (const round of rounds) {
          for (const line of round) add(gathering, line)
          for (const taken of gathering.takePieces(clockSecond)) pieces.push(open(gathering, taken))
        }
        for (const taken of gathering.takeAll()) pieces.push(open(gathering, taken))
        const given = rounds.flat()
        let found = 0
        for (const { collection, lines, repeats } of pieces) {
          assert.deepEqual(lines, lines.toSorted(inOrder))
          const identities = new Set(
            lines.map(({ micros, member }) => `${Math.floor(micros / MICROS)} ${member}`),
          )
          assert.equal(identities.size, lines.length, 'none stands twice in a piece')
          for (const { micros, member, statusClass } of lines)
            assert.ok(
              given.some(
                (line) =>
                  line.id === collection &&
                  line.micros === micros &&
                  line.text + line.tag === member &&
                  line.text.length % 6 === statusClass,
              ),
            )
          found += lines.length + repeats
        }
        assert.equal(found, given.length, 'none is lost')
      },
    ),
    { numRuns: 300 },
  )
})

/** A quiet site: one line a second. */
const quiet = (count: number, from = 0) =>
  Array.from({ length: count }, (_, n) => ({
    id: '1',
    text: `line ${from + n}`,
    tag: '\tweb1',
    micros: (1_400_000_000 + from + n) * MICROS,
  }))

test('a piece is taken when a segment’s worth of lines is settled, and they are whole seconds', () => {
  const gathering = new Gathering()
  for (const line of quiet(5000)) add(gathering, line)
  assert.equal(
    [...gathering.takePieces(1_400_000_000 + 4095 + MARGIN_SECONDS)].length,
    0,
    'a line too few is settled',
  )
  for (const line of quiet(1000, 5000)) add(gathering, line)
  const [piece, ...more] = [...gathering.takePieces(1_400_000_000 + 5900 + MARGIN_SECONDS)].map((taken) =>
    open(gathering, taken),
  )
  assert.equal(piece?.lines.length, 4096)
  assert.equal(more.length, 0)
  const all = [...gathering.takeAll()].flatMap((taken) => open(gathering, taken).lines)
  assert.equal(all.length, 1904)
  assert.ok((all[0]?.micros ?? 0) > (piece?.lines.at(-1)?.micros ?? 0))
})

test('a second is not divided, also where it is larger than a segment', () => {
  const gathering = new Gathering()
  for (const line of quiet(4000)) add(gathering, line)
  const busy = (1_400_000_000 + 4000) * MICROS
  for (let n = 0; n < 5000; n++) add(gathering, { id: '1', text: `busy ${n}`, tag: '', micros: busy + n })
  const pieces = [...gathering.takePieces(1_500_000_000)].map((taken) => open(gathering, taken).lines.length)
  assert.deepEqual(pieces, [4000, 5000])
})

test('lines that come late wait for company, and the pieces of those in time stay apart from them', () => {
  const gathering = new Gathering()
  const clock = 1_400_000_000 + 100_000
  for (const line of quiet(4096)) add(gathering, line)
  assert.equal([...gathering.takePieces(clock)].length, 1)
  add(gathering, { id: '1', text: 'late', tag: '\tweb1', micros: 1_400_000_007 * MICROS })
  for (const line of quiet(4096, 4096)) add(gathering, line)
  const [piece] = [...gathering.takePieces(clock)].map((taken) => open(gathering, taken).lines)
  assert.equal(piece?.length, 4096)
  assert.ok(piece?.every(({ member }) => member !== 'late\tweb1'))
  const rest = [...gathering.takeAll()].map((taken) => open(gathering, taken).lines)
  assert.deepEqual(
    rest.map((lines) => lines.map(({ member }) => member)),
    [['late\tweb1']],
  )
})

test('past its memory it gives the largest collections away, settled lines before others', () => {
  const gathering = new Gathering({ heldBytes: 512 * 1024 })
  for (let n = 0; n < 3000; n++) {
    add(gathering, { id: '1', text: 'x'.repeat(300), tag: '', micros: (1_400_000_000 + n) * MICROS })
    if (n % 100 === 0)
      add(gathering, { id: '2', text: 'small', tag: '', micros: (1_400_000_000 + n) * MICROS })
  }
  const pieces = [...gathering.takePieces(1_400_000_000 + 2500 + MARGIN_SECONDS)].map((taken) =>
    open(gathering, taken),
  )
  assert.deepEqual(
    pieces.map(({ collection, lines }) => [collection, lines.length]),
    [['1', 2500]],
  )
  for (let n = 3000; n < 6000; n++)
    add(gathering, { id: '1', text: 'x'.repeat(300), tag: '', micros: (1_400_000_000 + n) * MICROS })
  const unsettled = [...gathering.takePieces(0)].map((taken) => open(gathering, taken))
  assert.equal(unsettled.reduce((sum, { lines }) => sum + lines.length, 0) >= 3500, true)
})
