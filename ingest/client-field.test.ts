import assert from 'node:assert/strict'
import { test } from 'node:test'
import { counts, type RunningIngest, runIngest, startIngest } from '../e2e/ingest.ts'
import { openStoreServer } from '../e2e/store-server.ts'

/** Lines with more than a visitor's address before the time, sent by the command as operators run it. */

const servers = openStoreServer()

function logLine(id: string, n: number): string {
  const second = String(n).padStart(2, '0')
  return `192.0.2.${n} - - [06/May/2013:09:54:${second} +0000] "GET /page/${n} HTTP/1.1" 200 ${n} "-" "agent" ${id}`
}

/** Resolves when the run has said so on standard error, and fails when it ends without. */
function said(run: RunningIngest, words: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = ''
    run.stderr.on('data', (chunk: Buffer) => {
      text += chunk
      if (text.includes(words)) resolve()
    })
    void run.done.then(() => reject(new Error(`ended without saying '${words}': ${text}`)))
  })
}

test('lines with a virtual host first are filed, ordered and counted like any others, and come back as they were', async () => {
  const { redis, server } = servers.current()
  const vhostLine = (n: number, ending: string, host = 'www.example.org:443') =>
    `${host} ${logLine('', n).replace(/ 200 .*$/, '')} ${ending}`
  const lines = [
    vhostLine(10, '200 5 "-" "agent" 51'),
    vhostLine(9, '404 5 "-" "agent" 51', '[::1]:443'),
    vhostLine(11, '503 - 51', 'example.org'),
    vhostLine(12, '200 (etc) 52'),
    vhostLine(13, '200 51'),
    vhostLine(14, '200 51 "-" "agent"'),
    vhostLine(8, '301 5 "-" "agent" 51').replace('- - [', '- "203.0.113.7, 10.0.0.1" ['),
  ]
  const args = ['--source', 'web1', '--format', 'vhost', '--json']
  const run = await runIngest(server.url, args, `${lines.join('\n')}\n`)
  assert.equal(run.exitCode, 0)
  assert.deepEqual(counts(run), { read: 7, stored: 5, duplicates: 0, rejected: 0, unassigned: 2 })
  const printed = await runIngest(server.url, ['print', '51'])
  assert.equal(printed.stdout, [6, 1, 0, 2].map((index) => `${lines[index]}\n`).join(''))
  assert.equal((await runIngest(server.url, ['print', '52'])).stdout, `${lines[3]}\n`)
  assert.deepEqual(await redis.hgetall('{logs:collid:51}:counts:20130506'), {
    hits: '4',
    's:2': '1',
    's:3': '1',
    's:4': '1',
    's:5': '1',
    'h:web1': '4',
  })
  assert.equal(await redis.hget('known:', 'hits:51'), '4')
})

test('the visitor’s field is kept for its source before the first line, by the options that say something about it', async () => {
  const { redis, server } = servers.current()
  await redis.del('ingest:client-fields')
  for (const [args, kept] of [
    ['--source web1', {}],
    ['--source web1 --client-field 3', { web1: '3' }],
    ['--source web1', { web1: '3' }],
    ['--source web1 --format auto', { web1: '3' }],
    ['--format vhost', { web1: '3', '': '2' }],
    ['--source web1 --format combined --client-field 1', { web1: '1', '': '2' }],
    ['--source web1 --format combined', { '': '2' }],
    ['--format clf', {}],
  ] as const) {
    assert.equal((await runIngest(server.url, args.split(' '))).exitCode, 0)
    assert.deepEqual({ ...(await redis.hgetall('ingest:client-fields')) }, kept, args)
  }
  const run = startIngest(server.url, ['--client-field', '4'])
  await said(run, 'field 4 before the time in lines without a source')
  assert.equal(await redis.hget('ingest:client-fields', ''), '4')
  run.stdin.end()
  assert.equal((await run.done).exitCode, 0)
})

test('a log sent again with another client field or format stores nothing twice', async () => {
  const { redis, server } = servers.current()
  const lines = Array.from(
    { length: 20 },
    (_, n) => `10.0.0.9 "203.0.113.7, 10.0.0.1" ${logLine('53', n % 15)}`,
  )
  const send = async (...args: string[]) =>
    counts(await runIngest(server.url, ['--source', 'web1', '--json', ...args], lines.join('\n')))
  assert.equal((await send()).stored, 20)
  const before = await redis.zrange('logs:collid:53', '0', '-1', 'WITHSCORES')
  for (const args of [
    ['--client-field', '2'],
    ['--client-field', '9'],
    ['--format', 'vhost'],
    ['--format', 'clf'],
  ])
    assert.deepEqual(
      await send(...args),
      { read: 20, stored: 0, duplicates: 20, rejected: 0, unassigned: 0 },
      args.join(' '),
    )
  assert.deepEqual(await redis.zrange('logs:collid:53', '0', '-1', 'WITHSCORES'), before)
})

test('a Redis that takes no writes is waited for with the client field, and the lines follow', async () => {
  const { redis, server } = servers.current()
  await redis.config('SET', 'maxmemory', '1')
  const run = startIngest(server.url, ['--source', 'web9', '--client-field', '2', '--json'])
  run.stdin.end(`${logLine('54', 1)}\n`)
  try {
    await said(run, 'Waiting; nothing is lost')
    assert.equal(await redis.hget('ingest:client-fields', 'web9'), null)
  } finally {
    await redis.config('SET', 'maxmemory', '0')
  }
  const end = await run.done
  assert.equal(end.exitCode, 0)
  assert.equal(counts(end).stored, 1)
  assert.equal(await redis.hget('ingest:client-fields', 'web9'), '2')
})

test('SIGTERM while Redis hangs before the first line ends it within five seconds, with exit code 3', async () => {
  const { redis, server } = servers.current()
  await redis.config('SET', 'maxmemory', '1')
  const run = startIngest(server.url, ['--client-field', '2', '--json'])
  try {
    await said(run, 'Waiting; nothing is lost')
    server.process.kill('SIGSTOP')
    const started = Date.now()
    run.signal('SIGTERM')
    const end = await run.done
    assert.ok(Date.now() - started < 5000, `${Date.now() - started} ms`)
    assert.equal(end.exitCode, 3)
    assert.match(end.stderr, /no line was read/)
  } finally {
    server.process.kill('SIGCONT')
    await redis.config('SET', 'maxmemory', '0')
  }
})

test('a key of the client fields that holds something else ends it with exit code 3, before a line is read', async () => {
  const { redis, server } = servers.current()
  await redis.set('ingest:client-fields', 'mine')
  try {
    const end = await runIngest(server.url, ['--client-field', '2'], `${logLine('55', 1)}\n`)
    assert.equal(end.exitCode, 3)
    assert.match(end.stderr, /WRONGTYPE/)
    assert.equal(await redis.exists('logs:collid:55'), 0)
    // Whoever says nothing about the field needs no such key.
    assert.equal((await runIngest(server.url, [], `${logLine('55', 1)}\n`)).exitCode, 0)
  } finally {
    await redis.del('ingest:client-fields')
  }
})
