import { createHash } from 'node:crypto'
import { closeSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LOAD_SOURCES, type LoadLine, type ReferenceLoadOptions, referenceLoad } from './reference-load.ts'

/** The reference load as files: made once, before the clock runs, and read by reference and product alike. */

export interface ExpectedLoad {
  readonly lines: number
  /** Lines that differ: a sorted set keeps one of those that are byte for byte alike. */
  readonly distinct: number
  /** By collection. */
  readonly counts: ReadonlyMap<string, number>
  /** Bytes of the lines, one LF each. */
  readonly bytes: number
}

const CHUNK_CHARACTERS = 1 << 18

/** Gathers text and writes it in large pieces. */
class TextFile {
  readonly #file: number
  #text = ''

  constructor(path: string) {
    this.#file = openSync(path, 'w')
  }

  add(text: string): void {
    this.#text += text
    if (this.#text.length >= CHUNK_CHARACTERS) this.#flush()
  }

  end(): void {
    this.#flush()
    closeSync(this.#file)
  }

  #flush(): void {
    writeFileSync(this.#file, this.#text, 'latin1')
    this.#text = ''
  }
}

/** Runs through the load once. */
function each(options: ReferenceLoadOptions, add: (line: LoadLine) => void): ExpectedLoad {
  const counts = new Map<string, number>()
  let bytes = 0
  let distinct = 0
  let last = ''
  for (const line of referenceLoad(options)) {
    if (line.text !== last) distinct++
    last = line.text
    counts.set(line.id, (counts.get(line.id) ?? 0) + 1)
    bytes += line.text.length + 1
    add(line)
  }
  return { lines: options.lines, distinct, counts, bytes }
}

/** Each server's log as it writes it. @returns their paths by source, and what to expect of them */
export function writeLogs(
  folder: string,
  options: ReferenceLoadOptions,
): { logs: ReadonlyMap<string, string>; expected: ExpectedLoad } {
  const logs = new Map(LOAD_SOURCES.map((source) => [source as string, join(folder, `${source}.log`)]))
  const files = new Map([...logs].map(([source, path]) => [source, new TextFile(path)]))
  const expected = each(options, (line) => files.get(line.source)?.add(`${line.text}\n`))
  for (const file of files.values()) file.end()
  return { logs, expected }
}

/** The whole load in one file, in the order in which it is written by all servers together. */
export function writeMergedLog(path: string, options: ReferenceLoadOptions): ExpectedLoad {
  const file = new TextFile(path)
  const expected = each(options, (line) => file.add(`${line.text}\n`))
  file.end()
  return expected
}

/** What the script of 2013 sends, a `ZADD` and a `HINCRBY` a line, encoded as Redis takes it (RESP). */
export function writeCommands(path: string, options: ReferenceLoadOptions): void {
  const file = new TextFile(path)
  each(options, ({ text, id, second }) => {
    const key = `logs:collid:${id}`
    const field = `hits:${id}`
    file.add(
      `*4\r\n$4\r\nZADD\r\n$${key.length}\r\n${key}\r\n$10\r\n${second}\r\n$${text.length}\r\n${text}\r\n` +
        `*4\r\n$7\r\nHINCRBY\r\n$6\r\nknown:\r\n$${field.length}\r\n${field}\r\n$1\r\n1\r\n`,
    )
  })
  file.end()
}

/** @returns the SHA-256 of the load's lines, one LF each, in hexadecimal. */
export function hashLoad(options: ReferenceLoadOptions): string {
  const hash = createHash('sha256')
  for (const { text } of referenceLoad(options)) hash.update(`${text}\n`)
  return hash.digest('hex')
}
