import { pipeline, Readable } from 'node:stream'
import { createGzip } from 'node:zlib'
import type { Redis } from 'ioredis'
import type { CollectionGrant } from '../access/decide.ts'
import { GapsError, streamLines } from '../store/line-stream.ts'
import type { MicrosWindow } from '../store/reading.ts'
import type { LineReading } from './download-cells.ts'
import { type DownloadFormat, encodingOf } from './download-format.ts'

/** Level 6 takes half as long again for half a percent less (measured on combined lines). */
const GZIP_LEVEL = 5
const GZIP_CHUNK_BYTES = 64 * 1024

/** Memory of so many bytes that went out is taken back at once. */
const COLLECTED_BYTES = 16 * 1024 * 1024

/**
 * What goes out lies outside the heap that the collector watches: it lets 64 MiB of it gather before it looks, whatever
 * the size of the heap. A look at the young objects takes a millisecond or two, and a million sealed lines raise the
 * process by 34 MiB instead of 73 (measured). Without `--expose-gc`, as in tests, there is nothing to call.
 */
function collectYoung(): void {
  void globalThis.gc?.({ type: 'minor' })
}

/** What a download handed out until it ended, whichever way. */
export interface DownloadEnd {
  readonly lines: number
  /** Of the file: compressed where that is what was asked for. */
  readonly bytes: number
  /** False where it was broken off, by its reader or by a fault. */
  readonly isWhole: boolean
}

export interface DownloadOptions extends LineReading {
  readonly window: MicrosWindow
  readonly format: DownloadFormat
  /** Waits until the reader has what was handed out, before the stream breaks since some lines could not be read. */
  readonly beforeBreaking?: () => Promise<void>
  /** Told once. */
  readonly onEnd?: (end: DownloadEnd) => void
}

/**
 * A window's lines as a stream of bytes. The store is asked for more only when the reader has taken what there is, so
 * memory does not depend on the size of the download or the speed of the reader; a reader that goes away ends the reading.
 *
 * The first lines are read before this returns: a store that is down at the start is an error to answer with. One that
 * goes away later breaks the stream, which must never look like a complete download.
 *
 * @throws PortalError `store_unavailable`, `store_refused`
 */
export async function downloadStream(
  redis: Redis,
  grant: CollectionGrant,
  { window, format, beforeBreaking, onEnd, ...reading }: DownloadOptions,
): Promise<ReadableStream<Uint8Array>> {
  const { header, linesAtOnce, encoder } = encodingOf(format)
  const pages = streamLines(redis, grant, window, { pageLines: linesAtOnce })
  const first = await pages.next()
  const encode = encoder(reading)
  let lines = 0
  async function* encoded(): AsyncGenerator<Buffer, void, undefined> {
    try {
      if (header.length > 0) yield header
      let sinceCollection = 0
      for (let page = first; !page.done; page = await pages.next()) {
        const bytes = encode(page.value)
        lines += page.value.count
        yield bytes
        sinceCollection += bytes.length
        if (sinceCollection < COLLECTED_BYTES) continue
        sinceCollection = 0
        collectYoung()
      }
    } finally {
      await pages.return()
    }
  }
  return asWebStream(format.gzip ? gzipped(encoded()) : encoded(), {
    beforeBreaking,
    onEnd: (end) => onEnd?.({ lines, ...end }),
  })
}

/** Either side's end is the other's: what breaks the source breaks off the file, before its closing checksum. */
function gzipped(chunks: AsyncGenerator<Buffer, void, undefined>): AsyncIterator<Buffer> {
  const gzip = createGzip({ level: GZIP_LEVEL, chunkSize: GZIP_CHUNK_BYTES })
  // Whoever reads `gzip` is told of an error by its iterator.
  pipeline(Readable.from(chunks, { objectMode: false, highWaterMark: 0 }), gzip, () => undefined)
  return gzip[Symbol.asyncIterator]()
}

function asWebStream(
  chunks: AsyncIterator<Buffer>,
  options: {
    readonly beforeBreaking: DownloadOptions['beforeBreaking'] | undefined
    readonly onEnd: (end: Omit<DownloadEnd, 'lines'>) => void
  },
): ReadableStream<Uint8Array> {
  let bytes = 0
  let hasEnded = false
  const end = (isWhole: boolean) => {
    if (!hasEnded) options.onEnd({ bytes, isWhole })
    hasEnded = true
  }
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await chunks.next()
          // Closed or enqueued first: both throw where the reader went away meanwhile.
          if (done) controller.close()
          else controller.enqueue(value)
          if (done) end(true)
          else bytes += value.length
        } catch (error) {
          if (error instanceof GapsError) await options.beforeBreaking?.()
          end(false)
          throw error
        }
      },
      async cancel() {
        end(false)
        await chunks.return?.()
      },
    },
    { highWaterMark: 0 },
  )
}
