import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { logText } from './log-text.ts'
import { encodeMember } from './member.ts'

test('each line is there in its own bytes with one LF, and nothing of the tag', () => {
  const line = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes.filter((b) => b !== 0x0a)))
  const member = fc.tuple(line, fc.constantFrom('', 'web1'), fc.integer({ min: 0, max: 3 }))
  fc.assert(
    fc.property(fc.array(member), (some) => {
      const text = logText(some.map(([bytes, source, ordinal]) => encodeMember(bytes, source, ordinal)))
      assert.ok(text.equals(Buffer.concat(some.flatMap(([bytes]) => [bytes, Buffer.from('\n')]))))
    }),
  )
})

test('no lines are no bytes', () => {
  assert.equal(logText([]).length, 0)
})
