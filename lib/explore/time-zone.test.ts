import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PortalError } from '../errors.ts'
import { offsetInWords, parseZone, zoneInWords } from './time-zone.ts'

const WINTER = Date.parse('2026-11-23T12:00Z')
const SUMMER = Date.parse('2026-07-01T12:00Z')
const SERVER = 'America/New_York'

test('is the server’s zone when nothing or `server` is asked for', () => {
  for (const text of [undefined, 'server', 'SERVER', ' server '])
    assert.equal(parseZone(text, SERVER), SERVER)
})

test('takes zones in any case, and gives their usual spelling', () => {
  for (const [text, zone] of [
    ['utc', 'UTC'],
    ['Etc/UTC', 'UTC'],
    ['gmt', 'UTC'],
    ['europe/berlin', 'Europe/Berlin'],
    [' Asia/Kolkata ', 'Asia/Kolkata'],
    ['america/argentina/buenos_aires', 'America/Argentina/Buenos_Aires'],
    ['etc/gmt+5', 'Etc/GMT+5'],
    ['America/Port-au-Prince', 'America/Port-au-Prince'],
  ] as const)
    assert.equal(parseZone(text, SERVER), zone, text)
})

test('takes offsets, also where an address turned the plus into a blank', () => {
  for (const [text, zone] of [
    ['+02:00', '+02:00'],
    [' 02:00', '+02:00'],
    ['+0530', '+05:30'],
    ['-05', '-05:00'],
  ] as const)
    assert.equal(parseZone(text, SERVER), zone, text)
})

for (const text of [
  '',
  'mine',
  'Europe/Atlantis',
  '02:00',
  '+25:00',
  '+02:60',
  '2026-11-23T12:00Z',
  '2026-11-23T12:00[Europe/Berlin]',
  '[Europe/Berlin]',
  '../Berlin',
  'Europe/Berlin\u0000',
  'x'.repeat(65_536),
])
  test(`tz=${JSON.stringify(text.slice(0, 40))} is refused, and what is taken is said`, () => {
    assert.throws(
      () => parseZone(text, SERVER),
      (error) =>
        error instanceof PortalError &&
        error.code === 'bad_parameter' &&
        /^tz=.*: takes server, utc, a zone such as Europe\/Berlin, or an offset such as \+02:00\.$/s.test(
          error.detail ?? '',
        ),
    )
  })

test('whatever the text, it is a zone that a clock can be read in, or refused', () => {
  const name = fc.constantFrom(...Intl.supportedValuesOf('timeZone'))
  fc.assert(
    fc.property(fc.oneof(name, fc.string(), fc.stringMatching(/^[ +-][0-9]{2}:?[0-9]{2}$/)), (text) => {
      try {
        assert.match(zoneInWords(parseZone(text, SERVER), WINTER), /UTC/)
      } catch (error) {
        assert.ok(error instanceof PortalError, String(error))
      }
    }),
    { numRuns: 1000 },
  )
})

test('every zone that a browser may name as its own is taken', () => {
  for (const zone of Intl.supportedValuesOf('timeZone')) assert.ok(parseZone(zone.toUpperCase(), SERVER))
})

test('an offset reads as UTC and what is added to it', () => {
  assert.deepEqual(
    [
      offsetInWords('UTC', WINTER),
      offsetInWords('Europe/London', WINTER),
      offsetInWords('Europe/London', SUMMER),
      offsetInWords('America/New_York', WINTER),
      offsetInWords('America/New_York', SUMMER),
      offsetInWords('America/St_Johns', WINTER),
      offsetInWords('Asia/Kolkata', WINTER),
      offsetInWords('Australia/Lord_Howe', WINTER),
    ],
    ['UTC', 'UTC', 'UTC+1', 'UTC−5', 'UTC−4', 'UTC−3:30', 'UTC+5:30', 'UTC+11'],
  )
})

test('a zone reads as its name and its offset then', () => {
  assert.deepEqual(
    ['UTC', 'Etc/UTC', '+02:00', 'America/New_York'].map((zone) => zoneInWords(zone, WINTER)),
    ['UTC', 'UTC', 'UTC+2', 'America/New_York, UTC−5'],
  )
})
