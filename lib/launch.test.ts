import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/** The launcher in a clone of its own, with an npm that only notes that it ran and an `ingest` that tells what it got. */

const LIB = dirname(fileURLToPath(import.meta.url))
const LAUNCHER = ['launch.mjs', 'launch-child.mjs', 'launch-node.mjs', 'launch-packages.mjs']

const FAKE_NPM = `#!/bin/sh
echo "$@" >> installs
sleep "\${FAKE_NPM_SECONDS:-0}"
exit "\${FAKE_NPM_EXIT:-0}"
`

const FAKE_INGEST = `
import { text } from 'node:stream/consumers'
const [mode] = process.argv.slice(2)
if (mode === 'wait') {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => { console.log(signal); process.exit(7) })
  setInterval(() => {}, 1000)
  console.log('ready', process.pid)
} else if (mode === 'die') process.kill(process.pid, 'SIGKILL')
else console.log(JSON.stringify({ args: process.argv.slice(2), stdin: await text(process.stdin), path: process.env.PATH }))
`

async function clone(context: TestContext): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'log-portal-launch-'))
  context.after(() => rm(root, { recursive: true, force: true }))
  const nodeFolder = join(root, `node_modules/node-${process.platform}-${process.arch}/bin`)
  for (const folder of ['lib', 'ingest', 'bin']) await mkdir(join(root, folder))
  await mkdir(nodeFolder, { recursive: true })
  await symlink(process.execPath, join(nodeFolder, 'node'))
  for (const file of LAUNCHER) await copyFile(join(LIB, file), join(root, 'lib', file))
  await writeFile(join(root, 'package.json'), '{"type":"module"}')
  await writeFile(join(root, 'package-lock.json'), '{}')
  await writeFile(join(root, 'ingest/main.ts'), FAKE_INGEST)
  await writeFile(join(root, 'bin/npm'), FAKE_NPM)
  await chmod(join(root, 'bin/npm'), 0o755)
  return root
}

interface Launch {
  readonly child: ChildProcess
  readonly stdout: Promise<string>
  readonly stderr: Promise<string>
  /** The exit code. */
  readonly end: Promise<number | null>
}

function launch(root: string, args: readonly string[], env: Record<string, string> = {}): Launch {
  const { npm_execpath: _, npm_lifecycle_event: __, ...inherited } = process.env
  const child = spawn(process.execPath, ['lib/launch.mjs', ...args], {
    cwd: root,
    env: { ...inherited, PATH: `${join(root, 'bin')}:${process.env.PATH}`, ...env },
    // A group of its own without a terminal, as under a service manager.
    detached: true,
  })
  return {
    child,
    stdout: text(child.stdout),
    stderr: text(child.stderr),
    end: once(child, 'close').then(([code]) => code),
  }
}

async function installs(root: string): Promise<number> {
  const log = await readFile(join(root, 'installs'), 'utf8').catch(() => '')
  return log.split('\n').length - 1
}

test('installs once, then not again until the lockfile changes', async (context) => {
  const root = await clone(context)
  for (const expected of [1, 1]) {
    const run = launch(root, ['ingest'])
    run.child.stdin?.end()
    assert.equal(await run.end, 0)
    assert.equal(await installs(root), expected)
  }
  await writeFile(join(root, 'package-lock.json'), '{"changed":true}')
  const run = launch(root, ['ingest'])
  run.child.stdin?.end()
  assert.equal(await run.end, 0)
  assert.equal(await installs(root), 2)
})

test('leaves stdin to the program, also over an installation, and passes arguments on', async (context) => {
  const root = await clone(context)
  const run = launch(root, ['ingest', 'print', '1824', '--from', 'a b'], { FAKE_NPM_SECONDS: '0.2' })
  run.child.stdin?.end('first\nsecond\n')
  assert.equal(await run.end, 0)
  const got = JSON.parse(await run.stdout)
  assert.deepEqual(got.args, ['print', '1824', '--from', 'a b'])
  assert.equal(got.stdin, 'first\nsecond\n')
  assert.match(got.path, new RegExp(`^${root}/node_modules/node-[^:]*/bin:${root}/node_modules/.bin:`))
  assert.match(await run.stderr, /Installing the packages/)
})

test('of several launchers at once one installs and the others wait for it', async (context) => {
  const root = await clone(context)
  const runs = Array.from({ length: 5 }, () => launch(root, ['ingest'], { FAKE_NPM_SECONDS: '0.5' }))
  for (const run of runs) run.child.stdin?.end()
  assert.deepEqual(await Promise.all(runs.map((run) => run.end)), [0, 0, 0, 0, 0])
  assert.equal(await installs(root), 1)
})

test('takes over the lock of a launcher that was killed', async (context) => {
  const root = await clone(context)
  const first = launch(root, ['ingest'], { FAKE_NPM_SECONDS: '30' })
  while ((await installs(root)) === 0) await delay(10)
  first.child.kill('SIGKILL')
  await once(first.child, 'exit')
  const second = launch(root, ['ingest'])
  second.child.stdin?.end()
  assert.equal(await second.end, 0)
  assert.equal(await installs(root), 2)
  // The installation that lost its launcher; its pipes would keep this test open.
  process.kill(-(first.child.pid ?? 0), 'SIGTERM')
})

test('a failed or interrupted installation runs nothing, ends with its code and is tried again', async (context) => {
  const root = await clone(context)
  const failed = launch(root, ['ingest'], { FAKE_NPM_EXIT: '3' })
  assert.equal(await failed.end, 3)
  assert.equal(await failed.stdout, '')
  const interrupted = launch(root, ['ingest'], { FAKE_NPM_SECONDS: '0.3' })
  while ((await installs(root)) < 2) await delay(10)
  interrupted.child.kill('SIGTERM')
  assert.equal(await interrupted.end, 143)
  assert.equal(await interrupted.stdout, '')
  const again = launch(root, ['ingest'])
  again.child.stdin?.end()
  assert.equal(await again.end, 0)
  assert.equal(await installs(root), 3)
})

test('passes SIGTERM, SIGINT and SIGHUP to the program and its exit code back', async (context) => {
  const root = await clone(context)
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    const run = launch(root, ['ingest', 'wait'])
    await once(run.child.stdout ?? run.child, 'data')
    run.child.kill(signal)
    assert.equal(await run.end, 7)
    assert.match(await run.stdout, new RegExp(signal))
  }
  assert.equal(await launch(root, ['ingest', 'die']).end, 128 + 9)
})

test('each script of package.json starts its own program', async (context) => {
  const root = await clone(context)
  const programs = { start: 'lib/start.ts', test: 'e2e/run-tests.ts', bench: 'e2e/bench/main.ts' }
  const { scripts } = JSON.parse(await readFile(join(dirname(LIB), 'package.json'), 'utf8'))
  for (const [verb, program] of Object.entries(programs)) {
    assert.equal(scripts[verb], `exec node lib/launch.mjs ${verb}`)
    await mkdir(dirname(join(root, program)), { recursive: true })
    await writeFile(join(root, program), `console.log('${verb}', ...process.argv.slice(2))`)
    const run = launch(root, [verb, '--some', 'words'])
    assert.equal(await run.end, 0)
    assert.equal(await run.stdout, `${verb} --some words\n`)
  }
})

test('an unknown verb is a usage error that installs nothing', async (context) => {
  const root = await clone(context)
  const run = launch(root, ['constructor'])
  assert.equal(await run.end, 2)
  assert.match(await run.stderr, /^usage: npm start/)
  assert.equal(await installs(root), 0)
})
