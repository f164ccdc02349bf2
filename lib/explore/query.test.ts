import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { cursorText } from './cursor.ts'
import type { RawParameters } from './parameters.ts'
import {
  type ExplorerPlace,
  type ExplorerQuery,
  explorerHref,
  placeOf,
  readExplorerQuery,
  windowHref,
} from './query.ts'
import type { Clock } from './window.ts'

const CLOCK: Clock = { nowMs: Date.parse('2026-11-24T13:55:07.250Z'), zone: 'UTC' }
const CURSOR = { micros: 1_367_848_492_000_011, place: 3, hash: '0123456789abcdef' }

/** What a request is read as; fails where something of it is at fault. */
function parseExplorerQuery(raw: RawParameters, clock = CLOCK): ExplorerQuery {
  const { query, fault } = readExplorerQuery(raw, clock)
  assert.equal(fault, null)
  return query
}

function refusal(raw: RawParameters): string {
  const { fault } = readExplorerQuery(raw, CLOCK)
  assert.ok(fault, 'was taken')
  assert.equal(fault.code, 'bad_parameter')
  return fault.detail ?? ''
}

/** The parameters of an address, as the framework would hand them over. */
const parametersOf = (href: string) => Object.fromEntries(new URL(href, 'http://localhost').searchParams)

test('without parameters it is the newest 200 lines of the last hour', () => {
  const query = parseExplorerQuery({}, CLOCK)
  assert.deepEqual(query, {
    window: { fromMicros: (CLOCK.nowMs - 3_600_000) * 1000, toMicros: CLOCK.nowMs * 1000 },
    start: { edge: 'newest' },
    limit: 200,
    order: 'asc',
    zone: 'UTC',
    tz: undefined,
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
  assert.match(refusal({ colour: 'red' }), /'colour'.*from, to, after, before, at, context, order, limit, tz/)
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

test('a line stands alone or with those around it', () => {
  const at = cursorText(CURSOR)
  const start = (raw: RawParameters) => parseExplorerQuery(raw).start
  assert.deepEqual(start({ at }), { at: CURSOR, context: null })
  assert.deepEqual(start({ at, context: '50' }), { at: CURSOR, context: 50 })
  assert.deepEqual(start({ at, context: '0' }), { at: CURSOR, context: 0 })
  assert.equal(refusal({ at, context: '501' }), 'context: takes a number from 0 to 500.')
  assert.match(refusal({ context: '50' }), /^context: goes with at/)
  assert.match(refusal({ at, after: 'oldest' }), /after and at cannot stand together/)
  assert.match(refusal({ at: 'x' }), /^at:/)
})

test('lines stand oldest first or newest first', () => {
  assert.equal(parseExplorerQuery({ order: 'desc' }).order, 'desc')
  assert.equal(parseExplorerQuery({ order: 'asc' }).order, 'asc')
  assert.equal(refusal({ order: 'up' }), 'order: takes asc or desc.')
})

test('times without a zone are those of the zone asked for', () => {
  const query = parseExplorerQuery({
    tz: 'America/New_York',
    from: '2026-11-23T13:55',
    to: '2026-11-23T14:55',
  })
  assert.equal(query.zone, 'America/New_York')
  assert.equal(query.window.fromMicros, Date.parse('2026-11-23T18:55:00Z') * 1000)
  assert.equal(parseExplorerQuery({ tz: 'server' }, { ...CLOCK, zone: 'Asia/Tokyo' }).zone, 'Asia/Tokyo')
  assert.equal(parseExplorerQuery({ tz: 'utc' }, { ...CLOCK, zone: 'Asia/Tokyo' }).zone, 'UTC')
})

test('what is wrong is named, each of it, and the rest is kept', () => {
  const { query, fault } = readExplorerQuery(
    { from: 'soon', limit: '50', order: 'up', colour: 'red', tz: 'Asia/Tokyo', at: ['x', 'y'] },
    CLOCK,
  )
  assert.deepEqual([query.limit, query.order, query.zone, query.from], [50, 'asc', 'Asia/Tokyo', 'soon'])
  assert.deepEqual(query.start, { edge: 'newest' })
  assert.deepEqual([...(fault?.parameters ?? [])].sort(), ['at', 'colour', 'from', 'order', 'to'])
  for (const words of ["'colour' is not", "'at' is given more than once", 'from=soon:', 'order: takes'])
    assert.ok(fault?.detail?.includes(words), words)
})

test('of a window with two bad ends both are named', () => {
  assert.match(refusal({ from: 'soon', to: 'nonsense' }), /from=soon: .* to=nonsense: /)
})

test('showing a page in another way stays on it', () => {
  const text = cursorText(CURSOR)
  for (const place of [
    { after: 'oldest' },
    { after: text },
    { before: text },
    { at: text },
    { at: text, context: '9' },
  ]) {
    const { start } = parseExplorerQuery(place)
    assert.deepEqual(placeOf(start), place)
  }
  assert.equal(placeOf(parseExplorerQuery({}).start), undefined)
})

test('of a window with one bad end the other is kept', () => {
  const windowOf = (raw: RawParameters) => readExplorerQuery(raw, CLOCK).query.window
  const noon = Date.parse('2026-03-04T12:00Z') * 1000
  assert.deepEqual(windowOf({ from: 'soon', to: '2026-03-04T12:00Z' }), {
    fromMicros: noon - 3_600_000_000,
    toMicros: noon,
  })
  assert.deepEqual(windowOf({ from: '2026-03-04T12:00Z', to: 'late' }), {
    fromMicros: noon,
    toMicros: CLOCK.nowMs * 1000,
  })
  assert.deepEqual(windowOf({ from: 'soon', to: 'late' }), parseExplorerQuery({}).window)
})

test('the way to another window keeps how lines are shown, and says nothing that goes without saying', () => {
  const query = parseExplorerQuery({ tz: 'utc', order: 'desc', limit: '50', from: '6h' })
  assert.equal(windowHref('1824', query, '1h'), '/collections/1824?from=1h&order=desc&limit=50&tz=utc')
  assert.equal(windowHref('1824', parseExplorerQuery({}), 'today'), '/collections/1824?from=today')
})

test('the address of a page leads to the same window, place and view, for any of them', () => {
  const window = fc
    .tuple(fc.integer({ min: 0, max: 1.8e15 }), fc.integer({ min: 0, max: 1.8e15 }))
    .map(([a, b]) => ({ fromMicros: Math.min(a, b), toMicros: Math.max(a, b) }))
  const text = cursorText(CURSOR)
  const place = fc.constantFrom<(ExplorerPlace | undefined)[]>(
    undefined,
    { after: 'oldest' },
    { after: text },
    { before: text },
    { at: text },
    { at: text, context: '50' },
  )
  const view = fc.record({
    window,
    limit: fc.integer({ min: 1, max: 1000 }),
    order: fc.constantFrom('asc' as const, 'desc' as const),
    tz: fc.constantFrom(undefined, 'utc', 'Asia/Tokyo'),
  })
  fc.assert(
    fc.property(view, place, (asked, at) => {
      const query = parseExplorerQuery(parametersOf(explorerHref('1824', asked, at)))
      const { window, limit, order, tz } = query
      assert.deepEqual({ window, limit, order, tz }, { ...asked })
      assert.deepEqual(query.start, parseExplorerQuery({ ...at }).start)
    }),
  )
})
