import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { accessFields } from './access-fields.ts'

const TIME = '[06/May/2013:09:54:52 -0400]'

function fields(line: string) {
  const { address, method, path, status, bytes } = accessFields(Buffer.from(line, 'latin1'))
  return [address.toString('latin1'), method, path.toString('latin1'), status, bytes]
}

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

test('whatever the bytes, address and path are pieces of the line and the texts have their shapes', () => {
  const piece = fc.oneof(
    fc.constantFrom(TIME, ' "', '" ', 'GET /', ' HTTP/1.1', ' 200 ', '5 ', '\\', '<script>', '\0', '\xff'),
    fc.uint8Array({ maxLength: 5 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const line = Buffer.from(pieces.join(''), 'latin1')
      const { address, method, path, status, bytes } = accessFields(line)
      assert.ok(line.includes(address) && line.includes(path))
      assert.match(method, /^([A-Z][A-Z_-]{0,19})?$/)
      assert.match(status, /^([1-5][0-9][0-9])?$/)
      assert.match(bytes, /^([0-9]{1,20}|-)?$/)
    }),
    { numRuns: 500 },
  )
})
