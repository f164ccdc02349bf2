import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Held } from './held.ts'

test('each has room for so many at once, what is given back is free again, and nobody takes the room of another', () => {
  const held = new Held(2)
  const [first, second] = [held.take('a'), held.take('a')]
  assert.ok(first && second)
  assert.equal(held.take('a'), null)
  const other = held.take('b')
  assert.ok(other)
  first()
  first()
  const third = held.take('a')
  assert.ok(third)
  assert.equal(held.take('a'), null, 'giving back twice frees one')
  for (const giveBack of [second, third, other]) giveBack()
  assert.equal(held.size, 0)
})
