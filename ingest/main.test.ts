import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { startRedisServer } from '../e2e/demo/redis-server.ts'
import { collectStderr, counts, runIngest, startIngest } from '../e2e/ingest.ts'
import { openStoreServer } from '../e2e/store-server.ts'
import { until } from '../e2e/waiting.ts'
import { PROJECT_ROOT } from '../lib/build.ts'

/** The command as operators run it: a process with pipes, against a real Redis and real faults. */

const servers = openStoreServer()
const SAMPLE = '99.32.443.66 - [06/May/2013:09:54:52 -0400] "GET /index.php HTTP/1.1" 200 (etc) 1824'

function logLine(id: string, n: number, second = n % 60): string {
  const ss = String(second).padStart(2, '0')
  return `192.0.2.${n % 250} - - [06/May/2013:09:54:${ss} +0000] "GET /page/${n} HTTP/1.1" 200 ${n} "-" "agent" ${id}`
}

test('the sample line of the original lands in its collection with its own second as score', async () => {
  const { redis, server } = servers.current()
  const run = await runIngest(server.url, ['--json'], `${SAMPLE}\n${SAMPLE.replace('(etc) 1824', '2326')}\n`)
  assert.equal(run.exitCode, 0)
  assert.equal(
    run.stdout,
    '{"read":2,"stored":1,"duplicates":0,"rejected":0,"unassigned":1}\n',
    'one object on one line',
  )
  assert.deepEqual(await redis.zrange('logs:collid:1824', '0', '-1', 'WITHSCORES'), [SAMPLE, '1367848492'])
  assert.equal(await redis.hget('known:', 'hits:1824'), '1', 'the projections are up to date when it exits')
  assert.equal(await redis.exists('logs:collid:2326'), 0)
})

test('bytes come back as they were, and a CR right before LF belongs to the terminator', async () => {
  const { server } = servers.current()
  const odd = Buffer.concat([
    Buffer.from('192.0.2.1 - - [06/May/2013:09:54:52 +0000] "GET /'),
    Buffer.from([0xff, 0x00, 0x09, 0x0d, 0xc3, 0x28]),
    Buffer.from(' HTTP/1.1" 200 5 "-" "a" 41'),
  ])
  const plain = Buffer.from(logLine('41', 1, 53))
  const last = Buffer.from(logLine('41', 2, 54))
  const input = Buffer.concat([odd, Buffer.from('\n'), plain, Buffer.from('\r\n'), last])
  assert.equal((await runIngest(server.url, ['--source', 'web1'], input)).exitCode, 0)
  const printed = await runIngest(server.url, ['print', '41'])
  assert.equal(
    printed.stdout,
    Buffer.concat([odd, plain, last].flatMap((line) => [line, Buffer.from('\n')])).toString(),
  )
})

test('print takes a window and gives what stands in it, oldest first', async () => {
  const { server } = servers.current()
  const lines = Array.from({ length: 30 }, (_, n) => logLine('42', n))
  await runIngest(server.url, [], lines.toReversed().join('\n'))
  const window = ['--from', '2013-05-06T09:54:10Z', '--to', '2013-05-06T09:54:12Z']
  const run = await runIngest(server.url, ['print', '42', ...window])
  assert.equal(run.stdout, `${lines[10]}\n${lines[11]}\n`)
  const print = async (...options: string[]) =>
    (await runIngest(server.url, ['print', '42', ...options])).stdout
  assert.equal(await print('--from', '2013-05-06 09:54:10 - 09:54:12'), run.stdout)
  assert.equal(await print('--to', '[06/May/2013:09:54:02 +0000]'), `${lines[0]}\n${lines[1]}\n`)
  const wrong = await runIngest(server.url, ['print', '42', '--from', 'soon'])
  assert.deepEqual([wrong.exitCode, wrong.stdout], [2, ''])
  assert.match(wrong.stderr, /from=soon: takes a moment/)
})

