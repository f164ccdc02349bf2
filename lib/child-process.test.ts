import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { endChild, ended, isRunning, shellExitCode, spawnBound } from './child-process.ts'

const SLEEPER = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('up')"

async function stubborn(context: TestContext) {
  const child = spawnBound(process.execPath, ['-e', SLEEPER], { stdio: ['ignore', 'pipe', 'ignore'] })
  context.after(() => child.kill('SIGKILL'))
  await once(child.stdout ?? child, 'data')
  return child
}

test('a child that ignores the request is killed after the grace time', async (context) => {
  const child = await stubborn(context)
  assert.ok(isRunning(child))
  const end = await endChild(child, { graceMs: 100 })
  assert.deepEqual(end, { code: null, signal: 'SIGKILL' })
  assert.equal(shellExitCode(end), 137)
  assert.deepEqual(await endChild(child), end)
})

test('a child that is stopped is woken to end', async () => {
  const child = spawnBound('sleep', ['60'], { stdio: 'ignore' })
  child.kill('SIGSTOP')
  assert.equal((await endChild(child, { graceMs: 5_000 })).signal, 'SIGTERM')
})

test('a program that does not exist ends with 127', async () => {
  assert.equal(shellExitCode(await ended(spawnBound('no-such-program', [], { stdio: 'ignore' }))), 127)
})

test('a child dies with a parent that is killed', { skip: process.platform !== 'linux' }, async (context) => {
  const module = import.meta.resolve('./child-process.ts')
  const script = `import { spawnBound } from '${module}'
    const child = spawnBound('sleep', ['60'], { stdio: 'ignore', ownGroup: true })
    console.log(child.pid); setInterval(() => {}, 1000)`
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  context.after(() => parent.kill('SIGKILL'))
  const [printed] = await once(parent.stdout, 'data')
  const pid = Number(String(printed))
  // The signal is set once setpriv has become the child.
  while (!(await isCalled(pid, 'sleep'))) await delay(10)
  parent.kill('SIGKILL')
  const deadline = Date.now() + 5_000
  while ((await isCalled(pid, 'sleep')) && Date.now() < deadline) await delay(10)
  assert.equal(await isCalled(pid, 'sleep'), false)
})

async function isCalled(pid: number, name: string): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  // A zombie that nobody has waited for yet is dead enough.
  return stat.includes(`(${name})`) && !stat.includes(') Z')
}
