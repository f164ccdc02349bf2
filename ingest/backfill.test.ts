import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import type { Redis } from 'ioredis'
import { connectRedis, whenReady } from '#lib/store/redis.ts'
import { type RedisServerOptions, startRedisServer } from '../e2e/demo/redis-server.ts'
import { collectStderr, counts, runIngest, startIngest } from '../e2e/ingest.ts'
import { randomFrom } from '../e2e/random-from.ts'
import { everyLine, hotLines, sealedLines } from '../e2e/segments.ts'
import { openStoreServer } from '../e2e/store-server.ts'
import { until } from '../e2e/waiting.ts'

/** The command as operators run it: a process that is given files, against a real Redis and real faults. */

const servers = openStoreServer()
const folder = mkdtempSync(join(tmpdir(), 'portal-backfill-'))
after(() => rmSync(folder, { recursive: true }))
const WAIT_MS = 30_000
const IDS = ['11', '12', '1824']
const START_SECOND = Date.UTC(2013, 4, 6, 22) / 1000

function place(name: string, bytes: Buffer | string): string {
  const path = join(folder, name)
  writeFileSync(path, bytes)
  return path
}

/** A Redis of the test's own. */
async function startOwn(context: TestContext, options: RedisServerOptions = {}) {
  const server = await startRedisServer(options)
  const redis = connectRedis({ url: server.url })
  context.after(async () => {
    redis.disconnect()
    await server.stop()
  })
  assert.ok(await whenReady(redis, WAIT_MS))
  return { server, redis }
}

const inStore = ({ stored = 0, duplicates = 0 }: Record<string, number>) => stored + duplicates

const stampOf = (second: number) => {
  const [day, time] = new Date(second * 1000).toISOString().split('T')
  const [year, , date] = (day ?? '').split('-')
  return `${date}/May/${year}:${time?.slice(0, 8)} +0000`
}

/**
 * Five hours of one server's log: over midnight, up to 3 s out of order, now and then hours late, with lines repeated byte
 * for byte, without an id, and without a time that exists.
 */
function logOf(source: string, lines: number): string[] {
  const random = randomFrom(source.charCodeAt(source.length - 1))
  const log: string[] = []
  while (log.length < lines) {
    const written = START_SECOND + Math.floor((log.length / lines) * 18_000)
    const late = random() < 0.002 ? 7200 : Math.floor(random() * 4)
    const id = random() < 0.01 ? '' : ` ${IDS[Math.floor(random() * IDS.length)]}`
    const stamp = random() < 0.003 ? '31/Feb/2013:00:00:00 +0000' : stampOf(written - late)
    const agent = random() < 0.2 ? 'a'.repeat(Math.floor(random() * 400)) : 'a'
    const request = `"GET /${Math.floor(random() * 9)} HTTP/1.1" ${random() < 0.1 ? 404 : 200} 5`
    const line = `192.0.2.${Math.floor(random() * 9)} - - [${stamp}] ${request} "-" "${agent}"${id}`
    for (let n = random() < 0.05 ? 3 : 1; n > 0; n--) log.push(line)
  }
  return log
}

const textOf = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join('')

/** Everything that is stored for the collections, wherever its lines stand. */
async function stored(redis: Redis) {
  const known = await redis.hgetall('known:')
  const of = async (id: string) => {
    const tagged = `{logs:collid:${id}}`
    const { index: _, ...all } = await redis.hgetall(`${tagged}:counts`)
    return {
      lines: await everyLine(redis, id),
      all,
      days: await Promise.all(
        ['20130506', '20130507'].map((day) => redis.hgetall(`${tagged}:counts:${day}`)),
      ),
      sources: await redis.hgetall(`${tagged}:sources`),
    }
  }
  return { known, collections: await Promise.all(IDS.map(of)) }
}

