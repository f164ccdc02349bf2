import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { openStoreServer, packLines, readGrant, store } from '../../e2e/store-server.ts'
import { EVERYTHING } from '../store/reading.ts'
import { type DownloadEnd, downloadStream } from './download-stream.ts'

const servers = openStoreServer()
const AT = 1_773_000_000_000_000
const LINES = 3_000

async function open(name: 'log' | 'csv', gzip = false) {
  const ends: DownloadEnd[] = []
  const body = await downloadStream(servers.current().redis, readGrant('1'), {
    window: EVERYTHING,
    format: { name, gzip },
    zone: 'UTC',
    clientFields: new Map(),
    onEnd: (end) => ends.push(end),
  })
  return { body, ends }
}

async function fill(): Promise<void> {
  const lines = Array.from({ length: LINES }, (_, n) => ({ line: `line ${n}`, micros: AT + n * 1_000_000 }))
  await store(servers.current().redis, packLines('1', 'web1', lines))
}

test('at its end a download tells its lines and the bytes of the file, once', async () => {
  await fill()
  for (const [name, gzip] of [
    ['log', false],
    ['csv', false],
    ['log', true],
    ['csv', true],
  ] as const) {
    const { body, ends } = await open(name, gzip)
    const file = Buffer.from(await new Response(body).arrayBuffer())
    assert.deepEqual(ends, [{ lines: LINES, bytes: file.length, isWhole: true }])
    const text = (gzip ? gunzipSync(file) : file).toString()
    assert.equal(text.split('\n').length - 1, LINES + (name === 'csv' ? 1 : 0))
  }
})

test('a reader that goes away leaves what was handed out until then, and that it is not whole', async () => {
  await fill()
  const { body, ends } = await open('log')
  const reader = body.getReader()
  const { value } = await reader.read()
  assert.deepEqual(ends, [])
  await reader.cancel()
  const lines =
    Buffer.from(value ?? '')
      .toString()
      .split('\n').length - 1
  assert.deepEqual(ends, [{ lines, bytes: value?.length, isWhole: false }])
  const unread = await open('log')
  await unread.body.cancel()
  assert.deepEqual(unread.ends, [{ lines: 0, bytes: 0, isWhole: false }])
})

test('a fault of the store in the middle breaks the download off', async () => {
  await fill()
  const { redis } = servers.current()
  const { body, ends } = await open('log')
  const reader = body.getReader()
  await reader.read()
  await redis.rename('logs:collid:1', '{logs:collid:1}:away')
  await redis.set('logs:collid:1', 'no sorted set')
  const readOn = async () => {
    while (!(await reader.read()).done);
  }
  try {
    await assert.rejects(readOn())
    assert.deepEqual(
      ends.map(({ isWhole }) => isWhole),
      [false],
    )
  } finally {
    await redis.del('logs:collid:1')
    await redis.rename('{logs:collid:1}:away', 'logs:collid:1')
  }
})
