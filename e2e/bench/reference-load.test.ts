import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hashLoad } from './load-files.ts'
import { LOAD_START_SECOND, largestCollection, referenceLoad } from './reference-load.ts'

const LINES = 20_000

test('the same load is the same bytes on every machine', () => {
  assert.equal(hashLoad({ lines: 1000 }), '1ba146deb39781105cdd93f3f9c39767a5d7473c147dd47877d617ed01f09e7a')
})

test('lines are 242 bytes long on average, from three servers, of 200 collections with a long tail', () => {
  let bytes = 0
  const bySource = new Map<string, number>()
  const byId = new Map<string, number>()
  for (const { text, source, id } of referenceLoad({ lines: LINES })) {
    bytes += text.length + 1
    bySource.set(source, (bySource.get(source) ?? 0) + 1)
    byId.set(id, (byId.get(id) ?? 0) + 1)
    assert.ok(text.endsWith(`" ${id}`))
  }
  assert.ok(Math.abs(bytes / LINES / 242 - 1) < 0.02, `${bytes / LINES} bytes a line`)
  assert.deepEqual([...bySource.keys()].sort(), ['web1', 'web2', 'web3'])
  for (const lines of bySource.values()) assert.ok(Math.abs((lines * 3) / LINES - 1) < 0.1)
  assert.equal(byId.size, 200)
  const largest = byId.get(largestCollection) ?? 0
  assert.ok(largest / LINES > 0.15 && largest / LINES < 0.19, `${largest} lines of the largest`)
})

test('stamps lie up to 3 s back and one line in a hundred repeats the one before it', () => {
  let repeats = 0
  let newest = 0
  let latest = 0
  let last = ''
  for (const { text, second } of referenceLoad({ lines: LINES })) {
    newest = Math.max(newest, second)
    latest = Math.max(latest, newest - second)
    if (text === last) repeats++
    last = text
  }
  assert.equal(latest, 3)
  assert.equal(newest, LOAD_START_SECOND + LINES / 50 - 1)
  assert.ok(repeats > LINES * 0.008 && repeats < LINES * 0.012, `${repeats} repeats`)
})

test('with one collection all lines are its own', () => {
  for (const { id } of referenceLoad({ lines: 100, collections: 1 })) assert.equal(id, largestCollection)
})
