import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildPortal, NEXT_PROGRAM, PROJECT_ROOT } from '../lib/build.ts'
import { ended, shellExitCode, spawnBound } from '../lib/child-process.ts'
import { ensureProgram, MissingProgramError } from '../lib/system-package.ts'
import { TEST_BUILD } from './portal.ts'

/**
 * `npm test`: everything that has to hold, in the order in which it is cheapest to fail. With `--data FOLDER` it runs the
 * tests that use that folder's logs, and only those; with `--office` those that need LibreOffice; with `--cluster` the store's on a
 * Redis Cluster and on a master behind Sentinel; with `--full` those that show something only in numbers. The last line is `N passed, N failed`.
 */

const BIN = join(PROJECT_ROOT, 'node_modules/.bin')
const log = (line: string) => void process.stderr.write(`${line}\n`)

interface Counts {
  passed: number
  failed: number
}

async function run(
  program: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<number> {
  const child = spawnBound(program, args, {
    cwd: PROJECT_ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, NEXT_TELEMETRY_DISABLED: '1', ...env },
  })
  return shellExitCode(await ended(child))
}

/** A tool that passes or fails as a whole counts as one test. */
async function check(name: string, program: string, args: readonly string[]): Promise<Counts> {
  log(`\n== ${name}`)
  const passed = (await run(program, args)) === 0
  return { passed: passed ? 1 : 0, failed: passed ? 0 : 1 }
}

/** A run that ends badly without a failed test of its own (a file that does not load, say) counts as one failed. */
function settled(counts: Counts, exitCode: number): Counts {
  return exitCode !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts
}

/** A step that cannot even be run (the build fails, say) is one failed test; the others still run and are counted. */
async function counted(step: () => Promise<Counts>): Promise<Counts> {
  try {
    return await step()
  } catch (error) {
    log(error instanceof Error ? `${error.stack}` : String(error))
    return { passed: 0, failed: 1 }
  }
}

interface NodeTestOptions {
  readonly env?: Record<string, string>
  readonly filesAtOnce?: number
  /** Of a test, and of all tests of a file together. */
  readonly timeoutMs?: number
}

async function nodeTests(
  name: string,
  files: readonly string[],
  { env = {}, filesAtOnce, timeoutMs = 120_000 }: NodeTestOptions = {},
): Promise<Counts> {
  log(`\n== ${name}`)
  const folder = mkdtempSync(join(tmpdir(), 'portal-counts-'))
  const tap = join(folder, 'tests.tap')
  const exitCode = await run(
    process.execPath,
    [
      '--test',
      `--test-timeout=${timeoutMs}`,
      ...(filesAtOnce === undefined ? [] : [`--test-concurrency=${filesAtOnce}`]),
      '--test-reporter=spec',
      '--test-reporter-destination=stdout',
      '--test-reporter=tap',
      `--test-reporter-destination=${tap}`,
      ...files,
    ],
    env,
  )
  const text = readFileSync(tap, 'utf8')
  rmSync(folder, { recursive: true })
  const count = (word: string) => Number(new RegExp(`^# ${word} ([0-9]+)$`, 'm').exec(text)?.[1] ?? 0)
  return settled({ passed: count('pass'), failed: count('fail') + count('cancelled') }, exitCode)
}

async function browserTests(chromium: string): Promise<Counts> {
  log('\n== In the browser')
  await buildPortal({ distDir: TEST_BUILD, log })
  const folder = mkdtempSync(join(tmpdir(), 'portal-counts-'))
  const file = join(folder, 'browser.json')
  const exitCode = await run(join(BIN, 'playwright'), ['test', '-c', 'e2e/playwright.config.ts'], {
    PLAYWRIGHT_COUNTS: file,
    CHROMIUM: chromium,
  })
  const { stats } = JSON.parse(readFileSync(file, 'utf8')) as {
    stats: { expected: number; unexpected: number; flaky: number; skipped: number }
  }
  rmSync(folder, { recursive: true })
  if (stats.skipped > 0) log(`${stats.skipped} not run; why is said where the first of them stands`)
  // A test that is flaky once is a failure.
  return settled({ passed: stats.expected, failed: stats.unexpected + stats.flaky }, exitCode)
}

