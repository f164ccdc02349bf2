import { once } from 'node:events'
import type { Writable } from 'node:stream'
import type { Redis } from 'ioredis'
import { grantOperator } from '#lib/access/decide.ts'
import type { CollectionId } from '#lib/collection-id.ts'
import { currentClock, parseWindow } from '#lib/explore/window.ts'
import { streamLines } from '#lib/store/line-stream.ts'
import { EVERYTHING } from '#lib/store/reading.ts'

/** Writes a collection's lines, each followed by one LF, as the download does. */
export async function printLines(options: {
  redis: Redis
  collection: CollectionId
  from: string | undefined
  to: string | undefined
  output: Writable
}): Promise<void> {
  const { redis, collection, from, to, output } = options
  const window =
    from === undefined && to === undefined ? EVERYTHING : parseWindow(from ?? '0', to, currentClock())
  for await (const lines of streamLines(redis, grantOperator(collection), window)) {
    if (!output.write(lines.text())) await once(output, 'drain')
  }
}
