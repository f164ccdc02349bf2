import type { IncomingMessage } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { prepareOneCollection } from './one-collection.ts'
import {
  downloadPath,
  explorerPath,
  preparePortal,
  startBenchPortal,
  timed,
  WHOLE_LOAD,
} from './portal-bench.ts'
import { MemoryWatch, residentBytes } from './process-memory.ts'
import { LOAD_START_SECOND } from './reference-load.ts'
import { type Bench, expectEqual, type Measured, type Row } from './row.ts'

/** By how much the portal's memory rises while a collection is downloaded, by a fast reader and by a slow one. */

const MIB = 1024 * 1024
const SLOW_BYTES_PER_SECOND = 2_000_000
/** A million lines take 121 s at that speed; no more is read of a larger load. */
const SLOW_SECONDS = 125
/** Lets the code be compiled and the first memory be taken before the value that counts as before. */
const WARM_UP = `from=${LOAD_START_SECOND}&to=${LOAD_START_SECOND + 20}`

async function readAll(response: IncomingMessage): Promise<number> {
  let bytes = 0
  for await (const chunk of response) bytes += (chunk as Buffer).length
  return bytes
}

/** Takes a piece when its time has come, and then the next. @returns bytes read when it ended or the time was over */
async function readSlowly(response: IncomingMessage): Promise<number> {
  const startedMs = performance.now()
  let bytes = 0
  for await (const chunk of response) {
    bytes += (chunk as Buffer).length
    const elapsedMs = performance.now() - startedMs
    if (elapsedMs > SLOW_SECONDS * 1000) break
    const aheadMs = (bytes / SLOW_BYTES_PER_SECOND) * 1000 - elapsedMs
    if (aheadMs > 0) await delay(aheadMs)
  }
  return bytes
}

async function run(bench: Bench): Promise<Measured> {
  await preparePortal(bench)
  const collection = prepareOneCollection(bench)
  const portal = await startBenchPortal(bench, collection)
  const { pid } = portal.portal
  for (const path of [explorerPath(WARM_UP), downloadPath(WARM_UP)])
    expectEqual(`status of ${path}`, (await timed(portal, path)).status, 200)
  const before = residentBytes(pid)
  const riseDuring = async (read: (response: IncomingMessage) => Promise<number>) => {
    const watch = new MemoryWatch(pid)
    const startedMs = performance.now()
    const bytes = await read(await portal.request(downloadPath(WHOLE_LOAD)))
    const seconds = (performance.now() - startedMs) / 1000
    watch.stop()
    return { rise: (watch.peakBytes - before) / MIB, bytes, seconds }
  }
  bench.log('  a reader at 2 MB/s …')
  const slow = await riseDuring(readSlowly)
  bench.log(`  rose by ${slow.rise.toFixed(1)} MiB; a fast reader …`)
  const fast = await riseDuring(readAll)
  expectEqual('bytes downloaded', fast.bytes, collection.expected.bytes)
  return {
    value: Math.max(slow.rise, fast.rise),
    reference: `${(before / MIB).toFixed(0)} MiB before`,
    product: `+${fast.rise.toFixed(1)} MiB fast, +${slow.rise.toFixed(1)} MiB slow`,
    note: `resident memory of the portal's processes, looked at every 100 ms, over the value after one page and one small download of a fresh process; the larger of two: a reader at 2 MB/s, who came first and took ${(slow.bytes / 1e6).toFixed(0)} of ${(collection.expected.bytes / 1e6).toFixed(0)} MB in ${slow.seconds.toFixed(0)} s (at most ${SLOW_SECONDS} s), and one who took all in ${fast.seconds.toFixed(1)} s`,
    samples: { slowMib: [slow.rise], fastMib: [fast.rise] },
  }
}

export const downloadRss: Row = {
  name: 'download-rss',
  must: 64,
  goal: 64,
  better: 'lower',
  unit: 'MiB',
  run,
}
