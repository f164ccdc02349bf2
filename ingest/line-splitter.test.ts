import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LineSplitter, MAX_LINE_BYTES } from './line-splitter.ts'

const KEPT_BYTES = 64 * 1024

interface Received {
  readonly lines: Buffer[]
  readonly tooLong: { beginning: Buffer; sizeBytes: number }[]
}

function newSplitter(): Received & { splitter: LineSplitter } {
  const received: Received = { lines: [], tooLong: [] }
  const splitter = new LineSplitter({
    line: (bytes, start, end) => received.lines.push(Buffer.from(bytes.subarray(start, end))),
    tooLong: (beginning, sizeBytes) =>
      received.tooLong.push({ beginning: Buffer.from(beginning), sizeBytes }),
  })
  return { ...received, splitter }
}

function split(...chunks: (string | Buffer)[]): Received {
  const { splitter, lines, tooLong } = newSplitter()
  for (const chunk of chunks) splitter.push(Buffer.from(chunk as string))
  splitter.end()
  assert.equal(splitter.pendingBytes, 0)
  return { lines, tooLong }
}

const texts = (...chunks: string[]) => split(...chunks).lines.map(String)

/** The whole at once: split by LF, one CR before each LF removed, nothing after the last LF unless bytes stand there. */
function naiveLines(whole: Buffer): string[] {
  const pieces = whole.toString('latin1').split('\n')
  const last = pieces.pop() ?? ''
  return [...pieces.map((piece) => piece.replace(/\r$/, '')), ...(last === '' ? [] : [last])]
}

test('any cutting of any bytes gives the lines of the whole', () => {
  const bytes = fc
    .array(fc.oneof(fc.constantFrom(0x0a, 0x0a, 0x0d, 0x0d, 0x00, 0xff, 0x61), fc.nat(255)), {
      maxLength: 60,
    })
    .map((values) => Buffer.from(values))
  fc.assert(
    fc.property(bytes, fc.array(fc.nat(60), { maxLength: 12 }), (whole, cuts) => {
      const edges = [0, ...cuts.filter((cut) => cut < whole.length).sort((a, b) => a - b), whole.length]
      const chunks = edges.slice(1).map((edge, index) => whole.subarray(edges[index], edge))
      const { lines, tooLong } = split(...chunks)
      assert.deepEqual(
        lines.map((line) => line.toString('latin1')),
        naiveLines(whole),
      )
      assert.deepEqual(tooLong, [])
    }),
    { numRuns: 2000 },
  )
})

test('a log cut at every byte gives the same lines', () => {
  const log = 'a\r\nb\n\n\r\n\r\r\nc\rd\r\n\0\xff\ne\r'
  const whole = Buffer.from(log, 'latin1')
  for (let cut = 0; cut <= whole.length; cut++)
    assert.deepEqual(
      split(whole.subarray(0, cut), whole.subarray(cut)).lines.map((line) => line.toString('latin1')),
      ['a', 'b', '', '', '\r', 'c\rd', '\0\xff', 'e\r'],
    )
})

test('one CR before a LF belongs to the terminator, any other CR to the line', () => {
  assert.deepEqual(texts('a\r\n\rb\r\r\nc\rd\n'), ['a', '\rb\r', 'c\rd'])
})

test('a LF in the next chunk makes a terminator of the CR that ended this one', () => {
  assert.deepEqual(texts('a\r', '\nb'), ['a', 'b'])
  assert.deepEqual(texts('a\r', '', '\nb'), ['a', 'b'])
  assert.deepEqual(texts('a\r', 'b\n'), ['a\rb'])
  assert.deepEqual(texts('\r', '\n'), [''])
})

test('a CR at the end of the stream stays with the line', () => {
  assert.deepEqual(texts('a\r'), ['a\r'])
  assert.deepEqual(texts('a\n\r'), ['a', '\r'])
})

test('what follows the last LF is a line, nothing is not', () => {
  assert.deepEqual(texts('a\nb'), ['a', 'b'])
  assert.deepEqual(texts('a\n'), ['a'])
  assert.deepEqual(texts(''), [])
  assert.deepEqual(texts(), [])
  assert.deepEqual(texts('\n\n'), ['', ''])
})

