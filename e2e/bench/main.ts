import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { PROJECT_ROOT } from '../../lib/build.ts'
import { stopExitCode, watchForStop } from '../../lib/stop-signal.ts'
import { ensureProgram, MissingProgramError } from '../../lib/system-package.ts'
import { type BenchArguments, BenchUsageError, parseBenchArguments } from './arguments.ts'
import { backfill } from './backfill.ts'
import { Cleanup } from './cleanup.ts'
import { depth } from './depth.ts'
import { download } from './download.ts'
import { downloadRss } from './download-rss.ts'
import { ingestRss } from './ingest-rss.ts'
import { live } from './live.ts'
import { memory } from './memory.ts'
import { page } from './page.ts'
import type { Row, RowName } from './row.ts'
import { seed } from './seed.ts'
import { type RowOutcome, tableJson, tableText } from './table.ts'

/**
 * `npm run bench`: measures the rows asked for and prints the table. Exits with 0 when they ran, whatever the figures;
 * 1 when one could not run or its counts were wrong; 2 for a usage error or a program that is missing.
 */

const ROWS: Readonly<Record<RowName, Row>> = {
  live,
  seed,
  backfill,
  memory,
  'ingest-rss': ingestRss,
  page,
  depth,
  download,
  'download-rss': downloadRss,
}
const log = (line: string) => void process.stderr.write(`${line}\n`)
const cleanup = new Cleanup()

async function runRow(row: Row, { lines, runs }: BenchArguments, stop: AbortSignal): Promise<RowOutcome> {
  log(`${row.name} …`)
  const folder = mkdtempSync(join(tmpdir(), 'log-portal-bench-'))
  cleanup.add(() => rmSync(folder, { recursive: true, force: true }))
  try {
    const defer = (task: () => Promise<unknown> | unknown) => cleanup.add(task)
    return { row, measured: await row.run({ lines, runs, folder, log, defer }), fault: null }
  } catch (error) {
    if (error instanceof MissingProgramError) throw error
    // What was told to end ends badly; the bench says nothing about it.
    if (!stop.aborted) log(error instanceof Error ? `${error.stack}` : String(error))
    return { row, measured: null, fault: error instanceof Error ? error.message : String(error) }
  } finally {
    await cleanup.run()
  }
}

async function runRows(request: BenchArguments, stop: AbortSignal): Promise<number> {
  await ensureProgram({ program: 'redis-server', aptPackage: 'redis-server', log })
  const outcomes: RowOutcome[] = []
  for (const name of request.rows) {
    outcomes.push(await runRow(ROWS[name], request, stop))
    if (stop.aborted) return 1
  }
  const { lines, runs } = request
  const file = resolve(PROJECT_ROOT, request.json)
  mkdirSync(dirname(file), { recursive: true })
  const about = {
    lines,
    runs,
    at: new Date().toISOString(),
    node: process.version,
    processors: cpus().length,
  }
  writeFileSync(file, tableJson(outcomes, about))
  process.stdout.write(tableText(outcomes))
  log(`As JSON: ${file}`)
  return outcomes.every(({ measured }) => measured) ? 0 : 1
}

async function main(): Promise<number> {
  const request = parseBenchArguments(process.argv.slice(2))
  const stop = watchForStop()
  const rows = runRows(request, stop.signal)
  const first = await Promise.race([rows, stop.requested])
  if (typeof first === 'number' && !stop.signal.aborted) return first
  await cleanup.run()
  return stopExitCode(await stop.requested)
}

try {
  process.exit(await main())
} catch (error) {
  if (!(error instanceof BenchUsageError || error instanceof MissingProgramError)) throw error
  log(error.message)
  process.exit(2)
}
