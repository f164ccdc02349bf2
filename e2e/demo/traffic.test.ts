import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEMO_SOURCES, linesWritten } from './traffic.ts'

const DAY_SECONDS = 86_400
/** Midnight UTC of 23 November 2026. */
const START = Date.UTC(2026, 10, 23) / 1000
const LINE =
  /^(\S+) - - \[(\d\d)\/(\w{3})\/(\d{4}):(\d\d:\d\d:\d\d) \+0000\] "(GET|POST|HEAD) (\S+) HTTP\/1\.1" (\d{3}) (-|\d+) "([^"]*)" "((?:[^"\\]|\\.)*)"(?: ([1-9][0-9]*))?$/

interface Written {
  readonly source: string
  readonly second: number
  readonly line: string
}

function day(source: string): Written[] {
  return Array.from({ length: DAY_SECONDS }, (_, index) => START + index).flatMap((second) =>
    linesWritten(source, second).map((line) => ({ source, second, line })),
  )
}

const startedMs = performance.now()
const written = DEMO_SOURCES.flatMap(day)
const elapsedMs = performance.now() - startedMs

function matchOf(line: string): RegExpExecArray {
  const match = LINE.exec(line)
  assert.ok(match, line)
  return match
}

test('gives the same bytes for the same second, others for another second or source', () => {
  assert.deepEqual(
    day('web3'),
    written.filter(({ source }) => source === 'web3'),
  )
  const hour = (source: string, from: number) =>
    Array.from({ length: 3600 }, (_, index) => linesWritten(source, from + index).join('\n')).join('\n')
  assert.notEqual(hour('web1', START), hour('web2', START))
  assert.notEqual(hour('web1', START), hour('web1', START + DAY_SECONDS))
})

test('writes about 90,000 lines a day, most of them by day', (context) => {
  context.diagnostic(`${written.length} lines in ${elapsedMs.toFixed(0)} ms`)
  assert.ok(Math.abs(written.length - 90_000) < 4_500, String(written.length))
  // About 0.3 s a source on a quiet machine; ten times that would be felt at every start of the demo.
  assert.ok(elapsedMs < 10_000, `${elapsedMs} ms`)
  const inHour = (hour: number) =>
    written.filter(({ second }) => Math.floor((second - START) / 3600) === hour)
  assert.ok(inHour(14).length > 3 * inHour(2).length)
})

test('stamps every line from three seconds before to the second it is written in, some out of order', () => {
  let outOfOrder = 0
  let last = 0
  for (const { second, line } of written.filter(({ source }) => source === 'web1')) {
    const [, , date, month, year, time] = matchOf(line)
    const began = Date.parse(`${date} ${month} ${year} ${time} UTC`) / 1000
    assert.ok(began <= second && began >= second - 3, line)
    if (began < last) outOfOrder++
    last = began
  }
  assert.ok(outOfOrder > 1_000, String(outOfOrder))
})

test('leaves about 7 % without an id and shares the others among eight collections', () => {
  const counts = new Map<string, number>()
  for (const { line } of written) {
    const id = matchOf(line)[12] ?? 'none'
    counts.set(id, (counts.get(id) ?? 0) + 1)
  }
  const share = (counts.get('none') ?? 0) / written.length
  assert.ok(share > 0.05 && share < 0.09, String(share))
  assert.deepEqual(
    [...counts.keys()].sort(),
    ['1824', '762', '3242', '486', '7879', '12212', '84332', '667883', 'none'].sort(),
  )
  for (const id of ['1824', '762', '3242']) assert.ok((counts.get(id) ?? 0) > 10_000)
})

test('holds true repeats, IPv6 visitors and the statuses of a real log', (context) => {
  const seen = new Set<string>()
  let repeats = 0
  for (const { source, second, line } of written) {
    const key = `${source} ${second} ${line}`
    if (seen.has(key)) repeats++
    seen.add(key)
  }
  context.diagnostic(`${repeats} repeats`)
  assert.ok(repeats > 500, String(repeats))
  assert.ok(written.some(({ line }) => line.startsWith('2001:db8:')))
  const statuses = new Set(written.map(({ line }) => matchOf(line)[8]))
  for (const status of ['200', '301', '303', '304', '404', '500', '503'])
    assert.ok(statuses.has(status), status)
})

test('gives the first account something new every few seconds, also at night', () => {
  const seconds = written
    .filter(({ line }) => line.endsWith(' 1824'))
    .map(({ second }) => second)
    .sort((a, b) => a - b)
  const gaps = seconds.map((second, index) => second - (seconds[index - 1] ?? START))
  assert.ok(Math.max(...gaps.slice(1)) <= 5)
})