test('lines come as soon as their LF is there, and the bytes that wait are counted', () => {
  const { splitter, lines } = newSplitter()
  splitter.push(Buffer.from('a\nbc'))
  assert.deepEqual(lines.map(String), ['a'])
  assert.equal(splitter.pendingBytes, 2)
  splitter.push(Buffer.from('d\n'))
  assert.deepEqual(lines.map(String), ['a', 'bcd'])
  assert.equal(splitter.pendingBytes, 0)
})

test('bytes that wait are copied, since a reader may use its chunk again', () => {
  const { splitter, lines } = newSplitter()
  const chunk = Buffer.from('abc')
  splitter.push(chunk)
  chunk.fill('x')
  splitter.push(Buffer.from('\n'))
  assert.deepEqual(lines.map(String), ['abc'])
})

/** Ways to hand over a log: whole, in two pieces on either side of the cap, in small ones. */
function cuttings(whole: Buffer): Buffer[][] {
  const at = (cut: number) => [whole.subarray(0, cut), whole.subarray(cut)]
  const small: Buffer[] = []
  for (let start = 0; start < whole.length; start += 60_000) small.push(whole.subarray(start, start + 60_000))
  return [[whole], at(1), at(MAX_LINE_BYTES - 1), at(MAX_LINE_BYTES), at(MAX_LINE_BYTES + 1), small]
}

for (const [name, terminator] of [
  ['LF', '\n'],
  ['CRLF', '\r\n'],
  ['the end of the stream', ''],
] as const) {
  test(`a line of exactly the cap before ${name} is a line, one byte more is too long, and the next is intact`, () => {
    const next = terminator === '' ? '' : `next${terminator}`
    for (const extra of [0, 1, 2, 3]) {
      const line = Buffer.alloc(MAX_LINE_BYTES + extra, 'abcdefg')
      for (const chunks of cuttings(Buffer.concat([line, Buffer.from(terminator + next)]))) {
        const { lines, tooLong } = split(...chunks)
        const rest = next === '' ? [] : ['next']
        if (extra === 0) {
          assert.equal(tooLong.length, 0)
          assert.ok(lines[0]?.equals(line))
          assert.deepEqual(lines.slice(1).map(String), rest)
        } else {
          assert.deepEqual(lines.map(String), rest)
          assert.equal(tooLong.length, 1)
          assert.equal(tooLong[0]?.sizeBytes, MAX_LINE_BYTES + extra)
          assert.ok(tooLong[0]?.beginning.equals(line.subarray(0, KEPT_BYTES)))
        }
      }
    }
  })
}

test('a CR counts for the length of a line that it does not end', () => {
  const line = Buffer.alloc(MAX_LINE_BYTES + 1, 'a')
  line[MAX_LINE_BYTES] = 0x0d
  assert.equal(split(line).tooLong[0]?.sizeBytes, MAX_LINE_BYTES + 1)
  assert.equal(split(line, 'a\n').tooLong[0]?.sizeBytes, MAX_LINE_BYTES + 2)
  assert.equal(split(line, '\n').lines[0]?.length, MAX_LINE_BYTES)
})

test('a line far over the cap holds no more memory than the cap, and the next line is intact', () => {
  const { splitter, lines, tooLong } = newSplitter()
  const chunk = Buffer.alloc(64 * 1024, 'a')
  const chunks = 1024
  const before = process.memoryUsage().arrayBuffers
  let highest = 0
  for (let i = 0; i < chunks; i++) {
    splitter.push(chunk)
    highest = Math.max(highest, process.memoryUsage().arrayBuffers - before)
  }
  splitter.push(Buffer.from('end\nnext\n'))
  assert.ok(highest < 4 * MAX_LINE_BYTES, `${highest} bytes held`)
  assert.deepEqual(lines.map(String), ['next'])
  assert.deepEqual(
    tooLong.map(({ beginning, sizeBytes }) => [beginning.length, sizeBytes]),
    [[KEPT_BYTES, chunks * chunk.length + 3]],
  )
})

test('lines after one that was too long are read as if it had not been there', () => {
  const long = Buffer.alloc(MAX_LINE_BYTES + 10, 'x')
  const { lines, tooLong } = split('a\n', long, '\r\nb\r', '\nc')
  assert.deepEqual(lines.map(String), ['a', 'b', 'c'])
  assert.deepEqual(
    tooLong.map(({ sizeBytes }) => sizeBytes),
    [MAX_LINE_BYTES + 10],
  )
})
