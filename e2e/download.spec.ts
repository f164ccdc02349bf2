import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { gunzip, gunzipSync } from 'node:zlib'
import { parseCsv } from './csv.ts'
import { expect, feed, logLine, test } from './fixtures.ts'
import { hostileLines } from './hostile-lines.ts'
import { runIngest } from './ingest.ts'
import type { RunningPortal } from './portal.ts'
import { downloaded, ownerOf } from './raw-download.ts'

/** What is in the downloads, of every format. */

/** A minute with few lines of every kind, and a day with more than are read at once. */
const FEW = '/collections/1824/download?from=2026-03-04T12:00Z&to=2026-03-04T12:01Z'
const MANY_LINES = 5000
/** Room for what a child answers. */
const OUTPUT_BYTES = 64 * 1024 * 1024

/** Of every three, two have a fraction of the second, one of them the same one. */
const stamp = (n: number) => {
  const second = String(n % 60).padStart(2, '0')
  return `04/Mar/2026:12:00:${second}${['', '.250', `.${String(n % 1000).padStart(3, '0')}`][n % 3]} +0000`
}
const few = hostileLines('1824', stamp)

test.beforeAll(async ({ portal }) => {
  const input = Buffer.concat(few.flatMap((line) => [line, Buffer.from('\n')]))
  expect((await runIngest(portal.redis.url, ['--source', 'web1'], input)).exitCode).toBe(0)
  const start = Date.UTC(2026, 4, 5)
  await feed(
    portal,
    Array.from({ length: MANY_LINES }, (_, n) => logLine('1824', `many-${n}`, new Date(start + n * 1000))),
  )
})

test('a download of any window is what `ingest print` gives, byte for byte, also through gzip', async ({
  signedIn,
  portal,
  redis,
}) => {
  test.setTimeout(180_000)
  const who = await ownerOf(portal, signedIn)
  const [begin, end] = [0, 1].map((minute) => String(Date.UTC(2026, 2, 4, 12, minute) / 1000))
  const scores = await redis.zrange('logs:collid:1824', begin ?? '', `(${end}`, 'BYSCORE', 'WITHSCORES')
  const score = (n: number) => Number(scores[2 * n + 1]).toFixed(6)
  const random = seeded(7)
  const second = (fraction: number) => (Date.UTC(2026, 2, 4, 12) / 1000 + random() * 61).toFixed(fraction)
  const windows: [string, string][] = [
    ['2026-03-04T12:00', '2026-03-04T12:01:00Z'],
    ['2026-03-04T13:00:10+01:00', '2026-03-04T07:00:20.5-05:00'],
    // Edges at the very microsecond of a line: it is in at the beginning, out at the end.
    [score(3), score(40)],
    [score(17), score(17)],
    [score(17), (Number(score(17)) + 0.000001).toFixed(6)],
    ['2026-03-04T12:00:05.249999', '2026-03-04T12:00:05.250001'],
    ['2025-01-01', '2025-01-02'],
    [`${Date.UTC(2026, 2, 4, 12, 0, 7)}`, `${Date.UTC(2026, 2, 4, 12, 0, 9)}`],
    ['2026-05-05', '2026-05-05T01:20:30.05'],
    ...Array.from({ length: 6 }, (_, n): [string, string] => {
      const ends = [second(n), second(n)].sort()
      return [ends[0] ?? '', ends[1] ?? '']
    }),
  ]
  let lines = 0
  for (const [from, to] of windows) {
    const path = `/collections/1824/download?${new URLSearchParams({ from, to })}`
    const print = await printed(portal, from, to)
    const log = await downloaded({ ...who, path })
    expect(log.equals(print), `${from} to ${to}: ${log.length} against ${print.length} bytes`).toBe(true)
    expect(gunzipSync(await downloaded({ ...who, path: `${path}&gzip=1` })).equals(print)).toBe(true)
    lines += countLines(print)
  }
  expect(lines).toBeGreaterThan(2 * few.length)
  expect(countLines(await printed(portal, windows[2]?.[0] ?? '', windows[2]?.[1] ?? ''))).toBe(37)
})

