import { setTimeout as delay } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import type { Redis } from 'ioredis'
import { residentBytes } from './bench/process-memory.ts'
import { expect, feed, logLine, test } from './fixtures.ts'
import { downloaded, openDownload, ownerOf } from './raw-download.ts'
import { until } from './waiting.ts'

/** What a download takes of the process and of Redis, and how it ends when something goes away. */

const BULK = '/collections/1824/download?from=2026-05-05&to=2026-05-06'
const BULK_LINES = 100_000
const STALLED_READERS = 8
const MAX_RISE_MEBIBYTES = 64
const MEBIBYTE = 1024 * 1024

test.beforeAll(async ({ portal }) => {
  test.setTimeout(120_000)
  const start = Date.UTC(2026, 4, 5)
  await feed(
    portal,
    Array.from({ length: BULK_LINES }, (_, n) =>
      logLine('1824', `bulk-${n}-${'x'.repeat(150)}`, new Date(start + n * 100)),
    ),
  )
})

test('a browser that takes compressed answers gets the lines as they are', async ({ signedIn, portal }) => {
  const { origin, cookie } = await ownerOf(portal, signedIn)
  const headers = { cookie, 'accept-encoding': 'gzip, deflate, br' }
  for (const query of ['', '&format=csv', '&format=ndjson', '&gzip=1']) {
    const answer = await fetch(`${origin}${BULK}${query}`, { headers })
    expect(answer.headers.get('content-encoding'), query).toBeNull()
    await answer.body?.cancel()
  }
})

test('attempt 45: the answer says what it is; HEAD says it without reading a line', async ({
  signedIn,
  portal,
  redis,
}) => {
  const { origin, cookie } = await ownerOf(portal, signedIn)
  const names: Record<string, [string, string]> = {
    '': ['text/plain; charset=utf-8', 'log'],
    '&format=log&gzip=': ['text/plain; charset=utf-8', 'log'],
    '&format=csv': ['text/csv; charset=utf-8; header=present', 'csv'],
    '&format=ndjson': ['application/x-ndjson; charset=utf-8', 'ndjson'],
    '&gzip=1': ['application/gzip', 'log.gz'],
    '&format=csv&gzip=1': ['application/gzip', 'csv.gz'],
  }
  const watched = await watchReads(redis)
  for (const [query, [type, extension]] of Object.entries(names)) {
    const answer = await fetch(`${origin}${BULK}${query}`, { method: 'HEAD', headers: { cookie } })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe(type)
    expect(answer.headers.get('content-encoding')).toBeNull()
    expect(answer.headers.get('cache-control')).toBe('private, no-store, no-transform')
    expect(answer.headers.get('content-disposition')).toBe(
      `attachment; filename="1824_20260505T000000Z_20260506T000000Z.${extension}"`,
    )
    expect(await answer.text()).toBe('')
  }
  await redis.echo('the end of the heads')
  await until('the monitor has seen all', async () =>
    watched.all().some((text) => text.includes('end of the heads')),
  )
  expect(watched.reads()).toBe(0)
  watched.stop()
  for (const [path, status] of [
    ['/collections/762/download', 404],
    [`${BULK}&format=pdf`, 400],
  ] as const)
    expect((await fetch(`${origin}${path}`, { method: 'HEAD', headers: { cookie } })).status).toBe(status)
  expect((await fetch(`${origin}${BULK}`, { method: 'HEAD' })).status).toBe(401)
})

