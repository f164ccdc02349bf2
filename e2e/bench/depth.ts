import { join } from 'node:path'
import { randomFrom } from '../random-from.ts'
import { backfillLogs, maintain } from './backfill-logs.ts'
import { expectSealed } from './bench-redis.ts'
import { type ExpectedLoad, writeMergedLog } from './load-files.ts'
import { type BenchPortal, preparePortal, startFilledPortal, timed } from './portal-bench.ts'
import { LINES_PER_SECOND, LOAD_START_SECOND } from './reference-load.ts'
import { type Bench, expectEqual, type Measured, type Row } from './row.ts'
import { median } from './statistics.ts'

/** Server time of any page of a large collection against that of one a hundredth its size, both sealed. */

const WINDOWS = 200
const LINES_A_PAGE = 200
const LARGE_TIMES = 10
const SMALL_SHARE = 10
/** Three minutes, so that a random window fits. */
const FEWEST_LINES = 9000
const SEED = 0xdee9
/** Half the windows are so short, so that their page is deep and their count small. */
const SHORT_SECONDS = 60

interface Side {
  readonly id: string
  readonly lines: number
  readonly log: string
  readonly expected: ExpectedLoad
}

function prepareSide(bench: Bench, { id, lines }: { id: string; lines: number }): Side {
  const log = join(bench.folder, `${id}.log`)
  return { id, lines, log, expected: writeMergedLog(log, { lines, collections: 1, firstId: Number(id) }) }
}

/** @returns windows in turn short, and from the collection's start to anywhere. */
function randomWindows({ lines }: Side): string[] {
  const random = randomFrom(SEED)
  const loadSeconds = Math.floor(lines / LINES_PER_SECOND)
  return Array.from({ length: WINDOWS }, (_, index) => {
    const end = SHORT_SECONDS + Math.floor(random() * (loadSeconds - SHORT_SECONDS))
    const start = index % 2 === 0 ? end - SHORT_SECONDS : 0
    return `from=${LOAD_START_SECOND + start}&to=${LOAD_START_SECOND + end}`
  })
}

/** @returns milliseconds */
async function ask(portal: BenchPortal, { id }: Side, window: string): Promise<number> {
  const { status, seconds, body } = await timed(portal, `/collections/${id}?${window}`)
  expectEqual(`status of ${window} in ${id}`, status, 200)
  const rows = body.toString('latin1').split('<td class="t"').length - 1
  expectEqual(`lines on ${window} in ${id}`, rows, LINES_A_PAGE)
  return seconds * 1000
}

async function run(bench: Bench): Promise<Measured> {
  await preparePortal(bench)
  const large = prepareSide(bench, { id: '2000', lines: bench.lines * LARGE_TIMES })
  const small = prepareSide(bench, {
    id: '3000',
    lines: Math.max(FEWEST_LINES, Math.floor(bench.lines / SMALL_SHARE)),
  })
  const portal = await startFilledPortal(bench, [large.id, small.id], async (redisUrl) => {
    for (const { log } of [large, small])
      await backfillLogs({ bench, redisUrl, logs: new Map([['web1', log]]) })
    await maintain({ bench, redisUrl })
    await expectSealed(redisUrl, new Map([large, small].flatMap(({ expected }) => [...expected.counts])))
  })
  const samples = { smallMs: [] as number[], largeMs: [] as number[] }
  const windowsOfSmall = randomWindows(small)
  for (const [index, window] of randomWindows(large).entries()) {
    samples.smallMs.push(await ask(portal, small, windowsOfSmall[index] ?? ''))
    samples.largeMs.push(await ask(portal, large, window))
  }
  const [ofSmall, ofLarge] = [median(samples.smallMs), median(samples.largeMs)]
  return {
    value: ofLarge / ofSmall,
    reference: `${ofSmall.toFixed(2)} ms`,
    product: `${ofLarge.toFixed(2)} ms`,
    note: `medians over ${WINDOWS} pages of a fresh process, in turn on one connection; a collection of ${large.lines} lines against one of ${small.lines}, both backfilled and maintained; half the windows last ${SHORT_SECONDS} s, half reach from the first line to anywhere`,
    samples,
  }
}

export const depth: Row = { name: 'depth', must: 1.3, goal: 1.1, better: 'lower', unit: '', run }
