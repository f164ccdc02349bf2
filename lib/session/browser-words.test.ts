import assert from 'node:assert/strict'
import { test } from 'node:test'
import { browserInWords, cleanedBrowser } from './browser-words.ts'

const MOZILLA = 'Mozilla/5.0'
const KHTML = 'AppleWebKit/537.36 (KHTML, like Gecko)'

for (const [agent, words] of [
  [`${MOZILLA} (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0`, 'Firefox 128 on Linux'],
  [
    `${MOZILLA} (Windows NT 10.0; Win64; x64) ${KHTML} Chrome/140.0.0.0 Safari/537.36`,
    'Chrome 140 on Windows',
  ],
  [
    `${MOZILLA} (Windows NT 10.0) ${KHTML} Chrome/140.0.0.0 Safari/537.36 Edg/140.0.1.2`,
    'Edge 140 on Windows',
  ],
  [
    `${MOZILLA} (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15`,
    'Safari 18 on macOS',
  ],
  [
    `${MOZILLA} (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1`,
    'Safari 18 on iPhone',
  ],
  [`${MOZILLA} (Linux; Android 15) ${KHTML} Chrome/140.0.0.0 Mobile Safari/537.36`, 'Chrome 140 on Android'],
  ['curl/8.14.1', 'curl 8'],
  ['a reader of feeds', 'a reader of feeds'],
] as const)
  test(`is called ${words}`, () => assert.equal(browserInWords(agent), words))

test('what is kept is one short line that steers nothing, and what is not known by name is cut', () => {
  const kept = cleanedBrowser(`a\r\nb\u202e\u0000c ${'x'.repeat(10_000)}`)
  assert.equal(kept.length, 200)
  assert.match(kept, /^a b c x+$/)
  assert.equal(browserInWords(kept), `${kept.slice(0, 60)}…`)
})
