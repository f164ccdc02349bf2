import type { Redis } from 'ioredis'
import type { CollectionGrant } from '../access/decide.ts'
import { streamMembers } from '../store/line-stream.ts'
import type { MicrosWindow } from '../store/reading.ts'
import { logText } from './log-text.ts'

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
  window: MicrosWindow,
): Promise<ReadableStream<Uint8Array>> {
  const pages = streamMembers(redis, grant, window)
  let next = await pages.next()
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (next.done) {
          controller.close()
          return
        }
        controller.enqueue(logText(next.value))
        next = await pages.next()
      },
      async cancel() {
        await pages.return()
      },
    },
    { highWaterMark: 0 },
  )
}
