import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { type FileHandle, open } from 'node:fs/promises'
import type { Transform } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { PortalError } from '#lib/errors.ts'
import { readLogTime } from '#lib/line/log-time.ts'
import { findRequest, newScannedLine } from '#lib/line/scan-line.ts'

/** Log files as `backfill` reads them: plain, or compressed with gzip or zstd, told by their content and not their name. */

type Compression = 'none' | 'gzip' | 'zstd'

/** What a file begins with that this program does not read. Its bytes would pass for lines without an id. */
const NOT_TAKEN: readonly (readonly [name: string, magic: Buffer])[] = [
  ['xz', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a])],
  ['bzip2', Buffer.from('BZh')],
  ['zip', Buffer.from('PK\x03\x04', 'latin1')],
  ['LZ4', Buffer.from([0x04, 0x22, 0x4d, 0x18])],
]
const GZIP = Buffer.from([0x1f, 0x8b])
const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd])
const MAGIC_BYTES = 5

const PLAIN_CHUNK_BYTES = 256 * 1024
/** Read at once of a compressed file; logs become some ten times larger. */
const COMPRESSED_CHUNK_BYTES = 16 * 1024
const INFLATED_CHUNK_BYTES = 64 * 1024
/** So far a time is looked for; a file without one is read after the others. */
const LOOK_BYTES = 1024 * 1024
/** Two files of one source that begin with so many equal bytes, or have no more and are equal, are copies of one log. */
export const COPY_BYTES = 4096
const LF = 0x0a

export interface LogFile {
  readonly path: string
  readonly compression: Compression
  /** As it lies there, compressed or not. */
  readonly sizeBytes: number
  /** The same for two names of one file. */
  readonly identity: string
  /** First time in it, epoch second; infinite where there is none. */
  readonly firstSecond: number
  /** Hash of its first {@link COPY_BYTES} of text, of all of it where it has no more; null where it has none. */
  readonly beginning: string | null
}

/**
 * Looks into a file.
 * @throws PortalError `bad_usage` for what is not there, no file, or of another compression; `source_unavailable` for what
 * cannot be read
 */
export async function openLogFile(path: string): Promise<LogFile> {
  try {
    const file = await open(path)
    try {
      return await lookInto(path, file)
    } finally {
      await file.close()
    }
  } catch (error) {
    if (error instanceof PortalError) throw error
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    if (missing) throw new PortalError('bad_usage', { detail: `There is no file ${path}.` })
    throw new PortalError('source_unavailable', { detail: `${path} cannot be read.`, cause: error })
  }
}

async function lookInto(path: string, file: FileHandle): Promise<LogFile> {
  const stat = await file.stat()
  if (!stat.isFile())
    throw new PortalError('bad_usage', { detail: `${path} is no file: backfill takes log files.` })
  const { buffer, bytesRead } = await file.read(Buffer.alloc(MAGIC_BYTES), 0, MAGIC_BYTES, 0)
  const front = buffer.subarray(0, bytesRead)
  const begins = (magic: Buffer) => front.subarray(0, magic.length).equals(magic)
  const other = NOT_TAKEN.find(([, magic]) => begins(magic))
  if (other)
    throw new PortalError('bad_usage', {
      detail: `${path} is compressed with ${other[0]}: backfill takes gzip, zstd and plain text.`,
    })
  const compression = begins(GZIP) ? 'gzip' : begins(ZSTD) ? 'zstd' : 'none'
  const text = await beginningOf({ path, compression })
  return {
    path,
    compression,
    sizeBytes: stat.size,
    identity: `${stat.dev}:${stat.ino}`,
    firstSecond: firstSecondIn(text),
    beginning:
      text.length === 0 ? null : createHash('sha256').update(text.subarray(0, COPY_BYTES)).digest('hex'),
  }
}

/** What can be read of the file's first {@link LOOK_BYTES}, or of its front where a time stands there. */
async function beginningOf(file: Pick<LogFile, 'path' | 'compression'>): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of chunksOf(file)) {
      chunks.push(Buffer.from(chunk))
      bytes += chunk.length
      if (bytes >= LOOK_BYTES || (bytes >= COPY_BYTES && Number.isFinite(firstSecondIn(chunk)))) break
    }
  } catch {
    // A broken file is named when it is read, with what came before the break.
  }
  return Buffer.concat(chunks)
}

