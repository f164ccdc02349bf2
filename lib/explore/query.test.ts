import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PortalError } from '../errors.ts'
import { cursorText } from './cursor.ts'
import type { RawParameters } from './parameters.ts'
import { explorerHref, parseExplorerQuery } from './query.ts'
import type { Clock } from './window.ts'

const CLOCK: Clock = { nowMs: Date.parse('2026-11-24T13:55:07.250Z'), zone: 'UTC' }
const CURSOR = { micros: 1_367_848_492_000_011, place: 3, hash: '0123456789abcdef' }

function refusal(raw: RawParameters): string {
  try {
    parseExplorerQuery(raw, CLOCK)
  } catch (error) {
    assert.ok(error instanceof PortalError)
    assert.equal(error.code, 'bad_parameter')
    return error.detail ?? ''
  }
  return assert.fail('was taken')
}

/** The parameters of an address, as the framework would hand them over. */
const parametersOf = (href: string) => Object.fromEntries(new URL(href, 'http://localhost').searchParams)

test('without parameters it is the newest 200 lines of the last hour', () => {
  const query = parseExplorerQuery({}, CLOCK)
  assert.deepEqual(query, {
    window: { fromMicros: (CLOCK.nowMs - 3_600_000) * 1000, toMicros: CLOCK.nowMs * 1000 },
    start: { edge: 'newest' },
    limit: 200,
    from: undefined,
    to: undefined,
  })
})

test('keeps `from` and `to` as given, for the choice that is marked', () => {
  const { from, to } = parseExplorerQuery({ from: '15m', to: 'now' }, CLOCK)
  assert.deepEqual([from, to], ['15m', 'now'])
})

test('a page begins after a line, before a line, or at an edge', () => {
  const start = (raw: RawParameters) => parseExplorerQuery(raw, CLOCK).start
  assert.deepEqual(start({ after: cursorText(CURSOR) }), { after: CURSOR })
  assert.deepEqual(start({ before: cursorText(CURSOR) }), { before: CURSOR })
  assert.deepEqual(start({ after: 'oldest' }), { edge: 'oldest' })
  assert.deepEqual(start({ after: '', before: '' }), { edge: 'newest' })
})

test('refuses two cursors at once, and what is none', () => {
  const text = cursorText(CURSOR)
  assert.match(refusal({ after: text, before: text }), /after and before/)
  assert.match(refusal({ after: 'newest' }), /^after:/)
  assert.match(refusal({ before: 'oldest' }), /^before:/)
})

test('takes a limit from 1 to 1,000', () => {
  const limit = (text: string) => parseExplorerQuery({ limit: text }, CLOCK).limit
  assert.deepEqual(['1', '200', '1000', '0007', ''].map(limit), [1, 200, 1000, 7, 200])
  for (const text of ['0', '1001', '9999', '10000', '-1', '1.5', '1e2', ' 1', 'x', '٣'])
    assert.equal(refusal({ limit: text }), 'limit: takes a number from 1 to 1000.')
})

test('refuses unknown and repeated parameters, and bad windows', () => {
  assert.match(refusal({ order: 'desc' }), /'order'.*from, to, after, before, limit/)
  assert.match(refusal({ from: ['1h', '2h'] }), /'from' is given more than once/)
  assert.match(refusal({ from: 'nonsense' }), /^from=nonsense/)
  assert.match(refusal({ from: 'today', to: 'now' }), /^to=now/)
})

test('the address of a page freezes the window’s ends, so that later reads are of the same one', () => {
  const query = parseExplorerQuery({ from: '15m' }, CLOCK)
  const href = explorerHref('1824', query)
  assert.equal(href, '/collections/1824?from=1795527607.25&to=1795528507.25')
  const later = parseExplorerQuery(parametersOf(href), { ...CLOCK, nowMs: CLOCK.nowMs + 600_000 })
  assert.deepEqual(later.window, { ...query.window })
})

test('the address of a page leads to the same window, cursor and limit, for any of them', () => {
  const window = fc
    .tuple(fc.integer({ min: 0, max: 1.8e15 }), fc.integer({ min: 0, max: 1.8e15 }))
    .map(([a, b]) => ({ fromMicros: Math.min(a, b), toMicros: Math.max(a, b) }))
  const at = fc.constantFrom(
    {},
    { after: 'oldest' },
    { after: cursorText(CURSOR) },
    { before: cursorText(CURSOR) },
  )
  fc.assert(
    fc.property(window, fc.integer({ min: 1, max: 1000 }), at, (frozen, limit, cursor) => {
      const query = parseExplorerQuery(
        parametersOf(explorerHref('1824', { window: frozen, limit }, cursor)),
        CLOCK,
      )
      assert.deepEqual(query.window, frozen)
      assert.equal(query.limit, limit)
      assert.deepEqual(query.start, parseExplorerQuery(cursor, CLOCK).start)
    }),
  )
})