/** That its rows run and their counts are right, at a tenth of the size; the figures say nothing about a busy machine. */
const BENCH = [
  'e2e/bench/main.ts',
  '--size',
  '100000',
  '--runs',
  '1',
  '--json',
  'test-results/bench-tenth.json',
]

async function projectTests(): Promise<Counts[]> {
  await ensureProgram({ program: 'redis-server', aptPackage: 'redis-server', log })
  const chromium = await ensureProgram({ program: 'chromium', aptPackage: 'chromium', log })
  const counts = [
    await check('Lint and format', join(BIN, 'biome'), ['ci', '--error-on-warnings', '.']),
    await check('Route types', process.execPath, [NEXT_PROGRAM, 'typegen']),
    await check('Types', join(BIN, 'tsc'), ['--noEmit']),
    await counted(() => nodeTests('Units, store and commands', ['{app,lib,ingest,e2e}/**/*.test.ts'])),
  ]
  counts.push(await counted(() => browserTests(chromium)))
  counts.push(await atSize('At a tenth of the size', {}, 600_000))
  counts.push(await check('The bench runs', process.execPath, BENCH))
  return counts
}

async function dataTests(folder: string): Promise<Counts[]> {
  await ensureProgram({ program: 'redis-server', aptPackage: 'redis-server', log })
  return [await counted(() => nodeTests('Real logs', ['e2e/real-logs.ts'], { env: { REAL_LOGS: folder } }))]
}

async function officeTests(): Promise<Counts[]> {
  const soffice = await ensureProgram({ program: 'soffice', aptPackage: 'libreoffice-calc-nogui', log })
  return [
    await counted(() =>
      nodeTests('In LibreOffice', ['e2e/office-downloads.ts'], { env: { SOFFICE: soffice } }),
    ),
  ]
}

/** Each starts the servers of a cluster, which fail over by themselves where they get no processor for too long. */
const CLUSTER_FILES_AT_ONCE = 2

/** The store's tests on the other two kinds of store; on one server they run with everything else. */
async function clusterTests(): Promise<Counts[]> {
  await ensureProgram({ program: 'redis-server', aptPackage: 'redis-server', log })
  const on = (name: string, kind: string) =>
    counted(() =>
      nodeTests(name, ['lib/store/*.test.ts'], { env: { STORE: kind }, filesAtOnce: CLUSTER_FILES_AT_ONCE }),
    )
  return [
    await on('The store on a Redis Cluster', 'cluster'),
    await on('The store behind Sentinel', 'sentinel'),
  ]
}

/** Tests that show something only in numbers; `npm test` runs them at a tenth. */
const AT_SIZE = 'e2e/at-size/*.ts'

const atSize = (name: string, env: Record<string, string>, timeoutMs: number) =>
  counted(() => nodeTests(name, [AT_SIZE], { env, filesAtOnce: 1, timeoutMs }))

/** An hour or two, at the size that counts. */
async function fullTests(): Promise<Counts[]> {
  await ensureProgram({ program: 'redis-server', aptPackage: 'redis-server', log })
  await buildPortal({ distDir: TEST_BUILD, log })
  return [await atSize('At full size', { FULL_SIZE: '1' }, 7_200_000)]
}

/** The steps that the arguments ask for, or null where they are none. */
function stepsOf([option, folder, ...rest]: readonly string[]): (() => Promise<Counts[]>) | null {
  if (rest.length > 0) return null
  if (option === undefined) return projectTests
  if (option === '--office' && folder === undefined) return officeTests
  if (option === '--cluster' && folder === undefined) return clusterTests
  if (option === '--full' && folder === undefined) return fullTests
  return option === '--data' && folder !== undefined ? () => dataTests(folder) : null
}

const steps = stepsOf(process.argv.slice(2))
if (!steps) {
  log('npm test takes no arguments, --data FOLDER, --office, --cluster, or --full.')
  process.exit(2)
}
let counts: Counts[]
try {
  counts = await steps()
} catch (error) {
  if (!(error instanceof MissingProgramError)) throw error
  log(error.message)
  process.exit(2)
}
const passed = counts.reduce((sum, one) => sum + one.passed, 0)
const failed = counts.reduce((sum, one) => sum + one.failed, 0)
process.stdout.write(`\n${passed} passed, ${failed} failed\n`)
process.exitCode = failed > 0 ? 1 : 0
