import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compareCollectionIds, parseCollectionId } from './collection-id.ts'

test('an id is 1 to 20 digits without a leading zero, kept as the text it is', () => {
  for (const text of ['1', '1824', '10', '9007199254740993', '99999999999999999999'])
    assert.equal(parseCollectionId(text), text)
})

test('nothing else is one', () => {
  for (const text of [
    '',
    '0',
    '007',
    '123456789012345678901',
    '-1',
    '+1',
    '1.0',
    '1e3',
    '0x10',
    ' 1',
    '1 ',
    '1\n',
    '1\n2',
    '1824\0',
    '١٢٣',
    '１８',
    'x1',
    '1/../2',
    'constructor',
  ])
    assert.equal(parseCollectionId(text), null, JSON.stringify(text))
})

test('a number, a list or nothing at all is no id', () => {
  for (const value of [1824, 1824n, ['1824'], { toString: () => '1824' }, null, undefined, true])
    assert.equal(parseCollectionId(value), null)
})

test('ids are ordered by their number, past what a JavaScript number holds', () => {
  const id = fc.bigInt({ min: 1n, max: 99999999999999999999n })
  fc.assert(
    fc.property(id, id, (a, b) => {
      const expected = a < b ? -1 : a > b ? 1 : 0
      assert.equal(Math.sign(compareCollectionIds(String(a), String(b))), expected)
    }),
  )
  assert.ok(compareCollectionIds('9007199254740992', '9007199254740993') < 0)
  assert.ok(compareCollectionIds('9', '10') < 0)
  assert.equal(compareCollectionIds('10', '10'), 0)
})
