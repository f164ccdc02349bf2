import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  formatNumber,
  inputMoment,
  inputsTellWindow,
  isWithinOneDay,
  momentInWords,
  windowInWords,
} from './time-text.ts'
import { parseWindow } from './window.ts'

const ms = (iso: string) => Date.parse(iso)
const window = (from: string, to: string) => ({ fromMicros: ms(from) * 1000, toMicros: ms(to) * 1000 })
/** Without the narrow blanks around the dash. */
const words = (from: string, to: string, zone = 'UTC') =>
  windowInWords(window(from, to), zone).replaceAll('\u202f', ' ')

test('a moment is its day and its time to the second, on the zone’s clock', () => {
  assert.equal(momentInWords(ms('2026-11-24T14:55:02.999Z'), 'UTC'), '24 Nov 2026, 14:55:02')
  assert.equal(momentInWords(ms('2026-11-24T23:30:00Z'), 'Europe/Berlin'), '25 Nov 2026, 00:30:00')
  assert.equal(momentInWords(0, 'UTC'), '1 Jan 1970, 00:00:00')
})

test('a moment of an hour that the clock showed twice says which of the two it was in', () => {
  const berlin = (iso: string) => momentInWords(ms(iso), 'Europe/Berlin')
  assert.equal(berlin('2026-10-25T00:30:00Z'), '25 Oct 2026, 02:30:00 (UTC+2)')
  assert.equal(berlin('2026-10-25T01:30:00Z'), '25 Oct 2026, 02:30:00 (UTC+1)')
  assert.equal(berlin('2026-10-25T02:00:00Z'), '25 Oct 2026, 03:00:00')
  assert.equal(berlin('2026-03-29T01:00:00Z'), '29 Mar 2026, 03:00:00')
})

test('a window names its day once, and both where there are two', () => {
  assert.equal(words('2026-11-24T13:55Z', '2026-11-24T14:55Z'), '24 Nov 2026, 13:55–14:55 (UTC)')
  assert.equal(
    words('2026-11-23T18:55Z', '2026-11-23T19:55Z', 'America/New_York'),
    '23 Nov 2026, 13:55–14:55 (UTC−5)',
  )
  assert.equal(
    words('2026-11-23T22:30Z', '2026-11-23T23:30Z', 'Europe/Berlin'),
    '23 Nov 2026, 23:30 – 24 Nov 2026, 00:30 (UTC+1)',
  )
})

test('seconds stand where an end has some', () => {
  assert.equal(words('2026-11-24T13:55:07.9Z', '2026-11-24T14:55Z'), '24 Nov 2026, 13:55:07–14:55 (UTC)')
})

test('a window across a change of the clock has the offset at each end', () => {
  assert.equal(
    words('2026-10-25T00:30Z', '2026-10-25T01:30Z', 'Europe/Berlin'),
    '25 Oct 2026, 02:30 (UTC+2) – 02:30 (UTC+1)',
  )
  assert.equal(
    words('2026-10-03T14:00Z', '2026-10-03T16:00Z', 'Australia/Lord_Howe'),
    '4 Oct 2026, 00:30 (UTC+10:30) – 03:00 (UTC+11)',
  )
})

test('a window within one day of the zone is told by its times alone', () => {
  const within = (from: string, to: string) => isWithinOneDay(window(from, to), 'Europe/Berlin')
  assert.equal(within('2026-11-22T23:00Z', '2026-11-23T23:00Z'), true)
  assert.equal(within('2026-11-22T23:00Z', '2026-11-23T23:00:01Z'), false)
  assert.equal(within('2026-11-22T22:59:59Z', '2026-11-23T12:00Z'), false)
})

test('a moment for an input field is the zone’s clock without an offset', () => {
  assert.equal(inputMoment(ms('2026-11-24T13:55:07.5Z') * 1000, 'Europe/Berlin'), '2026-11-24T14:55:07')
  assert.equal(inputMoment(0, 'UTC'), '1970-01-01T00:00:00')
})

test('whether the input fields tell a window is whether reading them back gives it', () => {
  const second = fc.integer({ min: 0, max: 4_000_000_000 })
  const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kathmandu', 'Australia/Lord_Howe')
  /** Seconds of the night in which Berlin sets its clocks back, where reading back can fail. */
  const night = fc.integer({ min: ms('2026-10-24T22:00Z') / 1000, max: ms('2026-10-25T03:00Z') / 1000 })
  fc.assert(
    fc.property(fc.oneof(second, night), fc.nat({ max: 9999 }), zone, (from, length, name) => {
      const asked = { fromMicros: from * 1e6, toMicros: (from + length) * 1e6 }
      const shown = [asked.fromMicros, asked.toMicros].map((micros) => inputMoment(micros + 999_999, name))
      const read = (text: string | undefined, to: string | undefined) =>
        parseWindow(text, to, { nowMs: 4_100_000_000_000, zone: name })
      const back = {
        fromMicros: read(shown[0], undefined).fromMicros,
        toMicros: read('0', shown[1]).toMicros,
      }
      assert.equal(
        inputsTellWindow(asked, name),
        back.fromMicros === asked.fromMicros && back.toMicros === asked.toMicros,
        `${shown} in ${name}`,
      )
    }),
    { numRuns: 1000 },
  )
})

test('input fields do not tell a window that begins in the second of two equal hours or ends in the first', () => {
  const tell = (from: string, to: string) => inputsTellWindow(window(from, to), 'Europe/Berlin')
  assert.equal(tell('2026-10-25T00:30Z', '2026-10-25T01:30Z'), true)
  assert.equal(tell('2026-10-25T01:30Z', '2026-10-25T03:00Z'), false)
  assert.equal(tell('2026-10-25T00:00Z', '2026-10-25T00:30Z'), false)
  assert.equal(tell('2026-11-25T00:00:00.5Z', '2026-11-25T00:30Z'), true)
})

test('numbers have their thousands apart', () => {
  assert.deepEqual([0, 999, 1_234_567].map(formatNumber), ['0', '999', '1,234,567'])
})
