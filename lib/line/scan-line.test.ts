import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { newScannedLine, type ScannedLine, scanLine } from './scan-line.ts'

const TIME = '[06/May/2013:09:54:52 -0400]'
const HEAD = `10.0.0.1 - frank ${TIME} "GET /hr HTTP/1.1"`

function scan(line: string | Buffer): { kind: ScannedLine['kind']; id: string | null; statusClass: number } {
  const bytes = Buffer.isBuffer(line) ? line : Buffer.from(line, 'latin1')
  const scanned = newScannedLine()
  scanLine(bytes, 0, bytes.length, scanned)
  const { kind, idStart, idEnd, statusClass } = scanned
  return { kind, id: kind === 'unassigned' ? null : bytes.toString('latin1', idStart, idEnd), statusClass }
}

function secondOf(line: string): number {
  const scanned = newScannedLine()
  scanLine(Buffer.from(line), 0, Buffer.byteLength(line), scanned)
  assert.equal(scanned.kind, 'line')
  return scanned.time.second
}

/** What stands after the request's closing quote, and the id it gives; null for none. */
const ENDINGS: [string, string | null][] = [
  ['200 2326', null],
  ['200 -', null],
  ['200', null],
  ['', null],
  ['1824', null],
  ['200 1824', null],
  ['200 (etc) 1824', '1824'],
  ['200 - 1824', '1824'],
  ['200 5 "-" "agent" 1824', '1824'],
  ['200 5 "-" "agent"', null],
  ['200 5 "-" 1824', '1824'],
  ['200 5 1', '1'],
  ['200 5 007', null],
  ['200 5 0', null],
  ['200 5 -1', null],
  ['200 5 +1', null],
  ['200 5 1.5', null],
  ['200 5 1e3', null],
  ['200 5 12345678901234567890', '12345678901234567890'],
  ['200 5 99999999999999999999', '99999999999999999999'],
  ['200 5 123456789012345678901', null],
  ['200 5 9007199254740993', '9007199254740993'],
  ['200 5 "1824"', null],
  ['200 5 "-" "agent 1824"', null],
  ['200 5 "-" "agent" 1824 x', null],
  ['200 5 "-" "agent" 1824"', null],
  ['200 5 "-" "agent" \'1824\'', null],
  ['200 5 "-" "agent"1824', null],
  ['200 5 "-" "agent 1824', null],
  ['200 "5 1824', null],
  ['200 5 "-" "say \\"hi\\" 77" 1824', '1824'],
  ['200 5 "-" "ends in a backslash \\\\" 1824', '1824'],
  ['200 5 "-" "never closed \\" 1824', null],
  ['200 5 "-" "a" 1824   ', '1824'],
  ['   200    5   1824', '1824'],
  ['200 5\t1824', null],
  ['200 5 x\t1824', null],
  ['200 5 1824\t', null],
  ['200 5 18\0 1824', '1824'],
  ['200 5 1824\0', null],
  ['200 5 "-" "agent" 1824\r', null],
  ['200 5 \xb2 1824', '1824'],
  ['200 5 1\xb2', null],
]

for (const [ending, id] of ENDINGS)
  test(`after the request, ${JSON.stringify(ending)} is ${id === null ? 'no collection’s' : `collection ${id}’s`}`, () => {
    const found = scan(`${HEAD} ${ending}`)
    assert.equal(found.id, id)
    assert.equal(found.kind, id === null ? 'unassigned' : 'line')
  })

test('the original’s sample line, with a field fewer than common format, is collection 1824’s at 1367848492', () => {
  const line = `66.249.73.111 - - ${TIME} "GET /collection/1824 HTTP/1.1" 200 (etc) 1824`
  assert.equal(scan(line).id, '1824')
  assert.equal(secondOf(line), 1367848492)
})

test('the id is the last field after the request for any fields before it, quoted or bare', () => {
  const bare = fc
    .string({ unit: fc.constantFrom('a', '7', '"', '[', ']', '-', '\\', '\t'), minLength: 1, maxLength: 6 })
    .filter((text) => !text.startsWith('"'))
  const quoted = fc
    .string({ unit: fc.constantFrom('a', '7', ' ', '\\"', '\\\\', '[', TIME), maxLength: 6 })
    .map((text) => `"${text}"`)
  fc.assert(
    fc.property(
      fc.array(fc.oneof(bare, quoted), { minLength: 2, maxLength: 8 }),
      fc.bigInt({ min: 1n, max: 99999999999999999999n }),
      (fields, id) => assert.equal(scan(`${HEAD} ${fields.join(' ')} ${id}`).id, String(id)),
    ),
  )
})