test('backfill stores what reading stores, line by line and count by count, in segments alone', async (context) => {
  const { redis, server } = servers.current()
  const piped = await startOwn(context)
  const logs = new Map(['web1', 'web2'].map((source) => [source, logOf(source, 12_000)]))
  const files: string[] = []
  const sums: Record<string, number> = {}
  for (const [source, log] of logs) {
    const run = await runIngest(piped.server.url, ['--source', source, '--json'], textOf(log))
    for (const [name, count] of Object.entries(counts(run)))
      if (name !== 'reasons') sums[name] = (sums[name] ?? 0) + count
    // As rotation leaves a log behind, and given in no order.
    place(`${source}.log`, textOf(log.slice(9000)))
    place(`${source}.log.1`, textOf(log.slice(5000, 9000)))
    place(`${source}.log.2.gz`, gzipSync(textOf(log.slice(20, 5000))))
    place(`${source}.log.3.zst`, zstdCompressSync(textOf(log.slice(0, 20))))
    files.push(`${source}=${join(folder, `${source}.log`)}`, join(folder, `${source}.log.*`))
  }
  const run = await runIngest(server.url, ['backfill', '--json', ...files])
  const { reasons, ...summary } = JSON.parse(run.stdout)
  assert.deepEqual(summary, sums)
  assert.deepEqual(reasons, { 'no readable time': summary.rejected })
  assert.equal(run.exitCode, 1, 'some lines were rejected')
  const expected = await stored(piped.redis)
  assert.deepEqual(await stored(redis), expected)
  for (const id of IDS) assert.deepEqual(await hotLines(redis, id), [])

  const again = counts(await runIngest(server.url, ['backfill', '--json', ...files]))
  assert.deepEqual([again.read, again.stored], [summary.read, 0])
  const [first] = logs.values()
  const pipe = counts(await runIngest(server.url, ['--source', 'web1', '--json'], textOf(first ?? [])))
  assert.equal(pipe.stored, 0)
  assert.deepEqual(await stored(redis), expected, 'sent again either way it changes nothing')
})

test('lines that stand hot are found by backfill, and stay where they are', async () => {
  const { redis, server } = servers.current()
  await redis.flushall()
  const log = logOf('web3', 3000)
  await runIngest(server.url, ['--source', 'web3'], textOf(log.slice(0, 1000)))
  const hot = await Promise.all(IDS.map((id) => hotLines(redis, id)))
  const path = place('hot.log', textOf(log))
  const run = counts(await runIngest(server.url, ['backfill', '--json', `web3=${path}`]))
  assert.deepEqual(await Promise.all(IDS.map((id) => hotLines(redis, id))), hot)
  assert.equal(run.duplicates, hot.flat().length)
  const all = await Promise.all(IDS.map((id) => everyLine(redis, id)))
  assert.equal(all.flat().length, (run.stored ?? 0) + (run.duplicates ?? 0))
})

test('a file that breaks off is taken as far as it goes and named, the others are read, and it ends with 3', async (context) => {
  const { redis, server } = servers.current()
  await redis.flushall()
  const log = logOf('web4', 4000)
  const whole = gzipSync(textOf(log.slice(0, 3000)))
  const broken = place('broken.gz', whole.subarray(0, whole.length / 2))
  const plain = place('after.log', textOf(log.slice(3000)).slice(0, -1))
  const run = await runIngest(server.url, ['backfill', '--json', `web4=${plain}`, broken])
  assert.equal(run.exitCode, 3)
  assert.match(
    run.stderr,
    /broken\.gz: unexpected end of file\. What came before is taken; the line that was cut/,
  )
  assert.match(run.stderr, /after\.log: its last line has no end; it is taken as it stands/)
  const { read = 0, stored: storedLines } = counts(run)
  assert.ok(read > 2000 && read < 4000, `${read} lines read`)
  // What was read is the log's beginning and its end: no half line passes for another.
  const { server: other } = await startOwn(context)
  const input = textOf([...log.slice(0, read - 1000), ...log.slice(3000)])
  const piped = counts(await runIngest(other.url, ['--source', 'web4', '--json'], input))
  assert.deepEqual([piped.read, piped.stored], [read, storedLines])
})

