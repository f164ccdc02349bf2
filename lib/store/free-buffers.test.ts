import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FreeBuffers } from './free-buffers.ts'

test('a buffer holds what was asked for, and one given back serves the next of its size', () => {
  const free = new FreeBuffers()
  for (const bytes of [2, 3, 4, 5, 2048, 2049, 1_000_000]) {
    const buffer = free.take(bytes)
    assert.ok(buffer.length >= bytes && buffer.length < 2 * bytes, `${buffer.length} for ${bytes}`)
  }
  const buffer = free.take(4096)
  free.give(buffer)
  assert.notEqual(free.take(4097), buffer)
  assert.equal(free.take(4000), buffer)
  assert.notEqual(free.take(4000), buffer)
})

test('no more than 64 MiB are kept', () => {
  const free = new FreeBuffers()
  const buffers = Array.from({ length: 5 }, () => free.take(2 ** 24))
  for (const buffer of buffers) free.give(buffer)
  const taken = buffers.map(() => free.take(2 ** 24))
  assert.equal(taken.filter((buffer) => buffers.includes(buffer)).length, 4)
})
