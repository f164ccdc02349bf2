import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { LOAD_SOURCES, type LoadLine, type ReferenceLoadOptions, referenceLoad } from './reference-load.ts'

/** The reference load as files: made once, before the clock runs, and read by reference and product alike. */

export interface ExpectedLoad {
  readonly lines: number
  /** By collection. */
  readonly counts: ReadonlyMap<string, number>
  /** Bytes of the lines, one LF each. */
  readonly bytes: number
}

const CHUNK_CHARACTERS = 1 << 18

/** Gathers text and writes it in large pieces, waiting while the disk is behind. */
class TextFile {
  readonly #stream: ReturnType<typeof createWriteStream>
  #text = ''

  constructor(path: string) {
    this.#stream = createWriteStream(path)
  }

  /** @returns a promise to wait for, where there is one. */
  add(text: string): Promise<unknown> | null {
    this.#text += text
    return this.#text.length < CHUNK_CHARACTERS ? null : this.#flush()
  }

  async end(): Promise<void> {
    await this.#flush()
    this.#stream.end()
    await finished(this.#stream)
  }

  #flush(): Promise<unknown> | null {
    const bytes = Buffer.from(this.#text, 'latin1')
    this.#text = ''
    if (this.#stream.write(bytes)) return null
    return new Promise((resolve, reject) => {
      this.#stream.once('drain', resolve)
      this.#stream.once('error', reject)
    })
  }
}

/** Runs through the load once. @param add what to do with a line; what it returns is waited for */
async function each(
  options: ReferenceLoadOptions,
  add: (line: LoadLine) => Promise<unknown> | null,
): Promise<ExpectedLoad> {
  const counts = new Map<string, number>()
  let bytes = 0
  for (const line of referenceLoad(options)) {
    counts.set(line.id, (counts.get(line.id) ?? 0) + 1)
    bytes += line.text.length + 1
    const waiting = add(line)
    if (waiting) await waiting
  }
  return { lines: options.lines, counts, bytes }
}

/** Each server's log as it writes it. @returns their paths by source, and what to expect of them */
export async function writeLogs(
  folder: string,
  options: ReferenceLoadOptions,
): Promise<{ logs: ReadonlyMap<string, string>; expected: ExpectedLoad }> {
  const logs = new Map(LOAD_SOURCES.map((source) => [source as string, join(folder, `${source}.log`)]))
  const files = new Map([...logs].map(([source, path]) => [source, new TextFile(path)]))
  const expected = await each(options, (line) => files.get(line.source)?.add(`${line.text}\n`) ?? null)
  for (const file of files.values()) await file.end()
  return { logs, expected }
}

/** The whole load in one file, in the order in which it is written by all servers together. */
export async function writeMergedLog(path: string, options: ReferenceLoadOptions): Promise<ExpectedLoad> {
  const file = new TextFile(path)
  const expected = await each(options, (line) => file.add(`${line.text}\n`))
  await file.end()
  return expected
}

/**
 * What the script of 2013 sends, a `ZADD` and a `HINCRBY` a line, encoded as Redis takes it (RESP).
 * @returns how many lines the sorted sets hold afterwards: those that are byte for byte alike are one there
 */
export async function writeCommands(path: string, options: ReferenceLoadOptions): Promise<{ distinct: number }> {
  const file = new TextFile(path)
  let distinct = 0
  let last = ''
  await each(options, ({ text, id, second }) => {
    if (text !== last) distinct++
    last = text
    const key = `logs:collid:${id}`
    const field = `hits:${id}`
    return file.add(
      `*4\r\n$4\r\nZADD\r\n$${key.length}\r\n${key}\r\n$10\r\n${second}\r\n$${text.length}\r\n${text}\r\n` +
        `*4\r\n$7\r\nHINCRBY\r\n$6\r\nknown:\r\n$${field.length}\r\n${field}\r\n$1\r\n1\r\n`,
    )
  })
  await file.end()
  return { distinct }
}

/** @returns the SHA-256 of the load's lines, one LF each, in hexadecimal. */
export function hashLoad(options: ReferenceLoadOptions): string {
  const hash = createHash('sha256')
  for (const { text } of referenceLoad(options)) hash.update(`${text}\n`)
  return hash.digest('hex')
}
