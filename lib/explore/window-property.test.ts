import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PortalError } from '../errors.ts'
import { LATEST_MICROS } from '../store/score.ts'
import { momentText, parseWindow } from './window.ts'

const CLOCK = { nowMs: Date.parse('2026-11-24T13:55:07.250Z'), zone: 'UTC' }
const ZONES = [
  'UTC',
  'America/New_York',
  'America/Santiago',
  'Europe/Berlin',
  'Asia/Kolkata',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  '+02:00',
]

/** Pieces of the grammar, whose sums are mostly near misses. */
const piece = fc.constantFrom(
  ...[
    'now',
    'today',
    'yesterday',
    'last',
    'ago',
    'to',
    '-',
    ' - ',
    '–',
    '+',
    '/',
    '/d',
    '-1d',
    '15m',
    '3 hours',
  ],
  ...[
    '2026-11-23',
    '2011-12-30',
    '0001-01-01',
    '9999-12-31',
    'T',
    ' ',
    ':',
    '13:55',
    '24:00',
    ':07.5',
    'Z',
    '+02:00',
  ],
  ...[
    '23/Nov/2026',
    '29/Feb/2026',
    '[',
    ']',
    ' -0500',
    '23 Nov 2026',
    '1763906100',
    '1763906100000',
    '99999999999',
  ],
)
const text = fc.oneof(
  { weight: 6, arbitrary: fc.array(piece, { minLength: 1, maxLength: 7 }).map((pieces) => pieces.join('')) },
  fc.stringMatching(
    /^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:?[0-9]{2})?)?$/,
  ),
  fc.stringMatching(/^[0-9]{1,21}(\.[0-9]{0,13})?[smhdwMy]?$/),
  fc.string({ unit: 'binary', maxLength: 300 }),
)

test('whatever the texts, there is a window of whole microseconds within time, or a refusal that names its parameter', () => {
  let taken = 0
  fc.assert(
    fc.property(
      text,
      fc.option(text, { nil: undefined, freq: 2 }),
      fc.constantFrom(...ZONES),
      (from, to, zone) => {
        try {
          const { fromMicros, toMicros } = parseWindow(from, to, { ...CLOCK, zone })
          assert.ok(Number.isInteger(fromMicros) && Number.isInteger(toMicros))
          assert.ok(0 <= fromMicros && fromMicros <= toMicros && toMicros <= LATEST_MICROS)
          taken++
        } catch (error) {
          assert.ok(error instanceof PortalError && error.code === 'bad_parameter', String(error))
          assert.match(error.detail ?? '', /^(?:from|to)=.{0,620}: .*\.$/)
        }
      },
    ),
    { numRuns: 5000 },
  )
  assert.ok(taken > 100, `only ${taken} of the texts were taken`)
})

test('case, and blanks around and between the words, change nothing', () => {
  const forms = [
    '15m',
    'last 3 hours',
    'today',
    'yesterday 9:30',
    'now-1d/d',
    '14:00 - 14:30',
    '2026-11-23T13:55:00Z',
  ]
  for (const form of forms) {
    const expected = parseWindow(form, undefined, CLOCK)
    for (const other of [form.toUpperCase().replace('15M', '15m'), ` ${form}\t`, form.replaceAll(' ', '  ')])
      assert.deepEqual(parseWindow(other, undefined, CLOCK), expected, other)
  }
})

test('hostile texts cost no more than others', () => {
  const hostile = [
    ...[
      '-',
      ' ',
      ' - ',
      '1',
      '1a',
      'now',
      '/d',
      'last ',
      '[',
      '14:00 - ',
      '2026-11-23T',
      '–',
      '\u00a0',
      '0.',
    ].flatMap((unit) => [200, 65_536].map((length) => unit.repeat(length / unit.length))),
    `now${'-1m'.repeat(60)}!`,
    `${'1m '.repeat(60)}!`,
  ]
  const startMs = performance.now()
  for (const from of hostile)
    assert.throws(() => parseWindow(from, undefined, CLOCK), PortalError, from.slice(0, 20))
  // Measured: 1 ms for all; what backtracks without end takes seconds for one.
  assert.ok(performance.now() - startMs < 500)
})

test('a moment’s text is read back exactly, for every microsecond there is', () => {
  const micros = fc.oneof(
    fc.integer({ min: 0, max: LATEST_MICROS }),
    fc.integer({ min: 1.7e15, max: 1.8e15 }),
    fc.constantFrom(0, 1, 999_999, 1_000_000, 1_367_848_492_000_011, LATEST_MICROS),
  )
  fc.assert(
    fc.property(micros, (moment) => {
      const window = parseWindow('0', momentText(moment), CLOCK)
      assert.equal(window.toMicros, moment)
    }),
    { numRuns: 2000 },
  )
  assert.deepEqual([0, 1_500_000, 11].map(momentText), ['0', '1.5', '0.000011'])
})
