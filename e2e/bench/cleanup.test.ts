import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cleanup } from './cleanup.ts'

test('what was done last is undone first, each thing once, also past one that fails', async () => {
  const cleanup = new Cleanup()
  const done: string[] = []
  cleanup.add(() => void done.push('first'))
  cleanup.add(() => Promise.reject(new Error('it broke')))
  cleanup.add(() => void done.push('last'))
  await assert.rejects(cleanup.run(), /it broke/)
  await cleanup.run()
  assert.deepEqual(done, ['last', 'first'])
})
