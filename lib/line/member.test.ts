import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeMember, encodeMember, MAX_TAG_BYTES, memberTag, SOURCE_PATTERN, tagStart } from './member.ts'

const LF = 0x0a
const SOURCE_CHARACTERS = 'abcxyzABCXYZ0189._-'

const source = fc.oneof(
  fc.constant(''),
  fc.string({ unit: fc.constantFrom(...SOURCE_CHARACTERS), minLength: 1, maxLength: 32 }),
)
const ordinal = fc.oneof(
  fc.constant(0),
  fc.integer({ min: 0, max: 12 }),
  fc.integer({ min: 0, max: 9_999_999_999 }),
)

/** Lines that end like a tag, or nearly so, as often as any other bytes. */
const tagPiece = fc.oneof(
  fc.constantFrom(
    '\t',
    '#',
    '0',
    '1',
    '#0',
    '\t#0',
    '\t#1',
    '\tweb1',
    '\tweb1#2',
    '\tweb1#0',
    '\t#01',
    'é',
    ' ',
  ),
  source,
)
const line = fc.oneof(
  fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes.filter((byte) => byte !== LF))),
  fc.array(tagPiece, { maxLength: 5 }).map((pieces) => Buffer.from(pieces.join(''))),
)

test('decoding gives back the line, the source and the ordinal that were encoded, for any bytes', () => {
  fc.assert(
    fc.property(line, source, ordinal, (bytes, name, count) => {
      const decoded = decodeMember(encodeMember(bytes, name, count))
      assert.deepEqual(decoded.line, bytes)
      assert.equal(decoded.source, name)
      assert.equal(decoded.ordinal, count)
    }),
    { numRuns: 2000 },
  )
})

test('two members are alike only when line, source and ordinal are', () => {
  const short = fc.record({
    line: fc.string({ unit: fc.constantFrom('\t', '#', '0', '1', 'a'), maxLength: 4 }),
    source: fc.string({ unit: fc.constantFrom('0', '1', 'a'), maxLength: 2 }),
    ordinal: fc.integer({ min: 0, max: 11 }),
  })
  const seen = new Map<string, string>()
  fc.assert(
    fc.property(short, (fields) => {
      const member = encodeMember(Buffer.from(fields.line), fields.source, fields.ordinal).toString('hex')
      const identity = JSON.stringify(fields)
      assert.equal(seen.get(member) ?? identity, identity)
      seen.set(member, identity)
    }),
    { numRuns: 5000 },
  )
})

test('a member is the line, then a TAB and whose it is', () => {
  const member = (name: string, count: number) => encodeMember(Buffer.from('line'), name, count).toString()
  assert.equal(member('', 0), 'line')
  assert.equal(member('web1', 0), 'line\tweb1')
  assert.equal(member('web1', 2), 'line\tweb1#2')
  assert.equal(member('', 2), 'line\t#2')
})

test('a line without a source that itself ends like a tag is escaped, any other is stored as it is', () => {
  const stored = (text: string) => encodeMember(Buffer.from(text), '', 0).toString().slice(text.length)
  for (const text of [
    'x\tweb1',
    '\tweb1',
    'x\tweb1#1',
    'x\t#1',
    'x\t#0',
    'x\t007',
    `x\t${'s'.repeat(32)}#9999999999`,
  ])
    assert.equal(stored(text), '\t#0', JSON.stringify(text))
  for (const text of [
    '',
    'x',
    '\t',
    'x\t',
    'x\t#',
    'x\t#01',
    'x\t#00',
    'x\tweb1#0',
    'x\tweb1#',
    'x\tweb1#1#2',
    'x\tweb 1',
    'x\twéb',
    'x\t#12345678901',
    `x\t${'s'.repeat(33)}`,
    'x\tweb1 ',
    'x\tweb1\0',
  ])
    assert.equal(stored(text), '', JSON.stringify(text))
})

test('a decoded line is a view of the member, not a copy', () => {
  const member = encodeMember(Buffer.from('line'), 'web1', 3)
  assert.equal(decodeMember(member).line.buffer, member.buffer)
})

test('the longest tag is found, and is as long as the constant says', () => {
  const name = 's'.repeat(32)
  const tag = memberTag(name, 9_999_999_999, () => false)
  assert.equal(tag.length, MAX_TAG_BYTES)
  assert.deepEqual(decodeMember(Buffer.from(`line${tag}`)), {
    line: Buffer.from('line'),
    source: name,
    ordinal: 9_999_999_999,
  })
})

test('a tag is looked for within the given bytes only', () => {
  const bytes = Buffer.from('a\tweb1\tb')
  assert.equal(tagStart(bytes, 0, 6), 1)
  assert.equal(tagStart(bytes, 2, 6), -1)
  assert.equal(tagStart(bytes, 0, 8), 6)
})

test('whether the line ends like a tag is asked only where nothing else makes a tag', () => {
  const never = () => assert.fail('asked')
  assert.equal(memberTag('web1', 0, never), '\tweb1')
  assert.equal(memberTag('', 1, never), '\t#1')
})

test('every name that the pattern of sources takes survives, and the pattern takes nothing else', () => {
  fc.assert(
    fc.property(source, (name) => {
      assert.equal(SOURCE_PATTERN.test(name), name !== '')
    }),
  )
  for (const name of ['', 'web 1', 'web#1', 'web\t1', 'wéb', 'web1\n', 's'.repeat(33)])
    assert.equal(SOURCE_PATTERN.test(name), false, JSON.stringify(name))
})
