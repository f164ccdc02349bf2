import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createFloodGate, FLOOD_WINDOW_MS } from './flood-gate.ts'

function openGate(limits: { each: number; inAll: number; kinds: number }) {
  const works: (() => void)[] = []
  const told: [string | null, number][] = []
  const gate = createFloodGate<string>({
    ...limits,
    onHeldBack: (first, held) => told.push([first, held]),
    later: (work, ms) => {
      assert.equal(ms, FLOOD_WINDOW_MS)
      works.push(work)
    },
  })
  const ask = (kind: string, times: number) =>
    Array.from({ length: times }, (_, n) => gate.admit(kind, `${kind}${n}`))
  const endHour = () => {
    assert.equal(works.length, 1)
    works.pop()?.()
  }
  return { ask, told, endHour, works }
}

test('of one kind the first few are admitted and the others counted, and told of when the hour is over', () => {
  const { ask, told, endHour, works } = openGate({ each: 3, inAll: 100, kinds: 10 })
  assert.deepEqual(ask('a', 5), ['admitted', 'admitted', 'last', 'held back', 'held back'])
  assert.deepEqual(ask('b', 2), ['admitted', 'admitted'])
  assert.deepEqual(told, [])
  endHour()
  assert.deepEqual(told, [['a0', 2]])
  assert.deepEqual(works, [])
  assert.deepEqual(ask('a', 1), ['admitted'])
  endHour()
  assert.deepEqual(told.length, 1)
})

test('of all kinds together so many are admitted; none that is held back is lost from the count', () => {
  const { ask, told, endHour } = openGate({ each: 3, inAll: 4, kinds: 2 })
  ask('a', 3)
  assert.deepEqual(ask('b', 3), ['admitted', 'held back', 'held back'])
  assert.deepEqual(ask('c', 2), ['held back', 'held back'])
  assert.deepEqual(ask('d', 1), ['held back'])
  endHour()
  assert.deepEqual(told, [
    ['b0', 2],
    [null, 3],
  ])
  assert.deepEqual(ask('d', 1), ['admitted'])
})