test('whatever the bytes, the scan ends, and an id it finds has the shape of one', () => {
  const piece = fc.oneof(
    fc.constantFrom(TIME, HEAD, ' "', '" ', ' 200 ', ' 1824', '\\', '"', '[', ']', '\0', '\t', '\xff\xfe'),
    fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const { id } = scan(pieces.join(''))
      if (id !== null) assert.match(id, /^[1-9][0-9]{0,19}$/)
    }),
    { numRuns: 500 },
  )
})

test('looks at nothing outside the line it is given', () => {
  const line = `${HEAD} 200 5 1824`
  const cut = (text: string, start: number, end: number) => {
    const scanned = newScannedLine()
    scanLine(Buffer.from(text), start, end, scanned)
    return scanned
  }
  const before = `${HEAD} 200 5 99\n`
  const inside = cut(`${before}${line}77\n`, before.length, before.length + line.length)
  assert.deepEqual([inside.kind, inside.idEnd - inside.idStart], ['line', 4])
  // The quote, the closing quote and the fields of the next line are not this line's.
  for (const own of ['no quote here', `10.0.0.1 - - ${TIME}`, `10.0.0.1 - - ${TIME} "GET /`, `${HEAD} 200 5`])
    assert.equal(cut(`${own} "x" 200 5 1824`, 0, own.length).kind, 'unassigned', own)
})

test('a quote inside the request is part of it when a backslash stands before', () => {
  assert.equal(scan(`10.0.0.1 - - ${TIME} "GET /\\" 200 5 99 HTTP/1.1" 200 2326`).kind, 'unassigned')
  assert.equal(scan(`10.0.0.1 - - ${TIME} "GET /\\\\" 200 5 99`).id, '99')
  assert.equal(scan(`10.0.0.1 - - ${TIME} "GET / 200 5 1824`).kind, 'unassigned')
})

test('the time is the first bracket that has its shape and stands before the request’s quote', () => {
  const other = '[01/Jan/2001:00:00:00 +0000]'
  const tail = `${TIME} "GET / HTTP/1.1" 200 5 1824`
  assert.equal(secondOf(`10.0.0.1 - we[i]rd ${tail}`), 1367848492)
  assert.equal(secondOf(`10.0.0.1 - [[[ ${tail}`), 1367848492)
  assert.equal(secondOf(`10.0.0.1 - ${other} ${tail}`), 1367848492)
  assert.equal(secondOf(`10.0.0.1 - ${other.slice(0, 20)} ${tail}`), 1367848492)
  assert.equal(
    secondOf(`10.0.0.1 - - ${TIME} "GET /${other} HTTP/1.1" 200 5 "${other}" "${other}" 1824`),
    1367848492,
  )
})

/** What may stand before the time, of servers that log a virtual host, a proxy or a header first. */
const LEADING = [
  'www.example.org:443 203.0.113.7 - frank',
  '[::1]:443 ::1 - -',
  '2001:db8::7 - -',
  '10.0.0.9 "203.0.113.7, 10.0.0.1" - frank smith',
  '"203.0.113.7, 10.0.0.1" - -',
  '"-" - -',
  '"" "" ""',
  '"say \\"hi\\" [x]" - fr[ank',
  `"${TIME}" - -`,
  `"${TIME} " - -`,
  `"${TIME} \\"GET / HTTP/1.1\\" 200 5 99" - -`,
  '203.0.113.7 - [01/Jan/2001:00:00:00 +0000] "10.0.0.1"',
  '203.0.113.7\t10.0.0.9 - "frank',
]

for (const leading of LEADING)
  test(`with ${leading} before the time the id stands where it stands without`, () => {
    const tail = `${TIME} "GET /hr HTTP/1.1"`
    assert.deepEqual(scan(`${leading} ${tail} 404 5 "-" "agent" 1824`), {
      kind: 'line',
      id: '1824',
      statusClass: 4,
    })
    assert.equal(secondOf(`${leading} ${tail} 404 5 1824`), 1367848492)
    // The byte count of common format is nobody's id, whatever leads.
    for (const ending of ['200 2326', '200 2326 "-" "agent"', '404 -', ''])
      assert.equal(scan(`${leading} ${tail} ${ending}`).kind, 'unassigned', ending)
  })

