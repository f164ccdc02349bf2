import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { accessFields } from './access-fields.ts'

const TIME = '[06/May/2013:09:54:52 -0400]'

function fields(line: string) {
  const { address, method, path, status, bytes } = accessFields(Buffer.from(line, 'latin1'))
  return [address.toString('latin1'), method, path.toString('latin1'), status, bytes]
}

function addressOf(line: string, clientField?: number): string {
  return accessFields(Buffer.from(line, 'latin1'), clientField).address.toString('latin1')
}

/** Referrer and agent of a line that ends so after its request. */
function quotedOf(ending: string): [string, string] {
  const line = Buffer.from(`h - - ${TIME} "GET / HTTP/1.1"${ending}`, 'latin1')
  const { referrer, agent } = accessFields(line)
  return [referrer.toString('latin1'), agent.toString('latin1')]
}

const REQUEST = `${TIME} "GET /x HTTP/1.1" 200 5 "-" "agent" 1824`

test('reads the fields of a combined line', () => {
  assert.deepEqual(
    fields(`10.0.0.1 - frank ${TIME} "GET /hr?x=1 HTTP/1.1" 200 2326 "http://example.org/" "agent" 1824`),
    ['10.0.0.1', 'GET', '/hr?x=1', '200', '2326'],
  )
})

test('reads what is there of a line with fewer fields than common format', () => {
  assert.deepEqual(fields(`66.249.73.111 - - ${TIME} "GET /c HTTP/1.1" 200 (etc) 1824`), [
    '66.249.73.111',
    'GET',
    '/c',
    '200',
    '',
  ])
  assert.deepEqual(fields(`10.0.0.1 - - ${TIME} "GET /c HTTP/1.1" 200`), ['10.0.0.1', 'GET', '/c', '200', ''])
  assert.deepEqual(fields(`10.0.0.1 - - ${TIME} "GET /c HTTP/1.1"`), ['10.0.0.1', 'GET', '/c', '', ''])
  assert.deepEqual(fields(`10.0.0.1 - - ${TIME} "GET /c`), ['10.0.0.1', '', '', '', ''])
  assert.deepEqual(fields(`10.0.0.1 - - ${TIME}`), ['10.0.0.1', '', '', '', ''])
  assert.deepEqual(fields('10.0.0.1'), ['', '', '', '', ''])
  assert.deepEqual(fields(''), ['', '', '', '', ''])
})

test('a dash for the size is kept, anything that is no size is left out', () => {
  const size = (text: string) => fields(`h - - ${TIME} "GET / HTTP/1.1" 304 ${text} 1824`)[4]
  assert.deepEqual(['-', '0', '12345678901234567890'].map(size), ['-', '0', '12345678901234567890'])
  assert.deepEqual(['123456789012345678901', '1e3', '--', '"5"', '<b>'].map(size), ['', '', '', '', ''])
})

test('a status is three digits from 100 to 599', () => {
  const status = (text: string) => fields(`h - - ${TIME} "GET / HTTP/1.1" ${text} 5 1824`)[3]
  assert.deepEqual(['100', '599', '099', '600', '2000', '2xx', '-'].map(status), [
    '100',
    '599',
    '',
    '',
    '',
    '',
    '',
  ])
})

test('a request may lack its protocol, and its target may hold blanks', () => {
  const request = (text: string) => fields(`h - - ${TIME} "${text}" 200 5 1824`).slice(1, 3)
  assert.deepEqual(request('GET /old'), ['GET', '/old'])
  assert.deepEqual(request('GET /a b c HTTP/1.1'), ['GET', '/a b c'])
  assert.deepEqual(request('GET /a b c'), ['GET', '/a b c'])
  assert.deepEqual(request('GET HTTP/1.1'), ['GET', 'HTTP/1.1'])
  assert.deepEqual(request('M-SEARCH * HTTP/1.1'), ['M-SEARCH', '*'])
})

