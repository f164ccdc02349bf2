import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { constants, gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { PortalError } from '#lib/errors.ts'
import { randomFrom } from '../e2e/random-from.ts'
import { findSourceFiles } from './backfill-files.ts'
import { chunksOf, openLogFile } from './log-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'portal-log-file-'))
after(() => rmSync(folder, { recursive: true }))

function place(name: string, bytes: Buffer | string): string {
  const path = join(folder, name)
  writeFileSync(path, bytes)
  return path
}

const lineAt = (time: string, path = '/') =>
  `192.0.2.1 - - [${time} +0000] "GET ${path} HTTP/1.1" 200 5 "-" "a" 1824\n`

/** Text that compresses to about half. */
function someText(bytes: number): Buffer {
  const random = randomFrom(bytes)
  return Buffer.from(Array.from({ length: bytes }, () => 32 + Math.floor(random() * 20)))
}

async function textOf(path: string): Promise<{ text: Buffer; fault: string | null }> {
  const pieces: Buffer[] = []
  try {
    for await (const chunk of chunksOf(await openLogFile(path))) pieces.push(Buffer.from(chunk))
    return { text: Buffer.concat(pieces), fault: null }
  } catch (error) {
    return { text: Buffer.concat(pieces), fault: error instanceof Error ? error.message : String(error) }
  }
}

async function refusal(work: Promise<unknown>): Promise<{ code: string; detail: string }> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof PortalError)
  return { code: error.code, detail: error.detail ?? '' }
}

test('what a file is compressed with is told by its bytes, whatever its name', async () => {
  const text = someText(1_000_000)
  for (const [compression, bytes] of [
    ['none', text],
    ['gzip', gzipSync(text)],
    ['gzip', Buffer.concat([gzipSync(text.subarray(0, 5000)), gzipSync(text.subarray(5000))])],
    ['gzip', Buffer.concat([gzipSync(text), Buffer.alloc(70_000)])],
    ['zstd', zstdCompressSync(text)],
    [
      'zstd',
      Buffer.concat([zstdCompressSync(text.subarray(0, 5000)), zstdCompressSync(text.subarray(5000))]),
    ],
  ] as const) {
    const path = place('any.name', bytes)
    assert.equal((await openLogFile(path)).compression, compression)
    const read = await textOf(path)
    assert.equal(read.fault, null)
    assert.ok(read.text.equals(text), compression)
  }
  assert.deepEqual(await textOf(place('empty', '')), { text: Buffer.alloc(0), fault: null })
})

test('of a gzip file that breaks off everything before the break is read, and the break is told', async () => {
  const whole = gzipSync(someText(700_000))
  for (const length of [3, 30, 20_000, 16 * 1024, 200_000, whole.length - 8, whole.length - 1]) {
    const cut = whole.subarray(0, length)
    const { text, fault } = await textOf(place('cut.gz', cut))
    assert.match(fault ?? '', /unexpected end of file/, `${length}`)
    assert.ok(text.equals(gunzipSync(cut, { finishFlush: constants.Z_SYNC_FLUSH })), `${length}`)
  }
})

test('a zstd file that breaks off, or that something follows, is told', async () => {
  const whole = zstdCompressSync(someText(700_000))
  const cut = await textOf(place('cut.zst', whole.subarray(0, whole.length - 5)))
  assert.match(cut.fault ?? '', /unexpected end of file/)
  assert.ok(cut.text.length >= 512 * 1024)
  for (const tail of [16, 100_000]) {
    const followed = await textOf(place('followed.zst', Buffer.concat([whole, Buffer.alloc(tail, 1)])))
    assert.match(followed.fault ?? '', /follow its end/, `${tail}`)
    assert.equal(followed.text.length, 700_000)
  }
})

test('what is no log file is refused before anything is read, in words', async () => {
  assert.deepEqual(await refusal(openLogFile(join(folder, 'nothing'))), {
    code: 'bad_usage',
    detail: `There is no file ${join(folder, 'nothing')}.`,
  })
  assert.match((await refusal(openLogFile(folder))).detail, /is no file/)
  for (const [name, magic] of [
    ['xz', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0])],
    ['bzip2', Buffer.from('BZh91AY')],
    ['zip', Buffer.from('PK\x03\x04..', 'latin1')],
  ] as const)
    assert.match(
      (await refusal(openLogFile(place(`a.${name}`, magic)))).detail,
      new RegExp(`with ${name}: .* gzip`),
    )
})

test('the files of a source come in the order of their first times; one without a time is last', async () => {
  const newest = place('access.log', lineAt('03/May/2013:00:00:00'))
  place('access.log.1', `no line of a log\n${lineAt('02/May/2013:00:00:00')}`)
  place('access.log.10.gz', gzipSync(lineAt('01/May/2013:00:00:00')))
  place('access.log.2.zst', zstdCompressSync(lineAt('01/May/2013:10:00:00')))
  place('access.log.odd', 'nothing here has a time\n')
  const [source, ...more] = await findSourceFiles(
    new Map([['web1', [newest, join(folder, 'access.log.*')]]]),
    assert.fail,
  )
  assert.equal(more.length, 0)
  assert.deepEqual(
    source?.files.map(({ path }) => path.slice(folder.length + 1)),
    ['access.log.10.gz', 'access.log.2.zst', 'access.log.1', 'access.log', 'access.log.odd'],
  )
})

test('a file under two names is read once; two copies of a log are refused', async () => {
  const path = place('one.log', lineAt('03/May/2013:00:00:00', `/${'x'.repeat(5000)}`))
  symlinkSync(path, join(folder, 'other.log'))
  const words: string[] = []
  const given = new Map([['web1', [path, path, join(folder, 'other.log')]]])
  const [source] = await findSourceFiles(given, (text) => words.push(text))
  assert.deepEqual(
    source?.files.map((file) => file.path),
    [path],
  )
  assert.deepEqual(words, [`${join(folder, 'other.log')} is ${path}; it is read once.`])
  const copy = place('one.log.gz', gzipSync(lineAt('03/May/2013:00:00:00', `/${'x'.repeat(5000)}`)))
  const copies = await refusal(findSourceFiles(new Map([['web1', [path, copy]]]), assert.fail))
  assert.match(copies.detail, /begin alike, as copies of one log do/)
  const short = place('short.log', lineAt('03/May/2013:00:00:01'))
  const shortCopy = place('short.log.gz', gzipSync(lineAt('03/May/2013:00:00:01')))
  const shortCopies = await refusal(findSourceFiles(new Map([['web1', [short, shortCopy]]]), assert.fail))
  assert.match(shortCopies.detail, /begin alike, as copies of one log do/)
  // The beginning of another, as a log that was copied and went on; and empty ones, as rotation leaves them.
  const longer = place('longer.log', lineAt('03/May/2013:00:00:01') + lineAt('03/May/2013:00:00:02'))
  const empty = [place('empty.log', ''), place('empty.log.1', '')]
  const unlike = await findSourceFiles(new Map([['web1', [short, longer, ...empty]]]), assert.fail)
  assert.equal(unlike[0]?.files.length, 4)
  const apart = new Map([
    ['web1', [path]],
    ['web2', [copy]],
  ])
  assert.equal((await findSourceFiles(apart, assert.fail)).length, 2)
  const pattern = await refusal(findSourceFiles(new Map([['web1', [join(folder, 'no*such')]]]), assert.fail))
  assert.match(pattern.detail, /There is no file .*no\*such/)
})
