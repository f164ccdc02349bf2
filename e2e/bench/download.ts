import { fillStaticFile, hashOf, placeStaticFile, prepareOneCollection } from './one-collection.ts'
import {
  type BenchPortal,
  downloadPath,
  preparePortal,
  startBenchPortal,
  WHOLE_LOAD,
} from './portal-bench.ts'
import { type Bench, expectEqual, type Measured, type Row } from './row.ts'
import { alternating, median } from './statistics.ts'

/** All lines of a collection as a download, against the same bytes as a static file of the same server. */

/** Reads an answer as fast as it comes. @returns seconds from the request to its last byte */
async function timeBytes({ request }: BenchPortal, path: string, expectedBytes: number): Promise<number> {
  const startedMs = performance.now()
  const response = await request(path)
  let bytes = 0
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length
  })
  await new Promise((resolve, reject) => {
    response.once('end', resolve)
    response.once('error', reject)
  })
  const seconds = (performance.now() - startedMs) / 1000
  expectEqual(`status of ${path}`, response.statusCode, 200)
  expectEqual(`bytes of ${path}`, bytes, expectedBytes)
  return seconds
}

async function run(bench: Bench): Promise<Measured> {
  await preparePortal(bench)
  const collection = prepareOneCollection(bench)
  const file = placeStaticFile(bench)
  const portal = await startBenchPortal(bench, collection)
  const redisUrl = portal.portal.redis.url
  const hash = await fillStaticFile({ bench, file, redisUrl, collection })
  const path = downloadPath(WHOLE_LOAD)
  for (const one of [file.url, path])
    expectEqual(`SHA-256 of ${one}`, await hashOf(await portal.request(one)), hash)
  const { bytes } = collection.expected
  const times = await alternating(bench, {
    reference: () => timeBytes(portal, file.url, bytes),
    product: () => timeBytes(portal, path, bytes),
  })
  const [bare, ours] = [median(times.reference), median(times.product)]
  const rate = (seconds: number) => `${(bytes / 1e6 / seconds).toFixed(0)} MB/s`
  return {
    value: bare / ours,
    reference: rate(bare),
    product: rate(ours),
    note: `${bench.lines} lines of one collection, ${(bytes / 1e6).toFixed(0)} MB, on one connection to a client that counts them; reference: the same bytes as a static file of the same server; both were compared by SHA-256 beforehand`,
    samples: { referenceSeconds: times.reference, productSeconds: times.product },
  }
}

export const download: Row = { name: 'download', must: 0.4, goal: 0.7, better: 'higher', unit: '', run }
