import { randomFrom } from '../random-from.ts'
import { prepareLogs } from './live-ingest.ts'
import { type BenchPortal, explorerPath, preparePortal, startBenchPortal, timed } from './portal-bench.ts'
import { LINES_PER_SECOND, LOAD_START_SECOND } from './reference-load.ts'
import { type Bench, expectEqual, type Measured, type Row } from './row.ts'
import { median } from './statistics.ts'

/** Server time of a page of 200 lines in a random window, against a page with the same frame and gate and nothing in it. */

const WINDOWS = 500
/** Share of a small load; a window holds 200 lines of the largest collection from half a minute on. */
const SHORTEST_SECONDS = 60
const LINES_A_PAGE = 200
const SEED = 500
const EMPTY_WINDOW = 'from=2020-01-01&to=2020-01-02'
const REFUSED = 'limit=0'

function randomWindows(lines: number): string[] {
  const random = randomFrom(SEED)
  const loadSeconds = Math.floor(lines / LINES_PER_SECOND)
  return Array.from({ length: WINDOWS }, () => {
    const length = Math.min(SHORTEST_SECONDS + random() * (loadSeconds / 4), loadSeconds)
    const from = LOAD_START_SECOND + Math.floor(random() * (loadSeconds - length))
    return `from=${from}&to=${Math.ceil(from + length)}`
  })
}

/** @returns milliseconds */
async function ask(
  portal: BenchPortal,
  query: string,
  expected: { status: number; rows: number },
): Promise<number> {
  const { status, seconds, body } = await timed(portal, explorerPath(query))
  expectEqual(`status of ${query}`, status, expected.status)
  expectEqual(`lines on ${query}`, body.toString('latin1').split('<td class="t"').length - 1, expected.rows)
  return seconds * 1000
}

async function run(bench: Bench): Promise<Measured> {
  await preparePortal(bench)
  const portal = await startBenchPortal(bench, prepareLogs(bench))
  const samples = { refusedMs: [] as number[], emptyMs: [] as number[], pageMs: [] as number[] }
  for (const window of randomWindows(bench.lines)) {
    samples.refusedMs.push(await ask(portal, REFUSED, { status: 400, rows: 0 }))
    samples.emptyMs.push(await ask(portal, EMPTY_WINDOW, { status: 200, rows: 0 }))
    samples.pageMs.push(await ask(portal, window, { status: 200, rows: LINES_A_PAGE }))
  }
  const [refused, empty, full] = [samples.refusedMs, samples.emptyMs, samples.pageMs].map(median)
  if (!refused || !empty || !full) throw new Error('nothing was measured')
  return {
    value: full / refused,
    reference: `${refused.toFixed(2)} ms`,
    product: `${full.toFixed(2)} ms`,
    note: `medians over ${WINDOWS} windows of a fresh process, in turn on one connection, from the request to the last byte, without compression; reference: the explorer's answer to limit=0, which has layout, session and decision and reads no lines; against an empty window of the explorer (${empty.toFixed(2)} ms), which reads the store and has the window's form, it is ${(full / empty).toFixed(2)}`,
    samples,
  }
}

export const page: Row = { name: 'page', must: 1.6, goal: 1.3, better: 'lower', unit: '', run }
