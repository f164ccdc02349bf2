import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { linesWritten } from './demo/traffic.ts'
import { counts, runIngest } from './ingest.ts'
import { everyLine, hotLines } from './segments.ts'
import { openStoreServer } from './store-server.ts'

/**
 * Real access logs with known counts, in the folder that `REAL_LOGS` names: `web1.log` to `web3.log` and `expected.json`.
 * Run by `npm test -- --data FOLDER`; the name keeps it out of the tests that need nothing but the project.
 */

const folder = process.env.REAL_LOGS ?? ''
const servers = openStoreServer()
const SOURCES = ['web1', 'web2', 'web3']

interface Expected {
  lines: number
  withoutCollection: number
  perCollection: Record<string, number>
  perSource: Record<string, Record<string, number>>
}

const logOf = (source: string) => readFileSync(join(folder, `${source}.log`))
const expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as Expected

/** Lines as bytes, without their terminators. */
function linesOf(log: Buffer): string[] {
  return log.toString('latin1').split('\n').slice(0, -1)
}

test('each log is stored whole, collection by collection and server by server', async () => {
  const { redis, server } = servers.current()
  const sums = { read: 0, stored: 0, duplicates: 0, rejected: 0, unassigned: 0 }
  for (const source of SOURCES) {
    const run = await runIngest(server.url, ['--source', source, '--json'], logOf(source))
    assert.equal(run.exitCode, 0)
    for (const [name, value] of Object.entries(counts(run))) sums[name as keyof typeof sums] += value
  }
  const assigned = expected.lines - expected.withoutCollection
  assert.deepEqual(sums, {
    read: expected.lines,
    stored: assigned,
    duplicates: 0,
    rejected: 0,
    unassigned: expected.withoutCollection,
  })
  const known = await redis.hgetall('known:')
  assert.deepEqual(
    known,
    Object.fromEntries(
      Object.entries(expected.perCollection).map(([id, lines]) => [`hits:${id}`, String(lines)]),
    ),
  )
  for (const [source, collections] of Object.entries(expected.perSource))
    for (const [id, lines] of Object.entries(collections)) {
      const members = await redis.zrange(`logs:collid:${id}`, '0', '-1')
      assert.equal(
        members.filter((member) => new RegExp(`\t${source}(#[0-9]+)?$`).test(member)).length,
        lines,
      )
    }
})

test('the same logs again store nothing, in whatever pieces they come', async () => {
  const { redis, server } = servers.current()
  const before = await redis.zrange('logs:collid:1824', '0', '-1', 'WITHSCORES')
  for (const source of SOURCES) {
    const log = logOf(source)
    const half = log.indexOf(0x0a, log.length / 2) + 1
    for (const part of [log, log.subarray(half)]) {
      const { stored, duplicates, read, unassigned } = counts(
        await runIngest(server.url, ['--source', source, '--json'], part),
      )
      assert.equal(stored, 0)
      assert.equal(duplicates, (read ?? 0) - (unassigned ?? 0))
    }
  }
  assert.deepEqual(await redis.zrange('logs:collid:1824', '0', '-1', 'WITHSCORES'), before)
})

test('what stands in the store is the input, byte for byte, as redis-cli and cut show it', async () => {
  const { server } = servers.current()
  const folderOfOwn = await mkdtemp(join(tmpdir(), 'portal-real-'))
  const input = SOURCES.flatMap((source) => linesOf(logOf(source)))
  for (const id of Object.keys(expected.perCollection)) {
    const file = join(folderOfOwn, 'input')
    const own = input.filter((line) => line.endsWith(` ${id}`))
    writeFileSync(file, Buffer.from(own.map((line) => `${line}\n`).join(''), 'latin1'))
    const sorted = execFileSync('sort', [file], { env: { ...process.env, LC_ALL: 'C' } })
    const stored = execFileSync('sh', [
      '-c',
      `redis-cli -p ${server.port} --raw ZRANGE logs:collid:${id} 0 -1 | cut -f1 | LC_ALL=C sort`,
    ])
    assert.ok(stored.equals(sorted), id)
    const printed = await runIngest(server.url, ['print', id])
    assert.equal(printed.stdout.split('\n').length - 1, own.length)
  }
  await rm(folderOfOwn, { recursive: true })
})

test('a log generated anew agrees with what awk counts in it', async () => {
  const { redis, server } = servers.current()
  await redis.flushall()
  const start = Math.floor(Date.now() / 1000) - 40_000
  const log = Buffer.concat(
    Array.from({ length: 30_000 }, (_, second) => linesWritten('web1', start + second)).flatMap((lines) =>
      lines.flatMap((line) => [Buffer.from(line), Buffer.from('\n')]),
    ),
  )
  const awk = execFileSync('awk', ['$NF ~ /^[1-9][0-9]*$/ {n[$NF]++} END {for (id in n) print id, n[id]}'], {
    input: log,
  })
  const counted = Object.fromEntries(
    awk
      .toString()
      .trim()
      .split('\n')
      .map((row) => row.split(' '))
      .map(([id, lines]) => [`hits:${id}`, lines]),
  )
  const run = await runIngest(server.url, ['--source', 'web1', '--json'], log)
  assert.equal(run.exitCode, 0)
  assert.ok((counts(run).stored ?? 0) > 5000)
  assert.deepEqual(await redis.hgetall('known:'), counted)
})

test('backfilled twice and then sent through a pipe, the logs are there once, in segments, as they were counted', async () => {
  const { redis, server } = servers.current()
  await redis.flushall()
  const assigned = expected.lines - expected.withoutCollection
  const files = SOURCES.map((source) => `${source}=${join(folder, `${source}.log`)}`)
  const expectWhole = async () => {
    const known = await redis.hgetall('known:')
    for (const [id, lines] of Object.entries(expected.perCollection)) {
      assert.equal(known[`hits:${id}`], String(lines))
      const members = (await everyLine(redis, id)).map(([, member]) => member)
      assert.equal(members.length, lines)
      for (const source of SOURCES)
        assert.equal(
          members.filter((member) => new RegExp(`\t${source}(#[0-9]+)?$`).test(member)).length,
          expected.perSource[source]?.[id],
        )
      assert.deepEqual(await hotLines(redis, id), [])
    }
  }
  for (const stored of [assigned, 0]) {
    const run = await runIngest(server.url, ['backfill', '--json', ...files])
    assert.equal(run.exitCode, 0)
    assert.deepEqual(counts(run), {
      read: expected.lines,
      stored,
      duplicates: assigned - stored,
      rejected: 0,
      unassigned: expected.withoutCollection,
    })
    await expectWhole()
  }
  for (const source of SOURCES) {
    const run = counts(await runIngest(server.url, ['--source', source, '--json'], logOf(source)))
    assert.deepEqual([run.stored, run.duplicates], [0, (run.read ?? 0) - (run.unassigned ?? 0)])
  }
  await expectWhole()
})