for (const time of [
  '[30/Feb/2013:09:54:52 -0400]',
  '[2013-05-06T09:54:52Z]',
  '2013-05-06T09:54:52Z',
  '-',
  '[]',
])
  test(`with quoted fields before the time ${time} a line with an id is one of a bad time, and one without has none`, () => {
    for (const leading of [
      '"203.0.113.7, 10.0.0.1" - -',
      '10.0.0.9 "-" "a [b] \\"c\\"" -',
      'example.org:80 "" - fr"ank',
    ]) {
      const tail = `${leading} ${time} "GET / HTTP/1.1"`
      assert.deepEqual(scan(`${tail} 404 5 1824`), { kind: 'bad-time', id: '1824', statusClass: 4 }, leading)
      assert.deepEqual(scan(`${tail} 200 5 "-" "a 200 5" 200 182`).id, '182', leading)
      assert.equal(scan(`${tail} 200 2326`).kind, 'unassigned', leading)
    }
  })

test('an id that looks like a status makes no request of the quoted field before it', () => {
  for (const ending of ['"agent" 182', '"agent" 182  '])
    assert.deepEqual(scan(`10.0.0.1 - - - "GET / HTTP/1.1" - 5 "-" ${ending}`), {
      kind: 'bad-time',
      id: '182',
      statusClass: 0,
    })
})

test('quoted and bare fields before the time change nothing of what is found', () => {
  const quoted = fc
    .array(fc.constantFrom('a', '7', ' ', ', ', '[', ']', '200 5 ', '\\"', '\\\\', ':', TIME, `${TIME} `), {
      maxLength: 6,
    })
    .map((pieces) => `"${pieces.join('')}"`)
  const bare = fc.string({
    unit: fc.constantFrom('a', '7', ':', '[', ']', '-', '.', '\t'),
    minLength: 1,
    maxLength: 6,
  })
  fc.assert(
    fc.property(
      fc.array(fc.oneof(quoted, bare), { maxLength: 6 }),
      fc.constantFrom(...ENDINGS.map(([ending]) => ending)),
      (leading, ending) => {
        const tail = `${TIME} "GET /hr HTTP/1.1" ${ending}`
        const plain = newScannedLine()
        scanLine(Buffer.from(tail, 'latin1'), 0, tail.length, plain)
        const line = [...leading, tail].join(' ')
        const led = newScannedLine()
        scanLine(Buffer.from(line, 'latin1'), 0, line.length, led)
        assert.deepEqual(
          [led.kind, led.statusClass, led.time.second],
          [plain.kind, plain.statusClass, plain.time.second],
        )
        if (plain.kind !== 'unassigned') assert.equal(line.length - led.idStart, tail.length - plain.idStart)
      },
    ),
    { numRuns: 1000 },
  )
})

test('a visitor who writes a time into the name or a header moves no line to another time or collection', () => {
  const fake = '[01/Jan/2001:00:00:00 +0000]'
  const tail = `${TIME} "GET /hr HTTP/1.1" 401`
  for (const leading of [
    `10.0.0.1 - ${fake} "203.0.113.7"`,
    `"${fake} " -`,
    `10.0.0.1 - x ${fake} "" ${fake} "-"`,
  ]) {
    assert.equal(secondOf(`${leading} ${tail} 5 1824`), 1367848492, leading)
    assert.equal(scan(`${leading} ${tail} 381`).kind, 'unassigned', leading)
  }
})

test('a time with nanoseconds is found', () => {
  assert.equal(
    secondOf('10.0.0.1 - - [06/May/2013:09:54:52.123456789 -0400] "GET / HTTP/1.1" 200 5 1824'),
    1367848492,
  )
})

for (const time of [
  '[30/Feb/2013:09:54:52 -0400]',
  '[06/May/2013:25:54:52 -0400]',
  '2013-05-06T09:54:52Z',
  '-',
  '[]',
])
  test(`a line with an id and the time ${time} is one of a bad time`, () => {
    const found = scan(`10.0.0.1 - - ${time} "GET / HTTP/1.1" 200 5 1824`)
    assert.deepEqual(found, { kind: 'bad-time', id: '1824', statusClass: 2 })
  })

test('a line without an id is unassigned whatever its time', () => {
  assert.equal(scan('10.0.0.1 - - [30/Feb/2013:09:54:52 -0400] "GET / HTTP/1.1" 200 2326').kind, 'unassigned')
  for (const line of ['', ' ', '"', '""', '\0', 'hello', '200 5 1824', '\xff\xfe\xfd'])
    assert.equal(scan(line).kind, 'unassigned', JSON.stringify(line))
})

