import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lineTimes } from './download-time.ts'

const line = (time: string) => Buffer.from(`h - - [${time}] "GET / HTTP/1.1" 200 5 1824`)

test("is the line's own second on the zone's clock, with its offset", () => {
  const time = (zone: string) => lineTimes(zone)(line('23/Nov/2026:13:55:07 +0100'))
  assert.equal(time('UTC'), '2026-11-23T12:55:07+00:00')
  assert.equal(time('Europe/Berlin'), '2026-11-23T13:55:07+01:00')
  assert.equal(time('America/St_Johns'), '2026-11-23T09:25:07-03:30')
})

test('has a fraction only where the line has one, with as many digits', () => {
  const timeOf = lineTimes('UTC')
  const fraction = (text: string) => timeOf(line(`23/Nov/2026:13:55:07${text} +0000`)).slice(19)
  assert.deepEqual(
    ['', '.5', '.050', '.000', '.000001', '.1234567'].map(fraction),
    ['', '.5', '.050', '.000', '.000001', '.123456'].map((text) => `${text}+00:00`),
  )
})

test('follows the offset where the clocks are changed', () => {
  const timeOf = lineTimes('Europe/Berlin')
  assert.deepEqual(
    ['25/Oct/2026:00:59:59 +0000', '25/Oct/2026:01:00:00 +0000', '25/Oct/2026:00:59:59 +0000'].map((time) =>
      timeOf(line(time)),
    ),
    ['2026-10-25T02:59:59+02:00', '2026-10-25T02:00:00+01:00', '2026-10-25T02:59:59+02:00'],
  )
})

test('is empty where a line has no time', () => {
  const timeOf = lineTimes('UTC')
  assert.deepEqual(
    ['', 'h - - - "GET /" 200 5 1824', line('31/Feb/2026:00:00:00 +0000').toString()].map((text) =>
      timeOf(Buffer.from(text)),
    ),
    ['', '', ''],
  )
})