test('a log sent again in other pieces stores nothing and changes nothing', async () => {
  const { redis, server } = servers.current()
  const lines = Array.from({ length: 5000 }, (_, n) => logLine('43', n % 4000))
  const text = `${lines.join('\n')}\n`
  const first = counts(await runIngest(server.url, ['--source', 'web1', '--json'], text))
  assert.deepEqual(first, { read: 5000, stored: 5000, duplicates: 0, rejected: 0, unassigned: 0 })
  const before = await redis.zrange('logs:collid:43', '0', '-1', 'WITHSCORES')
  const pieces = Array.from({ length: Math.ceil(text.length / 777) }, (_, i) =>
    text.slice(i * 777, (i + 1) * 777),
  )
  const second = counts(await runIngest(server.url, ['--source', 'web1', '--json'], pieces))
  assert.deepEqual(second, { read: 5000, stored: 0, duplicates: 5000, rejected: 0, unassigned: 0 })
  assert.deepEqual(await redis.zrange('logs:collid:43', '0', '-1', 'WITHSCORES'), before)
  assert.equal(await redis.hget('{logs:collid:43}:counts', 'hits'), '5000')
})

test('what is rejected is counted by its reason, kept, and makes the exit code 1', async () => {
  const { redis, server } = servers.current()
  await redis.del('ingest:rejects')
  const input = [
    logLine('44', 1),
    logLine('44', 2).replace('06/May/2013', '31/Feb/2013'),
    logLine('44', 3).replace('06/May/2013', '06/May/2099'),
    `${'x'.repeat(2 * 1024 * 1024)}`,
    logLine('44', 4),
    '',
  ].join('\n')
  const run = await runIngest(server.url, ['--source', 'web1', '--json'], input)
  assert.equal(run.exitCode, 1)
  const { reasons, ...sums } = JSON.parse(run.stdout)
  assert.deepEqual(sums, { read: 5, stored: 2, duplicates: 0, rejected: 3, unassigned: 0 })
  assert.deepEqual(reasons, {
    'no readable time': 1,
    'dated more than a day ahead': 1,
    'longer than 1048576 bytes': 1,
  })
  const kept = await redis.xrange('ingest:rejects', '-', '+')
  assert.deepEqual(
    kept.map(([, fields]) => [fields[1], fields[3], fields[5]]),
    [
      ['web1', 'no readable time', String(logLine('44', 2).length)],
      ['web1', 'dated more than a day ahead', String(logLine('44', 3).length)],
      ['web1', 'longer than 1048576 bytes', String(2 * 1024 * 1024)],
    ],
  )
})

test('a wrong argument is named with what is accepted, and nothing is read', async () => {
  const { server } = servers.current()
  for (const [args, words] of [
    [['--source', 'web/1'], /--source 'web\/1': takes 1 to 32/],
    [['--format', 'xml'], /--format 'xml': this version takes auto, clf, combined, vhost/],
    [['--client-field', '0'], /--client-field '0': takes a number from 1 to 9/],
    [['--format', 'vhost', '--client-field', '3'], /--client-field 3 and --format vhost/],
    [['--wait', 'long'], /--wait 'long'/],
    [['follow', 'a=b'], /Unknown verb 'follow'/],
    [['print', '0042'], /print takes one collection id/],
    [['--colour'], /--colour/],
  ] as const) {
    const run = await runIngest(server.url, [...args])
    assert.equal(run.exitCode, 2, args.join(' '))
    assert.equal(run.stdout, '')
    assert.match(run.stderr, words)
  }
})

test('a result that cannot be written is said and is exit code 3; a reader that wants no more is no fault', async () => {
  const { server } = servers.current()
  await runIngest(server.url, [], logLine('43', 1))
  const shell = (command: string) => {
    const ingest = `"${process.execPath}" "${join(PROJECT_ROOT, 'ingest/main.ts')}"`
    const env = { ...process.env, REDIS_URL: server.url }
    return spawnSync('bash', ['-o', 'pipefail', '-c', command.replace('ingest', ingest)], { env, input: '' })
  }
  for (const command of [
    'ingest --help > /dev/full',
    'ingest --json > /dev/full',
    'ingest print 43 > /dev/full',
  ]) {
    const { status, stderr } = shell(command)
    assert.equal(status, 3, command)
    assert.match(stderr.toString(), /Standard output cannot be written: ENOSPC/, command)
  }
  for (const command of ['ingest --help | true', 'ingest print 43 | head -1'])
    assert.equal(shell(command).status, 0, command)
})