test('lines of invalid UTF-8, NUL and control bytes are assigned like any other', () => {
  const line = Buffer.concat([
    Buffer.from(`10.0.0.1 - \xff\xc3 ${TIME} "GET /`, 'latin1'),
    Buffer.from([0x80, 0x00, 0x1b, 0xed, 0xa0, 0x80, 0x09]),
    Buffer.from(' HTTP/1.1" 200 5 "\xff" "\xfe" 1824', 'latin1'),
  ])
  assert.deepEqual(scan(line), { kind: 'line', id: '1824', statusClass: 2 })
})

test('the status class is the first digit of a status from 100 to 599, else 0', () => {
  const classOf = (status: string) => scan(`${HEAD} ${status} 5 1824`).statusClass
  assert.deepEqual(['100', '204', '301', '404', '599'].map(classOf), [1, 2, 3, 4, 5])
  assert.deepEqual(
    ['099', '600', '20', '2000', '-', '2xx', '20x', '"200"'].map(classOf),
    [0, 0, 0, 0, 0, 0, 0, 0],
  )
})

test('a line scanned into the same object owes nothing to the one before', () => {
  const scanned = newScannedLine()
  for (const [line, kind, statusClass] of [
    [`${HEAD} 404 5 1824`, 'line', 4],
    ['', 'unassigned', 0],
    ['- "GET /" - 5 1824', 'bad-time', 0],
    [`${HEAD} 200 2326`, 'unassigned', 2],
  ] as const) {
    scanLine(Buffer.from(line), 0, line.length, scanned)
    assert.deepEqual([scanned.kind, scanned.statusClass], [kind, statusClass], line)
  }
})

const HOSTILE_BYTES = 64 * 1024
const filled = (pattern: string) => Buffer.alloc(HOSTILE_BYTES, pattern, 'latin1')

/** The best of several runs, which is what the work takes when nothing else is going on. */
function millisecondsOf(work: () => void): number {
  let best = Number.POSITIVE_INFINITY
  for (let run = 0; run < 7; run++) {
    const startedMs = performance.now()
    work()
    best = Math.min(best, performance.now() - startedMs)
  }
  return best
}

function scanAll(bytes: Buffer, lineBytes = bytes.length): () => void {
  const scanned = newScannedLine()
  return () => {
    for (let start = 0; start < bytes.length; start += lineBytes)
      scanLine(bytes, start, Math.min(start + lineBytes, bytes.length), scanned)
  }
}

const HOSTILE_LINES: [string, Buffer][] = [
  ['quotes', filled('"')],
  ['backslashes', filled('\\')],
  ['a quote, then backslashes', Buffer.concat([Buffer.from('"'), filled('\\')])],
  ['opening brackets', filled('[')],
  ['times without a request', filled(`${TIME} `)],
  ['times with an opening quote', filled(`${TIME} "`)],
  ['shapes of a time that never close', filled('[06/May/2013:09:54:52 -0400 ')],
  ['shapes of a time packed close', filled('[[[/[[[/[[[[:[[:[[:')],
  ['blanks after a request', Buffer.concat([Buffer.from(`${HEAD}`), filled(' ')])],
  ['quoted fields', Buffer.concat([Buffer.from(`${HEAD} `), filled('"" ')])],
  ['fields that open a quote', Buffer.concat([Buffer.from(`${HEAD} `), filled('"\\" ')])],
  ['times with quoted fields that no status follows', filled(`${TIME} "x" `)],
  ['quoted fields before the time', Buffer.concat([filled('"a b" '), Buffer.from(`${HEAD} 200 5 1824`)])],
  ['quoted fields that a status almost follows', filled('"x" 200 ')],
  ['quotes and long blanks', filled(`"x"${' '.repeat(200)}`)],
  ['digits', Buffer.concat([Buffer.from(`${HEAD} 200 5 `), filled('1')])],
]

test('no line of 64 KiB costs more than a multiple of a benign one of that size', () => {
  const benign = Buffer.from(`${HEAD} 200 5 "-" "${'a'.repeat(HOSTILE_BYTES)}" 1824`)
  const benignMs = millisecondsOf(scanAll(benign))
  for (const [name, line] of HOSTILE_LINES) {
    const hostileMs = millisecondsOf(scanAll(line))
    assert.ok(hostileMs < 50 * benignMs, `${name}: ${hostileMs} ms, where a benign line takes ${benignMs} ms`)
  }
})

test('a chunk of short lines costs in proportion to its size, also where no line has a quote', () => {
  const small = millisecondsOf(scanAll(Buffer.alloc(16 * 1024, 'a '), 2))
  const large = millisecondsOf(scanAll(Buffer.alloc(1024 * 1024, 'a '), 2))
  assert.ok(large < 64 * 8 * small, `64 times the lines took ${large} ms, the small chunk ${small} ms`)
})
