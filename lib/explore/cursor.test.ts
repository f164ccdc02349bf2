import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PortalError } from '../errors.ts'
import { LATEST_MICROS } from '../store/score.ts'
import { cursorText, parseCursor } from './cursor.ts'

test('every cursor is read back as it was, and needs no escaping in an address', () => {
  const cursor = fc.record(
    {
      micros: fc.integer({ min: 0, max: LATEST_MICROS }),
      place: fc.integer({ min: 0, max: 36 ** 8 - 1 }),
      hash: fc.stringMatching(/^([0-9a-f]{16}|[0-9a-f]{32})$/),
    },
    { noNullPrototype: true },
  )
  fc.assert(
    fc.property(cursor, (fields) => {
      const text = cursorText(fields)
      assert.deepEqual(parseCursor('after', text), fields)
      assert.equal(encodeURIComponent(text), text)
      assert.ok(text.length <= 53)
    }),
  )
})

test('the last moment of time has a cursor, the one after it has none', () => {
  const rest = { place: 0, hash: '0123456789abcdef' }
  assert.equal(parseCursor('after', cursorText({ micros: LATEST_MICROS, ...rest })).micros, LATEST_MICROS)
  assert.throws(() => parseCursor('after', cursorText({ micros: LATEST_MICROS + 1, ...rest })), PortalError)
})

test('anything else is refused, naming the parameter', () => {
  const good = cursorText({ micros: 1_367_848_492_000_000, place: 0, hash: '0123456789abcdef' })
  assert.ok(parseCursor('after', good))
  for (const text of [
    '',
    'oldest',
    '..',
    ` ${good}`,
    `${good}\n`,
    `${good}0`,
    good.slice(0, -1),
    good.toUpperCase(),
    `-${good}`,
    good.replace('.0.', '.-1.'),
    good.replace('.0.', '.123456789.'),
    good.replace(/^[^.]+/, 'zzzzzzzzzzz'),
    good.replace(/^[^.]+/, '0'.repeat(12)),
    good.replaceAll('.', ','),
    good.slice(good.indexOf('.') + 1),
  ])
    assert.throws(
      () => parseCursor('before', text),
      (error) =>
        error instanceof PortalError &&
        error.code === 'bad_parameter' &&
        /^before: takes/.test(error.detail ?? ''),
      JSON.stringify(text),
    )
})
