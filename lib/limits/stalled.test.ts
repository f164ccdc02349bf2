import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { breakWhenStalled } from './stalled.ts'

const CHUNK = Buffer.alloc(64 * 1024, 'x')
const STALL_MS = 400

/** A server whose answer never ends, watched as the portal watches downloads, and a reader that has its beginning. */
async function withEndlessAnswer(run: (answer: IncomingMessage, sent: ServerResponse) => Promise<void>) {
  let sent: ServerResponse | undefined
  const server = createServer((_request, response) => {
    sent = response
    Readable.from(
      (function* () {
        for (;;) yield CHUNK
      })(),
    ).pipe(response)
    const stop = breakWhenStalled(
      { sentBytes: () => response.socket?.bytesWritten ?? 0, breakOff: () => response.destroy() },
      STALL_MS,
    )
    response.once('close', stop)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const [answer] = (await once(get({ host: '127.0.0.1', port, agent: false }), 'response')) as [
    IncomingMessage,
  ]
  answer.on('error', () => undefined)
  try {
    assert.ok(sent)
    await run(answer, sent)
  } finally {
    answer.destroy()
    server.close()
  }
}

test('an answer that nobody takes is broken off', () =>
  withEndlessAnswer(async (answer, sent) => {
    await once(sent, 'close')
    answer.resume()
    await assert.rejects(once(answer, 'end'), /aborted/)
  }))

test('a slow reader goes on for as long as it likes', () =>
  withEndlessAnswer(async (answer, sent) => {
    const untilMs = Date.now() + 4 * STALL_MS
    let bytes = 0
    // Some megabytes lie in the system's buffers; taking one in a while, it asks for more well within the time.
    for await (const chunk of answer) {
      bytes += (chunk as Buffer).length
      if (bytes > 1024 * 1024) {
        bytes = 0
        await delay(20)
      }
      if (Date.now() > untilMs) break
    }
    assert.equal(sent.destroyed && Date.now() < untilMs, false)
    assert.ok(Date.now() > untilMs)
  }))