function firstSecondIn(text: Buffer): number {
  const { time, request } = newScannedLine()
  for (let start = 0; start < text.length; ) {
    const feed = text.indexOf(LF, start)
    const end = feed < 0 ? text.length : feed
    findRequest(text, start, end, request)
    if (request.bracket >= 0 && readLogTime(text, request.bracket, end, time)) return time.second
    start = end + 1
  }
  return Number.POSITIVE_INFINITY
}

/**
 * Yields the file's text in pieces, each valid until the next is asked for.
 * @param onRead told of bytes as they lie in the file
 * @throws what the file system or the decompression says, after all text before the fault; where the compressed bytes
 * themselves are wrong, up to 64 KiB of text right before it are lost with it
 */
export async function* chunksOf(
  { path, compression }: Pick<LogFile, 'path' | 'compression'>,
  onRead: (bytes: number) => void = () => undefined,
): AsyncGenerator<Buffer> {
  if (compression === 'none') {
    yield* piecesOf(path, PLAIN_CHUNK_BYTES, onRead)
    return
  }
  const options = { chunkSize: INFLATED_CHUNK_BYTES }
  const inflate = compression === 'gzip' ? createGunzip(options) : createZstdDecompress(options)
  try {
    yield* inflated(piecesOf(path, COMPRESSED_CHUNK_BYTES, onRead), inflate, {
      endsInZeros: compression === 'gzip',
    })
  } finally {
    inflate.destroy()
  }
}

/** While one piece is looked at the next is read. */
async function* piecesOf(
  path: string,
  pieceBytes: number,
  onRead: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  const file = await open(path)
  let buffers: [Buffer, Buffer] = [Buffer.allocUnsafeSlow(pieceBytes), Buffer.allocUnsafeSlow(pieceBytes)]
  let reading = file.read(buffers[0], 0, pieceBytes)
  try {
    for (;;) {
      const { bytesRead } = await reading
      if (bytesRead === 0) return
      onRead(bytesRead)
      const piece = buffers[0].subarray(0, bytesRead)
      buffers = [buffers[1], buffers[0]]
      reading = file.read(buffers[0], 0, pieceBytes)
      // Whoever stops asking, or throws, does not wait for it.
      reading.catch(() => undefined)
      yield piece
    }
  } finally {
    await reading.catch(() => undefined)
    await file.close()
  }
}

/**
 * Decompresses piece by piece, one ahead of the consumer. Not by pipes: a stream that fails throws away what it holds, and
 * with it up to 64 KiB before the fault (seen).
 */
async function* inflated(
  pieces: AsyncGenerator<Buffer>,
  inflate: Transform,
  { endsInZeros }: { endsInZeros: boolean },
): AsyncGenerator<Buffer> {
  let ready: Buffer[] = []
  let fault: { error: unknown } | null = null
  inflate.on('data', (chunk: Buffer) => ready.push(chunk))
  // Neither a write that fails is always answered, nor one with more behind the end.
  const over = once(inflate, 'end').then(() => false)
  over.catch(() => undefined)
  const step = async (): Promise<boolean> => {
    const { value, done } = await pieces.next()
    if (inflate.readableEnded) return endEarly()
    if (done) {
      inflate.end()
      return over
    }
    const written = new Promise<boolean>((resolve) => inflate.write(value, () => resolve(true)))
    return (await Promise.race([over, written])) || endEarly()
  }
  const endEarly = () => {
    // Zeros behind the end, as tapes leave them, are nothing to gzip.
    if (!endsInZeros) throw new Error('bytes that belong to nothing follow its end')
    return false
  }
  /** @returns whether more may follow */
  const attempt = () =>
    step().catch((error: unknown) => {
      fault = { error }
      return false
    })
  try {
    let stepping = attempt()
    for (;;) {
      const goesOn = await stepping
      const chunks = ready
      ready = []
      if (goesOn) stepping = attempt()
      yield* chunks
      if (!goesOn) break
    }
    if (fault) throw (fault as { error: unknown }).error
  } finally {
    await pieces.return(undefined)
  }
}
