import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { z } from 'zod'
import { COLUMNS } from './download-cells.ts'
import { ndjsonLines } from './download-ndjson.ts'

const schema = z.record(z.string(), z.string())
const parsed = (lines: readonly (string | Buffer)[]) =>
  ndjsonLines({ zone: 'UTC', clientFields: new Map() })(
    lines.map((line) => ({ line: Buffer.from(line), source: 'web1' })),
  )
    .toString('utf8')
    .split('\n')
    .slice(0, -1)
    .map((text) => schema.parse(JSON.parse(text)))

test("an object has CSV's columns as its keys, and its values as text", () => {
  const line = '192.0.2.7 - - [23/Nov/2026:13:55:07 +0000] "GET /é?=1 HTTP/1.1" 200 512 "-" "=1+1" 1824'
  const [object] = parsed([line])
  assert.deepEqual(Object.keys(object ?? {}), [...COLUMNS])
  assert.deepEqual(object, {
    time: '2026-11-23T13:55:07+00:00',
    source: 'web1',
    address: '192.0.2.7',
    place: '',
    method: 'GET',
    path: '/é?=1',
    status: '200',
    bytes: '512',
    referrer: '',
    agent: '=1+1',
    line,
  })
})

test('bytes that are not UTF-8 become U+FFFD, and the line is there exactly beside it', () => {
  const [object] = parsed([Buffer.from([0x61, 0xff, 0x00, 0x22])])
  assert.equal(object?.line, 'a\ufffd\0"')
  assert.deepEqual(Buffer.from(object?.line_base64 ?? '', 'base64'), Buffer.from([0x61, 0xff, 0x00, 0x22]))
})

test('whatever the bytes, the object gives them back', () => {
  const piece = fc.oneof(
    fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
    fc.constantFrom('\ufeff', '\ufffd', '\u2028', '\r', '\0', '"', '\\').map((text) => Buffer.from(text)),
    fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes)),
  )
  const line = fc
    .array(piece, { maxLength: 6 })
    .map((pieces) => Buffer.concat(pieces).filter((byte) => byte !== 0x0a))
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      const bytes = parsed(lines.map((one) => Buffer.from(one))).map(({ line = '', line_base64 }) =>
        line_base64 === undefined ? Buffer.from(line) : Buffer.from(line_base64, 'base64'),
      )
      assert.deepEqual(
        bytes,
        lines.map((one) => Buffer.from(one)),
      )
    }),
    { numRuns: 300 },
  )
})