test('a request without a method is shown whole', () => {
  const request = (text: string) => fields(`h - - ${TIME} "${text}" 400 5 1824`).slice(1, 3)
  assert.deepEqual(request('-'), ['', '-'])
  assert.deepEqual(request(''), ['', ''])
  assert.deepEqual(request('\\x16\\x03\\x01'), ['', '\\x16\\x03\\x01'])
  assert.deepEqual(request('get / HTTP/1.1'), ['', 'get / HTTP/1.1'])
  assert.deepEqual(request('<b> / HTTP/1.1'), ['', '<b> / HTTP/1.1'])
  assert.deepEqual(request(`${'A'.repeat(21)} / HTTP/1.1`), ['', `${'A'.repeat(21)} / HTTP/1.1`])
})

test('the request is the one after the time, and an escaped quote does not end it', () => {
  assert.deepEqual(fields(`h - a"b"[c ${TIME} "GET /x\\"y HTTP/1.1" 200 5 1824`), [
    'h',
    'GET',
    '/x\\"y',
    '200',
    '5',
  ])
})

test('without a readable time the first quoted field is taken for the request', () => {
  assert.deepEqual(fields('h - - - "GET /x HTTP/1.1" 200 5 1824'), ['h', 'GET', '/x', '200', '5'])
})

test('referrer and agent are the bytes between the quotes, as the server wrote them', () => {
  assert.deepEqual(quotedOf(' 200 5 "http://example.org/a?b=c" "Mozilla/5.0 (X11)" 1824'), [
    'http://example.org/a?b=c',
    'Mozilla/5.0 (X11)',
  ])
  assert.deepEqual(quotedOf(' 200 5 "-" "" 1824'), ['-', ''])
  assert.deepEqual(quotedOf(' 200 5 "a\\"b" "c\\\\" 1824'), ['a\\"b', 'c\\\\'])
  assert.deepEqual(quotedOf(' 200 5 "\xff\t" "\\xe9" 1824'), ['\xff\t', '\\xe9'])
  assert.deepEqual(quotedOf(' 200 5 "-" "agent" "203.0.113.7" 0.004 1824'), ['-', 'agent'])
})

test('referrer and agent are empty where they are absent', () => {
  for (const ending of ['', ' ', ' 200', ' 200 5', ' 200 5 1824', ' 200 (etc) 1824', ' "200" 5 1824'])
    assert.deepEqual(quotedOf(ending), ['', ''], ending)
  assert.deepEqual(quotedOf(' 200 5 "-" 1824'), ['-', ''])
  assert.deepEqual(quotedOf(' 200 "http://example.org/" "agent" 1824'), ['http://example.org/', 'agent'])
  assert.deepEqual(quotedOf(' 200 5 "-" "broken off'), ['-', ''])
  assert.deepEqual(quotedOf(' 200 5 "broken off'), ['', ''])
})

test('more than one blank between the fields changes nothing', () => {
  assert.deepEqual(fields(`  h   -   -  ${TIME} "GET /x HTTP/1.1"    404   17   1824`), [
    'h',
    'GET',
    '/x',
    '404',
    '17',
  ])
  assert.deepEqual(quotedOf('   200   5    "-"   "agent"   1824'), ['-', 'agent'])
})

test('after a virtual host with its port the visitor is the second field', () => {
  for (const host of [
    'www.example.org:443',
    'localhost:80',
    'my_host-1:8080',
    '192.0.2.1:80',
    '[::1]:443',
    'abcd:1234',
  ])
    assert.equal(addressOf(`${host} 203.0.113.7 - frank ${REQUEST}`), '203.0.113.7', host)
  assert.equal(addressOf(`www.example.org:443 2001:db8::7 - - ${REQUEST}`), '2001:db8::7')
  assert.deepEqual(fields(`www.example.org:443 ::1 - - ${REQUEST}`), ['::1', 'GET', '/x', '200', '5'])
})

