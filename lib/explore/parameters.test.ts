import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PortalError } from '../errors.ts'
import {
  givenParameters,
  joinFaults,
  type RawParameters,
  requestPath,
  singleParameters,
  withoutParameters,
} from './parameters.ts'

const ALLOWED = ['from', 'to'] as const

function refusal(raw: RawParameters | URLSearchParams, allowed: readonly string[] = ALLOWED): string {
  try {
    singleParameters(raw, allowed)
  } catch (error) {
    assert.ok(error instanceof PortalError)
    assert.equal(error.code, 'bad_parameter')
    return error.detail ?? ''
  }
  return assert.fail('was taken')
}

test('takes each parameter once, in either form they come in', () => {
  const expected = { from: '1h', to: 'now' }
  assert.deepEqual(singleParameters({ from: '1h', to: 'now' }, ALLOWED), expected)
  assert.deepEqual(singleParameters(new URLSearchParams('to=now&from=1h'), ALLOWED), expected)
  assert.deepEqual(singleParameters({}, ALLOWED), {})
})

test('an empty parameter is absent', () => {
  assert.deepEqual(singleParameters({ from: '', to: undefined }, ALLOWED), {})
  assert.deepEqual(singleParameters(new URLSearchParams('from=&to'), ALLOWED), {})
})

test('a blank is not empty', () => {
  assert.deepEqual(singleParameters({ from: ' ' }, ALLOWED), { from: ' ' })
})

test('an unknown parameter is refused, with its name and what is taken, also when it is empty', () => {
  for (const raw of [{ form: '1h' }, { form: '' }, new URLSearchParams('form=')])
    assert.equal(refusal(raw), "'form' is not a parameter here; this page takes from, to.")
  assert.match(refusal({ from: '1h' }, []), /takes no parameters/)
  assert.match(refusal({ From: '1h' }), /'From'/)
})

test('names that objects have by themselves are unknown parameters like any other', () => {
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty'])
    assert.match(refusal(new URLSearchParams([[name, 'x']])), /is not a parameter here/)
})

test('a repeated parameter is refused, whatever its values', () => {
  for (const raw of [
    { from: ['1h', '1h'] },
    new URLSearchParams('from=1h&from=1h'),
    new URLSearchParams('from=&from='),
  ])
    assert.match(refusal(raw), /^'from' is given more than once/)
})

test('a long name is repeated only in part', () => {
  assert.ok(refusal({ ['x'.repeat(5000)]: '1' }).length < 120)
})

test('a request’s path says again all that was asked, so that signing in comes back to it', () => {
  assert.equal(requestPath('/collections/1824', {}), '/collections/1824')
  assert.equal(
    requestPath('/collections/1824', { from: '2026-11-23T13:55+01:00', q: undefined, x: ['a', 'b&c'] }),
    '/collections/1824?from=2026-11-23T13%3A55%2B01%3A00&x=a&x=b%26c',
  )
})

test('any parameters survive the way through a path', () => {
  const values = fc.oneof(fc.string(), fc.array(fc.string(), { minLength: 2, maxLength: 3 }))
  fc.assert(
    fc.property(fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), values, { maxKeys: 4 }), (raw) => {
      const path = requestPath('/x', raw)
      const query = new URL(path, 'http://localhost').searchParams
      for (const [name, value] of Object.entries(raw))
        assert.deepEqual(query.getAll(name), Array.isArray(value) ? value : [value])
    }),
  )
})

test('a page that goes on with what is good gets it, and a fault for each of the rest', () => {
  const { given, faults } = givenParameters({ from: '1h', to: ['a', 'b'], x: '1', y: '2' }, ALLOWED)
  assert.deepEqual(given, { from: '1h' })
  const fault = joinFaults(faults)
  assert.deepEqual(fault?.parameters, ['to', 'x', 'y'])
  assert.match(fault?.detail ?? '', /'to' is given more than once.*'x' is not.*'y' is not/)
  assert.equal(joinFaults([]), null)
})

test('of many faults the first are told, and how many more there are', () => {
  const raw = Object.fromEntries(Array.from({ length: 2000 }, (_, n) => [`p${n}`, 'x']))
  const fault = joinFaults(givenParameters(raw, ALLOWED).faults)
  assert.match(fault?.detail ?? '', /'p0'.*And 1995 more\.$/)
  assert.ok((fault?.detail?.length ?? 0) < 1000)
  assert.equal(fault?.parameters.length, 2000)
})

test('a path goes on without the parameters that are at fault', () => {
  assert.equal(withoutParameters('/c/1?from=x&limit=5&from=y', ['from']), '/c/1?limit=5')
  assert.equal(withoutParameters('/c/1?from=x', ['from', 'to']), '/c/1')
  assert.equal(withoutParameters('/c/1', ['from']), '/c/1')
})