test('a Redis that is not there is exit code 3 after --wait seconds, named', async () => {
  const run = await runIngest('redis://127.0.0.1:1', ['--wait', '1'], SAMPLE)
  assert.equal(run.exitCode, 3)
  assert.match(run.stderr, /redis:\/\/127\.0\.0\.1:1 .*did not answer within 1 s/)
})

test('a missing or wrong password and an evicting policy are exit code 3 at once', async () => {
  const guarded = await startRedisServer({ password: 'right' })
  const evicting = await startRedisServer({ directives: { 'maxmemory-policy': 'allkeys-lru' } })
  try {
    for (const [url, words] of [
      [`redis://127.0.0.1:${guarded.port}`, /NOAUTH/],
      [`redis://:wrong@127.0.0.1:${guarded.port}`, /WRONGPASS/],
      [evicting.url, /maxmemory-policy is allkeys-lru.*noeviction/],
    ] as const) {
      const run = await runIngest(url, ['--wait', '600'], SAMPLE)
      assert.equal(run.exitCode, 3)
      assert.match(run.stderr, words)
      assert.doesNotMatch(run.stderr, /wrong@/)
    }
    assert.equal((await runIngest(guarded.url, [], SAMPLE)).exitCode, 0)
  } finally {
    await guarded.stop()
    await evicting.stop()
  }
})

test('a Redis that dies while lines come is waited for, and every line is stored once', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'portal-redis-'))
  const first = await startRedisServer({ directory, persist: true, directives: { appendfsync: 'always' } })
  const run = startIngest(first.url, ['--source', 'web1', '--json'])
  const stderr = collectStderr(run)
  const total = 40_000
  let sent = 0
  const sendUpTo = async (end: number) => {
    for (; sent < end; sent++)
      if (!run.stdin.write(`${logLine('45', sent)}\n`)) await once(run.stdin, 'drain')
  }
  await sendUpTo(total / 2)
  first.process.kill('SIGKILL')
  await first.stop()
  run.stdin.write(`${logLine('45', sent++)}\n`)
  await until('it says that it waits', () => stderr().includes('Waiting; nothing is lost'))
  const second = await startRedisServer({ directory, port: first.port, persist: true })
  await until('it says that it goes on', () => stderr().includes('takes lines again'))
  await sendUpTo(total)
  run.stdin.end()
  const end = await run.done
  const summary = counts(end)
  assert.equal(end.exitCode, 0)
  // Lines whose answer was lost stood already when they were sent again.
  assert.equal(summary.read, total)
  assert.equal((summary.stored ?? 0) + (summary.duplicates ?? 0), total)
  const printed = await runIngest(second.url, ['print', '45'])
  assert.equal(printed.stdout.split('\n').length - 1, total)
  assert.equal(new Set(printed.stdout.split('\n')).size - 1, total)
  await second.stop()
})

test('a Redis that is full or read-only is waited for', async () => {
  const { redis, server } = servers.current()
  for (const [fault, mend] of [
    [() => redis.config('SET', 'maxmemory', '1'), () => redis.config('SET', 'maxmemory', '0')],
    [() => redis.replicaof('127.0.0.1', '1'), () => redis.replicaof('NO', 'ONE')],
  ] as const) {
    const run = startIngest(server.url, ['--source', 'web1', '--json'])
    const stderr = collectStderr(run)
    run.stdin.write(`${logLine('46', 1)}\n`)
    await until('the first line is stored', async () => (await redis.zcard('logs:collid:46')) > 0)
    await fault()
    run.stdin.end(`${logLine('46', 2)}\n`)
    await until('it says that it waits', () => stderr().includes('Waiting; nothing is lost'))
    await mend()
    const end = await run.done
    assert.equal(end.exitCode, 0)
    assert.deepEqual(counts(end).read, 2)
    assert.equal(await redis.zcard('logs:collid:46'), 2)
    await redis.del('logs:collid:46', '{logs:collid:46}:counts', '{logs:collid:46}:sources')
  }
})