test('a wrong file or argument is named, and nothing is read or stored', async () => {
  const { redis, server } = servers.current()
  await redis.flushall()
  const path = place('good.log', textOf(logOf('web5', 10)))
  for (const [args, words] of [
    [[path], /whose log is it\? Give it as web1=/],
    [[`web1=${path}`, `web2=${path}x`], /There is no file .*good\.logx/],
  ] as const) {
    const run = await runIngest(server.url, ['backfill', ...args])
    assert.equal(run.exitCode, 2, args.join(' '))
    assert.equal(run.stdout, '')
    assert.match(run.stderr, words)
  }
  assert.deepEqual(await redis.keys('*'), [])
})

test('one collection whose key holds something else has its lines rejected, the others are stored', async () => {
  const { redis, server } = servers.current()
  await redis.flushall()
  await redis.set('{logs:collid:11}:segments', 'x')
  const path = place('type.log', textOf(logOf('web6', 3000)))
  const run = await runIngest(server.url, ['backfill', '--json', `web6=${path}`])
  assert.equal(run.exitCode, 1)
  const { reasons, read, ...parts } = JSON.parse(run.stdout)
  const reason = Object.keys(reasons).find((text) => /\{logs:collid:11\}:segments|WRONGTYPE/.test(text))
  assert.ok(reason && reasons[reason] > 500, run.stdout)
  assert.equal(parts.stored + parts.duplicates + parts.rejected + parts.unassigned, read)
  assert.ok((await sealedLines(redis, '12')).length > 500)
  assert.equal(await redis.get('{logs:collid:11}:segments'), 'x')
})

test('when the store fails for good, what was answered is counted, and the rest as not stored', async (context) => {
  const { redis, server } = await startOwn(context)
  // A number that is none: the script that counts fails, which no waiting mends.
  await redis.hset('{logs:collid:12}:counts', 'hits', 'x')
  const log = logOf('web6', 3000)
  const run = await runIngest(server.url, ['backfill', '--json', `web6=${place('fails.log', textOf(log))}`])
  assert.equal(run.exitCode, 3)
  const { reasons: _, read, ...parts } = JSON.parse(run.stdout)
  assert.equal(parts.stored + parts.duplicates + parts.rejected + parts.unassigned, read)
  const lost = Number(/(\d+) lines were read but not stored\./.exec(run.stderr)?.[1])
  assert.equal(read + lost, log.length)
  assert.ok(parts.stored > 500 && lost > 500, `${run.stdout}${run.stderr}`)
  const held = await Promise.all(['11', '1824'].map((id) => everyLine(redis, id)))
  assert.equal(parts.stored, held.flat().length)
})

test('lines below what retention keeps are rejected with that reason', async () => {
  const { redis, server } = servers.current()
  await redis.flushall()
  const floor = START_SECOND + 9000
  await redis.set('{logs:collid:12}:floor', floor)
  const path = place('floor.log', textOf(logOf('web7', 3000)))
  const run = await runIngest(server.url, ['backfill', '--json', `web7=${path}`])
  const { reasons, read, ...parts } = JSON.parse(run.stdout)
  assert.ok(reasons['below retention'] > 300, run.stdout)
  assert.equal(parts.stored + parts.duplicates + parts.rejected + parts.unassigned, read)
  assert.ok((await sealedLines(redis, '12')).every(([micros]) => micros >= floor * 1e6))
  const rejects = await redis.xrange('ingest:rejects', '-', '+')
  const below = rejects.find(([, fields]) => fields[3] === 'below retention')
  assert.equal(below?.[1][1], 'web7')
  assert.match(below?.[1][7] ?? '', /^192\.0\.2.* 12$/)
})

/** A log that takes a while. */
const longLog = place('long.log', textOf(logOf('web8', 150_000)))

