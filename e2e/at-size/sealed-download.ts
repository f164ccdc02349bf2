import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'
import { writeLogs } from '../bench/load-files.ts'
import { signInAtPortal } from '../bench/portal-sign-in.ts'
import { LOAD_START_SECOND, largestCollection, referenceLoad } from '../bench/reference-load.ts'
import { collectStderr, runIngest, startIngest } from '../ingest.ts'
import { type RunningPortal, startPortal } from '../portal.ts'
import { atSize } from './size.ts'

/** Downloads of millions of lines while maintenance seals and joins them. */

const run = promisify(execFile)
const LINES = atSize(10_000_000)
/** Downloads that all lines are sealed within; one takes as long as several rounds of maintenance. */
const MOST_DOWNLOADS = 100
const WHOLE = `from=${LOAD_START_SECOND - 3600}&to=${LOAD_START_SECOND + LINES}`

let folder = ''
let portal: RunningPortal | null = null
after(async () => {
  await portal?.stop()
  await rm(folder, { recursive: true, force: true })
})

/** @returns SHA-256 of the load in (score, member) order, worked out by `sort` and nothing of the portal. */
async function sortedHash(): Promise<string> {
  const keyed = join(folder, 'keyed')
  const file = createWriteStream(keyed)
  const seen = new Map<string, number>()
  let last = { text: '', repeats: 0 }
  let chunk = ''
  for (const { text, source, second } of referenceLoad({ lines: LINES, collections: 1 })) {
    last = { text, repeats: text === last.text ? last.repeats + 1 : 0 }
    const stamp = `${source} ${second}`
    const micros = seen.get(stamp) ?? 0
    seen.set(stamp, micros + 1)
    const tag = last.repeats > 0 ? `${source}#${last.repeats}` : source
    chunk += `${second}.${String(micros).padStart(6, '0')}\t${text}\t${tag}\n`
    if (chunk.length < 1 << 20) continue
    if (!file.write(chunk)) await once(file, 'drain')
    chunk = ''
    if (seen.size > 1000) for (const key of [...seen.keys()].slice(0, 500)) seen.delete(key)
  }
  file.end(chunk)
  await once(file, 'finish')
  const { stdout } = await run('sh', ['-c', 'LC_ALL=C sort -T . keyed | cut -f 2 | sha256sum'], {
    cwd: folder,
  })
  await rm(keyed)
  return stdout.slice(0, 64)
}

async function downloaded(cookie: string): Promise<string> {
  const address = `${portal?.origin}/collections/${largestCollection}/download?${WHOLE}`
  const hash = createHash('sha256')
  const request = get(address, { headers: { cookie } })
  const [response] = await once(request, 'response')
  assert.equal(response.statusCode, 200)
  for await (const part of response) hash.update(part)
  return hash.digest('hex')
}

test(`${LINES} lines are downloaded byte for byte while they are sealed, while they are joined, and after`, async () => {
  folder = await mkdtemp(join(tmpdir(), 'portal-at-size-'))
  const accessFile = join(folder, 'access.yaml')
  await writeFile(
    accessFile,
    `collections:\n  ${largestCollection}: { name: The largest }\nrules:\n  - { group: /hr/owners, collections: [${largestCollection}] }\n`,
  )
  portal = await startPortal({ env: { ACCESS_FILE: accessFile } })
  const { logs } = writeLogs(folder, { lines: LINES, collections: 1 })
  const expected = await sortedHash()
  for (const [source, path] of logs) {
    const fed = await runIngest(portal.redis.url, ['--source', source], createReadStream(path))
    assert.equal(fed.exitCode, 0, fed.stderr)
    await rm(path)
  }
  const cookie = await signInAtPortal(portal, 'hr-owner')
  const redis = new Redis(portal.redis.url)
  const wordOfIndex = () => redis.hget(`{logs:collid:${largestCollection}}:counts`, 'index')
  const maintenance = startIngest(portal.redis.url, ['maintain', '--every', '1s'])
  const said = collectStderr(maintenance)
  let hasEnded = false
  void maintenance.done.then(() => {
    hasEnded = true
  })
  try {
    let changes = 0
    let hotLeft = true
    for (let rounds = 0; rounds < 3 || hotLeft; rounds++) {
      assert.ok(!hasEnded, `maintain ended before all lines were sealed: ${said()}`)
      assert.ok(rounds < MOST_DOWNLOADS, `not all lines are sealed after ${rounds} downloads: ${said()}`)
      const before = await wordOfIndex()
      assert.equal(await downloaded(cookie), expected)
      if ((await wordOfIndex()) !== before) changes++
      hotLeft = (await redis.zcard(`logs:collid:${largestCollection}`)) >= 4096
    }
    assert.ok(changes > 0, 'nothing was sealed under a download')
  } finally {
    maintenance.signal('SIGTERM')
    redis.disconnect()
  }
  assert.equal((await maintenance.done).exitCode, 0)
  assert.equal(await downloaded(cookie), expected)
})