test('while Redis hangs, no more is read than memory is meant to hold', async () => {
  const { redis, server } = servers.current()
  const run = startIngest(server.url, ['--source', 'web1', '--json'])
  run.stdin.write(`${logLine('47', 0)}\n`)
  await until('the first line is stored', async () => (await redis.zcard('logs:collid:47')) === 1)
  server.process.kill('SIGSTOP')
  let sent = 1
  let blocked = false
  const total = 400_000
  while (sent < total && !blocked) {
    if (run.stdin.write(`${logLine('47', sent++)}\n`)) continue
    // Nothing is taken any more when a whole second passes without the pipe emptying.
    blocked = await Promise.race([once(run.stdin, 'drain').then(() => false), delay(1000, true)])
  }
  assert.ok(blocked, `all ${total} lines were taken while Redis hung`)
  assert.ok(sent < 150_000, `${sent} lines taken`)
  server.process.kill('SIGCONT')
  run.stdin.end()
  const end = await run.done
  assert.equal(counts(end).stored, sent)
  assert.equal(await redis.zcard('logs:collid:47'), sent)
})

test('SIGTERM stores what was read and ends within five seconds, with its input still open', async () => {
  const { redis, server } = servers.current()
  const run = startIngest(server.url, ['--source', 'web1', '--json'])
  run.stdin.write(`${logLine('48', 1)}\n`)
  await until('the first line is stored', async () => (await redis.zcard('logs:collid:48')) === 1)
  run.stdin.write(`${logLine('48', 2)}\nan unfinished li`)
  run.signal('SIGTERM')
  const started = Date.now()
  const end = await run.done
  assert.ok(Date.now() - started < 5000)
  assert.equal(end.exitCode, 0)
  const summary = counts(end)
  assert.equal(summary.read, summary.stored)
  assert.equal(await redis.hget('known:', 'hits:48'), String(summary.stored))
})

test('SIGTERM while Redis hangs says how many lines were not stored, and is exit code 3', async () => {
  const { redis, server } = servers.current()
  const run = startIngest(server.url, ['--source', 'web1', '--json'])
  run.stdin.write(`${logLine('49', 1)}\n`)
  await until('the first line is stored', async () => (await redis.zcard('logs:collid:49')) === 1)
  server.process.kill('SIGSTOP')
  // More than a pipe holds: once it is written, some of it has been read.
  const lines = Array.from({ length: 4000 }, (_, n) => `${logLine('49', n + 2)}\n`)
  await new Promise((resolve) => run.stdin.write(lines.join(''), resolve))
  run.signal('SIGTERM')
  const started = Date.now()
  const end = await run.done
  server.process.kill('SIGCONT')
  assert.ok(Date.now() - started < 5000, `${Date.now() - started} ms`)
  assert.equal(end.exitCode, 3)
  assert.match(end.stderr, /[1-9][0-9]* lines were read but not stored/)
  assert.equal(counts(end).read, 1)
})

test('SIGTERM while it still tries to reach Redis ends it', async () => {
  const run = startIngest('redis://127.0.0.1:1', ['--wait', '600'])
  const stderr = collectStderr(run)
  await until('it tries', () => stderr().includes('Redis at'))
  const started = Date.now()
  run.signal('SIGTERM')
  const end = await run.done
  assert.ok(Date.now() - started < 5000)
  assert.equal(end.exitCode, 3)
})

test('what no waiting mends ends it at once, although the log stays open, and the summary is told', async () => {
  const { redis, server } = servers.current()
  await redis.del('ingest:dirty')
  await redis.set('ingest:dirty', 'mine')
  try {
    const run = startIngest(server.url, ['--json'])
    run.stdin.write(`${logLine('50', 1)}\n`)
    const end = await run.done
    assert.equal(end.exitCode, 3)
    assert.equal(end.stdout.trim().split('\n').length, 1)
    assert.match(end.stderr, /WRONGTYPE/)
    assert.doesNotMatch(end.stderr, /GET \/page/)
  } finally {
    await redis.del('ingest:dirty')
  }
})
