import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatNumber, inputMoment, momentInWords, windowInWords } from './time-text.ts'
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

test('a window names its day once, and both where there are two', () => {
  assert.equal(words('2026-11-24T13:55Z', '2026-11-24T14:55Z'), '24 Nov 2026, 13:55 – 14:55 (UTC)')
  assert.equal(
    words('2026-11-23T13:55Z', '2026-11-24T14:55Z'),
    '23 Nov 2026, 13:55 – 24 Nov 2026, 14:55 (UTC)',
  )
  assert.equal(
    words('2026-11-23T22:30Z', '2026-11-23T23:30Z', 'Europe/Berlin'),
    '23 Nov 2026, 23:30 – 24 Nov 2026, 00:30 (Europe/Berlin)',
  )
})

test('seconds stand where an end has some', () => {
  assert.equal(words('2026-11-24T13:55:07.9Z', '2026-11-24T14:55Z'), '24 Nov 2026, 13:55:07 – 14:55 (UTC)')
})

test('a window across the end of summer time shows the clock as it was on either side', () => {
  assert.equal(
    words('2026-10-25T00:30Z', '2026-10-25T01:30Z', 'Europe/Berlin'),
    '25 Oct 2026, 02:30 – 02:30 (Europe/Berlin)',
  )
})

test('a moment for an input field is the zone’s clock without an offset', () => {
  assert.equal(inputMoment(ms('2026-11-24T13:55:07.5Z') * 1000, 'Europe/Berlin'), '2026-11-24T14:55:07')
  assert.equal(inputMoment(0, 'UTC'), '1970-01-01T00:00:00')
})

test('what an input field sends back is the second it showed, except in the hour that comes twice', () => {
  const second = fc.integer({ min: 0, max: 4_000_000_000 })
  fc.assert(
    fc.property(second, fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kathmandu'), (moment, zone) => {
      const text = inputMoment(moment * 1e6 + 999_999, zone)
      const { toMicros } = parseWindow('0', text, { nowMs: 0, zone })
      const isFold = inputMoment(toMicros, zone) === text && toMicros === (moment - 3600) * 1e6
      assert.ok(toMicros === moment * 1e6 || isFold, `${text} in ${zone}`)
    }),
  )
})

test('numbers have their thousands apart', () => {
  assert.deepEqual([0, 999, 1_234_567].map(formatNumber), ['0', '999', '1,234,567'])
})
