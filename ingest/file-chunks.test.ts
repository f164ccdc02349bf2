import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileChunks } from './file-chunks.ts'

const folder = mkdtempSync(join(tmpdir(), 'file-chunks-'))
after(() => rmSync(folder, { recursive: true }))

function opened(content: Buffer): number {
  const path = join(folder, 'log')
  writeFileSync(path, content)
  return openSync(path, 'r')
}

const numbers = (bytes: number) => Buffer.from(Uint32Array.from({ length: bytes / 4 }, (_, n) => n).buffer)

test('a file is given whole and in order, from where it stands, in pieces of any number', async () => {
  for (const bytes of [0, 4, 256 * 1024, 256 * 1024 + 4, 3 * 1024 * 1024]) {
    const content = numbers(bytes)
    const file = opened(content)
    const skipped = bytes === 0 ? 0 : readSync(file, Buffer.alloc(4))
    const pieces: Buffer[] = []
    for await (const piece of fileChunks(file)) pieces.push(Buffer.from(piece))
    closeSync(file)
    assert.ok(Buffer.concat(pieces).equals(content.subarray(skipped)), `${bytes} bytes`)
  }
})

test('a piece stays as it is until the next one is asked for', async () => {
  const content = numbers(1024 * 1024)
  const file = opened(content)
  const chunks = fileChunks(file)
  const { value: first } = await chunks.next()
  const { value: second } = await chunks.next()
  assert.ok(first && second)
  // Long enough for what is read ahead: it takes the place of the first piece.
  while (first.equals(content.subarray(0, first.length))) await new Promise(setImmediate)
  assert.ok(second.equals(content.subarray(first.length, first.length + second.length)))
  await chunks.return()
  closeSync(file)
})

test('what cannot be read is an error, and none when nobody asks any more', async () => {
  const directory = openSync(folder, 'r')
  await assert.rejects(async () => {
    for await (const _ of fileChunks(directory)) assert.fail()
  }, /EISDIR/)
  closeSync(directory)
  const file = opened(numbers(1024 * 1024))
  for await (const _ of fileChunks(file)) break
  closeSync(file)
})
