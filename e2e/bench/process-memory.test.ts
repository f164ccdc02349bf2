import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { spawnBound } from '../../lib/child-process.ts'
import { MemoryWatch, residentBytes } from './process-memory.ts'

const MIB = 1024 * 1024

test('memory of a process counts with that of what it started, and the most of it is kept', async (context) => {
  const program = `
    const { spawn } = require('node:child_process')
    const child = spawn(process.execPath, ['-e', 'const held = Buffer.alloc(64 << 20, 1); console.log(held.length); setInterval(() => held, 1000)'])
    child.stdout.once('data', () => console.log('ready'))
    process.stdin.resume()
    process.once('SIGTERM', () => { child.kill(); child.once('exit', () => process.exit()) })`
  const parent = spawnBound(process.execPath, ['-e', program], { stdio: ['pipe', 'pipe', 'inherit'] })
  context.after(() => parent.kill())
  const pid = parent.pid ?? 0
  const watch = new MemoryWatch(pid)
  const alone = residentBytes(pid)
  await once(parent.stdout ?? parent, 'data')
  watch.stop()
  assert.ok(residentBytes(pid) - alone > 64 * MIB)
  assert.ok(watch.peakBytes >= alone + 64 * MIB)
})

test('a process that is gone has no memory', () => {
  assert.equal(residentBytes(2 ** 22 + 1), 0)
})
