import { writeFileSync } from 'node:fs'
import { Agent, get, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { buildPortal, PROJECT_ROOT } from '../../lib/build.ts'
import { ensureProgram } from '../../lib/system-package.ts'
import { type RunningPortal, startPortal, TEST_BUILD } from '../portal.ts'
import { runOnFile } from './bench-process.ts'
import { expectStored } from './bench-redis.ts'
import type { ExpectedLoad } from './load-files.ts'
import { signInAtPortal } from './portal-sign-in.ts'
import { LOAD_START_SECOND, largestCollection } from './reference-load.ts'
import type { Bench } from './row.ts'

/** The production build with the largest collection's lines in its store, and one of its owners signed in. */

export interface BenchPortal {
  readonly portal: RunningPortal
  /** Asks for a path on the one connection that all requests share. */
  request(path: string): Promise<IncomingMessage>
}

const EXPLORER = `/collections/${largestCollection}`
const accessTo = (ids: readonly string[]) => `rules:
  - { group: /hr/owners, collections: [${ids.join(', ')}] }
`

/** From before the first line to after the last, whatever the size of the load. */
export const WHOLE_LOAD = `from=${LOAD_START_SECOND - 3600}&to=${LOAD_START_SECOND + 86_400}`
export const explorerPath = (query: string) => `${EXPLORER}?${query}`
export const downloadPath = (query: string) => `${EXPLORER}/download?${query}`

/** Builds what is to be measured; not while anything is measured. */
export async function preparePortal({ log }: Bench): Promise<void> {
  await ensureProgram({ program: 'redis-server', aptPackage: 'redis-server', log })
  await buildPortal({ distDir: TEST_BUILD, log })
}

/** Starts a portal that nobody has asked anything yet, with those logs in its store. */
export function startBenchPortal(
  bench: Bench,
  { logs, expected }: { logs: ReadonlyMap<string, string>; expected: ExpectedLoad },
): Promise<BenchPortal> {
  return startFilledPortal(bench, [largestCollection], async (redisUrl) => {
    for (const [source, input] of logs)
      await runOnFile({
        bench,
        command: [process.execPath, join(PROJECT_ROOT, 'ingest/main.ts'), '--source', source],
        input,
        env: { REDIS_URL: redisUrl },
      })
    await expectStored(redisUrl, expected.counts)
  })
}

/** Starts a portal whose owner may read those collections, and fills its store before anybody asks anything. */
export async function startFilledPortal(
  bench: Bench,
  ids: readonly string[],
  fill: (redisUrl: string) => Promise<void>,
): Promise<BenchPortal> {
  const accessFile = join(bench.folder, 'access.yaml')
  writeFileSync(accessFile, accessTo(ids))
  const portal = await startPortal({ env: { ACCESS_FILE: accessFile } })
  bench.defer(() => portal.stop())
  await fill(portal.redis.url)
  const cookie = await signInAtPortal(portal, 'hr-owner')
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  bench.defer(() => agent.destroy())
  const request = (path: string) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      get(`${portal.origin}${path}`, { agent, headers: { cookie } }, resolve).once('error', reject)
    })
  return { portal, request }
}

export interface Answer {
  readonly status: number
  readonly seconds: number
  readonly body: Buffer
}

/** From the request to the last byte of its answer. */
export async function timed({ request }: BenchPortal, path: string): Promise<Answer> {
  const startedMs = performance.now()
  const response = await request(path)
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  const seconds = (performance.now() - startedMs) / 1000
  return { status: response.statusCode ?? 0, seconds, body: Buffer.concat(chunks) }
}