test('an address with colons is no virtual host, nor is a name without a port', () => {
  for (const first of [
    '::1',
    '2001:db8::7',
    'fe80::1:443',
    '::ffff:192.0.2.1',
    '[::1]',
    'example.org',
    'a:',
    ':80',
    'a:123456',
    'a:b',
  ])
    assert.equal(addressOf(`${first} 203.0.113.7 - - ${REQUEST}`), first, first)
})

test('an address with its port is the visitor where no second address follows', () => {
  assert.equal(addressOf(`203.0.113.7:52100 - - ${REQUEST}`), '203.0.113.7:52100')
  assert.equal(addressOf(`[2001:db8::7]:52100 - frank ${REQUEST}`), '[2001:db8::7]:52100')
  assert.equal(addressOf(`203.0.113.7:52100 ${REQUEST}`), '203.0.113.7:52100')
})

test('the client field counts the fields before the time, whatever they look like', () => {
  const line = `example.org 10.0.0.9 203.0.113.7 - frank ${REQUEST}`
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6, 9].map((field) => addressOf(line, field)),
    ['example.org', '10.0.0.9', '203.0.113.7', '-', 'frank', '', ''],
  )
  assert.equal(addressOf(`www.example.org:443 203.0.113.7 - - ${REQUEST}`, 1), 'www.example.org:443')
  assert.equal(addressOf(`${REQUEST}`, 1), '')
})

test('user names with blanks, brackets and quotes move no field before them', () => {
  for (const user of [
    'frank smith',
    'a [b] c',
    '[',
    'fr"ank',
    '"frank',
    'a "b" c',
    '[01/Jan/2001:00:00:00 +0000]',
  ])
    for (const [number, address] of [
      [undefined, '203.0.113.7'],
      [1, 'example.org:80'],
      [2, '203.0.113.7'],
    ] as const) {
      const line = `example.org:80 203.0.113.7 - ${user} ${REQUEST}`
      assert.equal(addressOf(line, number), address, `${user}, field ${number}`)
      assert.deepEqual(fields(line).slice(1), ['GET', '/x', '200', '5'], user)
    }
})

test('of a list of addresses the first is the visitor’s, in quotes or not', () => {
  const listed = (field: string) => addressOf(`10.0.0.9 ${field} - - ${REQUEST}`, 2)
  assert.deepEqual(
    [
      '"203.0.113.7, 10.0.0.1"',
      '"203.0.113.7"',
      '" 203.0.113.7 , 10.0.0.1"',
      '", 203.0.113.7"',
      '203.0.113.7,10.0.0.1',
      '203.0.113.7, 10.0.0.1',
      '"2001:db8::7, 10.0.0.1"',
      '"-"',
      '-',
      '""',
      '" , "',
    ].map(listed),
    [...Array(6).fill('203.0.113.7'), '2001:db8::7', '-', '-', '', ''],
  )
})

test('quoted leading fields with blanks, escaped quotes and times count as one each', () => {
  const quoted = [
    '"a b c"',
    '"say \\"hi\\" "',
    '"\\\\"',
    `"${TIME} "`,
    `"${TIME} \\"GET / HTTP/1.1\\" 200 5 99"`,
  ]
  for (const field of quoted) {
    const line = `${field} 203.0.113.7 ${field} - ${REQUEST}`
    assert.equal(addressOf(line, 2), '203.0.113.7', field)
    assert.equal(addressOf(line, 4), '-', field)
    assert.deepEqual(fields(line).slice(1), ['GET', '/x', '200', '5'], field)
  }
  assert.equal(addressOf(`"broken off 203.0.113.7 - ${REQUEST}`, 1), '"broken')
})

test('a tab separates no fields', () => {
  assert.equal(addressOf(`10.0.0.9\t203.0.113.7 - - ${REQUEST}`, 1), '10.0.0.9\t203.0.113.7')
  assert.equal(addressOf(`example.org:80\t203.0.113.7 - - ${REQUEST}`), 'example.org:80\t203.0.113.7')
})