for (const query of ['', '&format=csv', '&gzip=1'])
  test(`attempt 57: a reader that goes away frees Redis within two seconds: ${query || 'log'}`, async ({
    signedIn,
    portal,
    redis,
  }) => {
    const who = await ownerOf(portal, signedIn)
    const path = `${BULK}${query}`
    const watched = await watchReads(redis)
    await downloaded({ ...who, path })
    const whole = watched.reads()
    expect(whole).toBeGreaterThan(50)

    let before = watched.reads()
    const hasty = await openDownload({ ...who, path })
    hasty.once('data', () => hasty.destroy())
    hasty.on('error', () => undefined)
    await delay(2000)
    let seen = watched.reads()
    expect(seen - before).toBeLessThan(whole / 2)
    await delay(500)
    expect(watched.reads()).toBe(seen)

    // One that does not read: what fits on the way is sent, then Redis is left alone.
    before = watched.reads()
    const stalled = await openDownload({ ...who, path })
    stalled.on('error', () => undefined)
    seen = await whenQuiet(watched)
    // A gzip file of this window may fit on the way as a whole.
    if (!query.includes('gzip')) expect(seen - before).toBeLessThan(whole / 2)
    stalled.destroy()
    await delay(2000)
    seen = watched.reads()
    await delay(500)
    expect(watched.reads()).toBe(seen)
    watched.stop()
  })

test('memory grows neither with the downloads nor with the slowness of their readers', async ({
  signedIn,
  portal,
  redis,
}) => {
  test.setTimeout(120_000)
  const who = await ownerOf(portal, signedIn)
  const formats = ['', '&format=csv', '&format=ndjson', '&format=csv&gzip=1']
  for (const query of formats) await downloaded({ ...who, path: `${BULK}${query}` })
  const watched = await watchReads(redis)
  const before = residentBytes(portal.pid)
  let peak = before
  const sampled = setInterval(() => {
    peak = Math.max(peak, residentBytes(portal.pid))
  }, 100)
  for (const query of formats) await downloaded({ ...who, path: `${BULK}${query}` })
  // Sixty megabytes each, and nobody takes them.
  const stalled = await Promise.all(
    Array.from({ length: STALLED_READERS }, () => openDownload({ ...who, path: `${BULK}&format=ndjson` })),
  )
  for (const answer of stalled) answer.on('error', () => undefined)
  await whenQuiet(watched)
  clearInterval(sampled)
  for (const answer of stalled) answer.destroy()
  watched.stop()
  expect((peak - before) / MEBIBYTE).toBeLessThan(MAX_RISE_MEBIBYTES)
})

for (const query of ['', '&format=csv&gzip=1'])
  test(`a download that loses its store breaks off instead of ending as if it were whole: ${query || 'log'}`, async ({
    signedIn,
    portal,
  }) => {
    const who = await ownerOf(portal, signedIn)
    const answer = await openDownload({ ...who, path: `${BULK}${query}` })
    expect(answer.statusCode).toBe(200)
    portal.redis.process.kill('SIGSTOP')
    try {
      const chunks: Buffer[] = []
      const rest = (async () => {
        for await (const chunk of answer) chunks.push(chunk)
      })()
      await expect(rest).rejects.toThrow('aborted')
      if (query.includes('gzip'))
        expect(() => gunzipSync(Buffer.concat(chunks))).toThrow('unexpected end of file')
    } finally {
      portal.redis.process.kill('SIGCONT')
    }
    await until('the portal is well again', async () => (await fetch(`${portal.origin}/healthz`)).ok)
  })

/** Counts the reads of a collection's lines, as Redis itself is told them. */
async function watchReads(redis: Redis) {
  const commands: string[] = []
  const monitor = await redis.duplicate().monitor()
  monitor.on('monitor', (_time: string, args: string[]) => commands.push(args.slice(0, 4).join(' ')))
  return {
    all: () => commands,
    reads: () => commands.filter((text) => /^evalsha .*collid:1824/i.test(text)).length,
    stop: () => monitor.disconnect(),
  }
}

/** @returns how many reads there were when there had been none for a second. */
async function whenQuiet(watched: { reads: () => number }): Promise<number> {
  let seen = -1
  await until(
    'Redis is left alone',
    async () => {
      seen = watched.reads()
      await delay(1000)
      return watched.reads() === seen
    },
    { withinMs: 60_000 },
  )
  return seen
}
