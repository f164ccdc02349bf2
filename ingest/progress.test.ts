import assert from 'node:assert/strict'
import { test } from 'node:test'
import { barText, Progress, progressJson } from './progress.ts'

const quarter = { bytes: 12 * 1024 * 1024, totalBytes: 48 * 1024 * 1024, lines: 60_000, elapsedSeconds: 4 }

test('a bar shows the share, the bytes, the lines a second and the time to go', () => {
  assert.equal(
    barText(quarter),
    '[######------------------]  25% · 12.0 of 48.0 MiB · 15,000 lines/s · 12 s left',
  )
  assert.equal(
    barText({ bytes: 0, totalBytes: 0, lines: 0, elapsedSeconds: 0 }),
    '[########################] 100% · 0.0 of 0.0 MiB · 0 lines/s',
  )
})

test('the same for programs is one JSON line', () => {
  assert.equal(
    progressJson(quarter),
    '{"bytes":12582912,"totalBytes":50331648,"lines":60000,"linesPerSecond":15000,"secondsLeft":12}',
  )
})

test('what is said meanwhile stands on a line of its own, also beside a bar', (context) => {
  context.mock.timers.enable({ apis: ['setInterval'] })
  for (const [isTTY, expected] of [
    [false, /^said\n\{"bytes":1,.*\}\n$/],
    [true, /^<said\n(<\[#{12}-{12}\] {2}50% [^\n]*)+\n$/],
  ] as const) {
    let written = ''
    const output = { isTTY, write: (text: string) => (written += text.replace('\r\x1b[K', '<')) }
    const progress = new Progress(output, () => ({ bytes: 1, totalBytes: 2, lines: 3 }))
    progress.say('said')
    context.mock.timers.tick(10_000)
    progress.stop()
    assert.match(written, expected)
    context.mock.timers.tick(60_000)
    assert.match(written, expected)
  }
})