test('a line that is only a bracket, a quote or a time has no address', () => {
  for (const line of ['[', '[]', '"', '""', ' ', '   ', TIME, ` ${TIME} `, `${TIME} "`, '[::1]:443'])
    for (const number of [undefined, 1, 2, 9]) assert.equal(addressOf(line, number), '', `${line}, ${number}`)
})

test('in a line without a readable time the quoted fields before the request are leading ones', () => {
  const line = '"203.0.113.7, 10.0.0.1" - - - "GET /x HTTP/1.1" 200 5 "-" "agent" 1824'
  assert.deepEqual(fields(line), ['203.0.113.7', 'GET', '/x', '200', '5'])
})

const HOSTILE_BYTES = 64 * 1024
const HOSTILE_MS = 10
const TAIL = Buffer.from(` - - ${REQUEST}`)
const HOSTILE = [
  '"',
  '\\',
  '[',
  '" ',
  '"" ',
  '"\\" ',
  ' ',
  ',',
  ', ',
  'a:',
  ':',
  `${TIME} `,
  `${TIME} "`,
  `"${TIME} " `,
  `${TIME} "x" `,
  '"x" 200 ',
  '[06/May/2013:09:54:52 -0400 ',
  '[[[/[[[/[[[[:[[:[[:',
  '1',
  'a',
  '\t',
  '\0',
  '\xff',
]

test('no line of 64 KiB takes long, whether it comes before the time, within the request or after it', () => {
  for (const pattern of HOSTILE) {
    const filled = Buffer.alloc(HOSTILE_BYTES, pattern, 'latin1')
    for (const [place, line] of [
      ['alone', filled],
      ['leading', Buffer.concat([filled, TAIL])],
      ['leading, in quotes', Buffer.concat([Buffer.from('"'), filled, Buffer.from('"'), TAIL])],
      [
        'within the request',
        Buffer.concat([Buffer.from(`h - - ${TIME} "GET `), filled, Buffer.from('" 200 5 1824')]),
      ],
      ['after the request', Buffer.concat([Buffer.from(`h - - ${TIME} "GET / HTTP/1.1" `), filled])],
    ] as const)
      for (const clientField of [undefined, 1, 2, 9]) {
        let bestMs = Number.POSITIVE_INFINITY
        for (let run = 0; run < 5 && bestMs > HOSTILE_MS; run++) {
          const startedMs = performance.now()
          accessFields(line, clientField)
          bestMs = Math.min(bestMs, performance.now() - startedMs)
        }
        assert.ok(
          bestMs < HOSTILE_MS,
          `${JSON.stringify(pattern)} ${place}, field ${clientField}: ${bestMs} ms`,
        )
      }
  }
})

test('whatever the bytes, the fields shown as bytes are pieces of the line and the texts have their shapes', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      TIME,
      ' "',
      '" ',
      'GET /',
      ' HTTP/1.1',
      ' 200 ',
      '5 ',
      '\\',
      '<script>',
      '\0',
      '\xff',
      'a:80 ',
      ', ',
    ),
    fc.uint8Array({ maxLength: 5 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  )
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 12 }),
      fc.constantFrom(undefined, 1, 2, 3, 9),
      (pieces, clientField) => {
        const line = Buffer.from(pieces.join(''), 'latin1')
        const { address, method, path, status, bytes, referrer, agent } = accessFields(line, clientField)
        for (const view of [address, path, referrer, agent]) assert.ok(line.includes(view))
        assert.match(method, /^([A-Z][A-Z_-]{0,19})?$/)
        assert.match(status, /^([1-5][0-9][0-9])?$/)
        assert.match(bytes, /^([0-9]{1,20}|-)?$/)
      },
    ),
    { numRuns: 500 },
  )
})