test('CSV and NDJSON hold every line of the log in its own bytes, also through gzip', async ({
  signedIn,
  portal,
}) => {
  const who = await ownerOf(portal, signedIn)
  const log = splitLines(await downloaded({ ...who, path: FEW }))
  expect(log.length).toBe(few.length)
  expect(log.map((line) => line.toString('latin1')).sort()).toEqual(
    few.map((line) => line.toString('latin1')).sort(),
  )
  const csv = await downloaded({ ...who, path: `${FEW}&format=csv` })
  const [header, ...rows] = parseCsv(csv)
  expect(header?.join()).toBe('time,source,address,place,method,path,status,bytes,referrer,agent,line')
  expect(rows.map((row) => row.at(-1)?.replace(/^'/, ''))).toEqual(
    log.map((line) => line.toString('latin1').replace(/^'/, '')),
  )
  expect(rows.every((row) => row.length === 11 && row[1] === 'web1')).toBe(true)

  const ndjson = await downloaded({ ...who, path: `${FEW}&format=ndjson` })
  const objects = splitLines(ndjson).map((line) => JSON.parse(line.toString()) as Record<string, string>)
  expect(
    objects.map(({ line = '', line_base64 }) =>
      Buffer.from(line_base64 ?? line, line_base64 ? 'base64' : 'utf8'),
    ),
  ).toEqual(log)
  expect(objects.map(({ time }) => time)).toEqual(rows.map(([time]) => time))

  const unpack = promisify(gunzip)
  for (const [format, plain] of [
    ['csv', csv],
    ['ndjson', ndjson],
  ] as const)
    expect(
      Buffer.compare(
        (await unpack(await downloaded({ ...who, path: `${FEW}&format=${format}&gzip=1` }))) as Buffer,
        plain,
      ),
    ).toBe(0)
})

test("Python's csv module reads the same rows", async ({ signedIn, portal }) => {
  const python = await promisify(execFile)('python3', ['--version']).catch(() => null)
  test.skip(python === null, 'no python3 here')
  const csv = await downloaded({ ...(await ownerOf(portal, signedIn)), path: `${FEW}&format=csv` })
  const child = promisify(execFile)(
    'python3',
    [
      '-c',
      'import csv,io,json,sys\ncsv.field_size_limit(10**8)\ntext=sys.stdin.buffer.read().decode("latin1")\nprint(json.dumps(list(csv.reader(io.StringIO(text,newline="")))))',
    ],
    { maxBuffer: OUTPUT_BYTES },
  )
  child.child.stdin?.end(csv)
  expect(JSON.parse((await child).stdout)).toEqual(parseCsv(csv))
})

test('a parameter that is wrong is named with what it takes', async ({ signedIn, portal }) => {
  const { origin, cookie } = await ownerOf(portal, signedIn)
  const refused: Record<string, RegExp> = {
    'format=xlsx': /format: takes one of log, csv, ndjson/,
    'format=csv&format=log': /'format' is given more than once/,
    'gzip=yes': /gzip: takes 1/,
    'gzip=1&gzip=1': /'gzip' is given more than once/,
    'limit=5': /'limit' is not a parameter here.*from, to, format, gzip/,
    'from=2026-03-05&to=2026-03-04': /from.*lies after to/,
  }
  for (const [query, words] of Object.entries(refused)) {
    const answer = await fetch(`${origin}/collections/1824/download?${query}`, { headers: { cookie } })
    expect(answer.status).toBe(400)
    const body = (await answer.json()) as { error: string; message: string }
    expect(body.error).toBe('bad_parameter')
    expect(body.message).toMatch(words)
  }
  const inverted = await runIngest(portal.redis.url, [
    'print',
    '1824',
    '--from',
    '2026-03-05',
    '--to',
    '2026-03-04',
  ])
  expect(inverted.exitCode).toBe(2)
})

async function printed(portal: RunningPortal, from: string, to: string): Promise<Buffer> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['ingest/main.ts', 'print', '1824', '--from', from, '--to', to],
    {
      encoding: 'buffer',
      maxBuffer: OUTPUT_BYTES,
      env: { NODE_ENV: 'production', PATH: process.env.PATH, REDIS_URL: portal.redis.url, TZ: 'UTC' },
    },
  )
  return stdout
}

const countLines = (text: Buffer) => splitLines(text).length

function splitLines(text: Buffer): Buffer[] {
  const lines: Buffer[] = []
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf(0x0a, at)
    if (end < 0) throw new Error('the last line does not end')
    lines.push(text.subarray(at, end))
    at = end + 1
  }
  return lines
}

/** Numbers from 0 to 1, the same ones in each run. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return state / 0x7fffffff
  }
}