test('a Redis that dies meanwhile is waited for, and every line is stored once', async (context) => {
  const whole = await startOwn(context)
  const wanted = counts(await runIngest(whole.server.url, ['backfill', '--json', `web8=${longLog}`]))
  const directory = await mkdtemp(join(tmpdir(), 'portal-redis-'))
  const persisting = { directory, persist: true, directives: { appendfsync: 'always' } }
  const first = await startOwn(context, persisting)
  const run = startIngest(first.server.url, ['backfill', '--json', `web8=${longLog}`])
  const stderr = collectStderr(run)
  await until(
    'a segment is stored',
    async () => (await first.redis.exists('{logs:collid:11}:segments')) === 1,
  )
  first.redis.disconnect()
  first.server.process.kill('SIGKILL')
  await first.server.stop()
  await until('it says that it waits', () => stderr().includes('Waiting; nothing is lost'))
  const second = await startOwn(context, { ...persisting, port: first.server.port })
  const end = await run.done
  assert.equal(end.exitCode, 1)
  assert.match(stderr(), /takes lines again/)
  const summary = counts(end)
  assert.equal(summary.read, wanted.read)
  assert.equal(inStore(summary), inStore(wanted))
  assert.deepEqual(await stored(second.redis), await stored(whole.redis))
})

test('a Redis that is full is waited for', async () => {
  const { redis, server } = servers.current()
  await redis.flushall()
  await redis.config('SET', 'maxmemory', '1')
  const path = place('full.log', textOf(logOf('web9', 500)))
  const run = startIngest(server.url, ['backfill', '--json', `web9=${path}`])
  const stderr = collectStderr(run)
  await until('it says that it waits', () => stderr().includes('Waiting; nothing is lost'))
  await redis.config('SET', 'maxmemory', '0')
  const end = await run.done
  assert.equal(
    counts(end).read,
    (counts(end).stored ?? 0) + (counts(end).rejected ?? 0) + (counts(end).unassigned ?? 0),
  )
})

test('SIGTERM stores what was read, within five seconds, and the rest goes in when it is given again', async () => {
  const { redis, server } = servers.current()
  await redis.flushall()
  const run = startIngest(server.url, ['backfill', '--json', `web8=${longLog}`])
  await until('a segment is stored', async () => (await redis.exists('{logs:collid:11}:segments')) === 1)
  const stopped = Date.now()
  run.signal('SIGTERM')
  const end = await run.done
  assert.ok(Date.now() - stopped < 5000)
  const part = counts(end)
  assert.ok((part.read ?? 0) > 0 && (part.read ?? 0) < 150_000, `${part.read} lines read`)
  assert.equal(end.exitCode, 3, 'whoever deletes the files after it has to see that they were not read whole')
  assert.match(end.stderr, /Stopped when \d+ of \d+ bytes were read\./)
  const held = async () => (await Promise.all(IDS.map((id) => everyLine(redis, id)))).flat().length
  assert.equal(await held(), part.stored)
  assert.equal(await redis.hget('known:', 'hits:11'), await redis.hget('{logs:collid:11}:counts', 'hits'))
  const rest = counts(await runIngest(server.url, ['backfill', '--json', `web8=${longLog}`]))
  assert.ok((rest.duplicates ?? 0) >= (part.stored ?? 0))
  assert.equal(rest.read, 150_000)
  assert.equal(await held(), (part.stored ?? 0) + (rest.stored ?? 0))
})

test('SIGTERM while Redis hangs ends it within five seconds, with 3, and says what was not stored', async (context) => {
  const { server, redis } = await startOwn(context)
  const run = startIngest(server.url, ['backfill', '--json', `web8=${longLog}`])
  await until('a segment is stored', async () => (await redis.exists('{logs:collid:11}:segments')) === 1)
  server.process.kill('SIGSTOP')
  const stopped = Date.now()
  run.signal('SIGTERM')
  const end = await run.done
  assert.ok(Date.now() - stopped < 5000, `${Date.now() - stopped} ms`)
  assert.equal(end.exitCode, 3)
  assert.match(end.stderr, /lines were read but not stored/)
})
