import { createHash, randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { PROJECT_ROOT } from '../../lib/build.ts'
import { ended, spawnBound } from '../../lib/child-process.ts'
import { TEST_BUILD } from '../portal.ts'
import { type ExpectedLoad, writeMergedLog } from './load-files.ts'
import { largestCollection } from './reference-load.ts'
import { type Bench, expectEqual, WrongCounts } from './row.ts'

/** All lines of the load in one collection, and what its download has to give as a static file of the same server. */

export interface OneCollection {
  readonly logs: ReadonlyMap<string, string>
  readonly expected: ExpectedLoad
}

export function prepareOneCollection(bench: Bench): OneCollection {
  const log = join(bench.folder, 'one.log')
  const expected = writeMergedLog(log, { lines: bench.lines, collections: 1 })
  return { logs: new Map([['web1', log]]), expected }
}

export interface StaticFile {
  readonly path: string
  readonly url: string
}

/** A file among the build's own. The server looks for names at its start, so it has to be there before. */
export function placeStaticFile(bench: Bench): StaticFile {
  const folder = join(PROJECT_ROOT, TEST_BUILD, 'static', `bench-${randomUUID()}`)
  mkdirSync(folder)
  bench.defer(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'lines.log')
  writeFileSync(path, 'not yet\n')
  return { path, url: `/_next/static/${folder.slice(folder.lastIndexOf('/') + 1)}/lines.log` }
}

/**
 * Fills the file with what `ingest print` writes, and looks whether these are the bytes that were fed, in whatever order.
 * @returns the file's SHA-256
 */
export async function fillStaticFile(options: {
  bench: Bench
  file: StaticFile
  redisUrl: string
  collection: OneCollection
}): Promise<string> {
  const { bench, file, redisUrl, collection } = options
  const program = join(PROJECT_ROOT, 'ingest/main.ts')
  const print = spawnBound(process.execPath, [program, 'print', largestCollection], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { NODE_ENV: 'production', PATH: process.env.PATH, REDIS_URL: redisUrl, TZ: 'UTC' },
  })
  bench.defer(() => print.kill())
  if (!print.stdout) throw new Error('print could not be started')
  await pipeline(print.stdout, createWriteStream(file.path))
  expectEqual('exit code of print', (await ended(print)).code, 0)
  expectEqual('bytes printed', statSync(file.path).size, collection.expected.bytes)
  const [fed] = collection.logs.values()
  if ((await sortedHash(bench, fed ?? '')) !== (await sortedHash(bench, file.path)))
    throw new WrongCounts('what print wrote is not what was fed')
  return hashOf(createReadStream(file.path))
}

/** SHA-256 of a file's lines in the order of their bytes. */
async function sortedHash(bench: Bench, path: string): Promise<string> {
  const sort = spawnBound('sort', ['-T', bench.folder, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, LC_ALL: 'C' },
  })
  bench.defer(() => sort.kill())
  if (!sort.stdout) throw new Error('sort could not be started')
  return hashOf(sort.stdout)
}

/** @returns SHA-256 in hexadecimal */
export async function hashOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of stream) hash.update(chunk)
  return hash.digest('hex')
}
