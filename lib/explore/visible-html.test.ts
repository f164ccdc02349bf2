import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { escapeHtml, visibleBytes, visibleText } from './visible-html.ts'

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" }
const TOKEN =
  /<i class="esc">\\(?:x([0-9a-f]{2})|u\{([0-9a-f]{2,6})\})<\/i>|&(amp|lt|gt|quot|#39);|([^<>&"'])/uy

/** Reads HTML of log bytes back: escapes and entities to what they stand for, all else to its UTF-8. */
function decode(html: string): Buffer {
  const pieces: Buffer[] = []
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < html.length) {
    const at = TOKEN.lastIndex
    const match = TOKEN.exec(html)
    assert.ok(match, `not of the expected form from ${at}: ${JSON.stringify(html.slice(at, at + 40))}`)
    const [, byte, codePoint, entity, character] = match
    if (byte !== undefined) pieces.push(Buffer.from([Number.parseInt(byte, 16)]))
    else if (codePoint !== undefined)
      pieces.push(Buffer.from(String.fromCodePoint(Number.parseInt(codePoint, 16))))
    else pieces.push(Buffer.from(entity === undefined ? (character ?? '') : (ENTITIES[entity] ?? '')))
  }
  return Buffer.concat(pieces)
}

/** Controls, format characters, separators of lines, surrogates, private use, unassigned. */
const STEERING = /[\p{C}\p{Zl}\p{Zp}]/u

function assertHarmless(html: string): void {
  const rest = html.replace(/<i class="esc">\\[xu][0-9a-f{}]+<\/i>/g, '')
  assert.doesNotMatch(rest, /[<>"']/)
  assert.doesNotMatch(rest, /&(?!(amp|lt|gt|quot|#39);)/)
  assert.doesNotMatch(html, STEERING)
}

const esc = (name: string) => `<i class="esc">\\${name}</i>`
const visible = (...bytes: number[]) => visibleBytes(Buffer.from(bytes))

/** Well-formed text, markup, what steers, and bytes that are cut or wrong. */
const piece = fc.oneof(
  fc
    .constantFrom(
      '<script>alert(1)</script>',
      '"><img src=x onerror=alert(1)>',
      "'",
      '&amp;',
      '<i class="esc">',
      '\\x1b',
      '\u202e',
      '\u2066',
      '\u0085',
      '\u00ad',
      '\ufffd',
      '\ufeff',
      'é',
      '漢',
      '😀',
    )
    .map((text) => Buffer.from(text)),
  fc
    .constantFrom(
      [0x00],
      [0x1b],
      [0x80],
      [0x85],
      [0xad],
      [0xc3],
      [0xe2, 0x80],
      [0xf0, 0x9f, 0x98],
      [0xed, 0xa0, 0x80],
    )
    .map((bytes) => Buffer.from(bytes)),
  fc.uint8Array({ maxLength: 6 }).map((bytes) => Buffer.from(bytes)),
  fc.string({ unit: 'grapheme', maxLength: 4 }).map((text) => Buffer.from(text)),
)
const bytesFromLogs = fc.array(piece, { maxLength: 10 }).map((pieces) => Buffer.concat(pieces))

test('for any bytes the HTML holds no markup but its own escapes, and nothing that steers', () => {
  fc.assert(
    fc.property(bytesFromLogs, (bytes) => assertHarmless(visibleBytes(bytes))),
    { numRuns: 3000 },
  )
})

test('for any bytes an independent reader gets them back from the HTML', () => {
  fc.assert(
    fc.property(bytesFromLogs, (bytes) => assert.deepEqual(decode(visibleBytes(bytes)), bytes)),
    { numRuns: 3000 },
  )
})

test('every code point of the planes in use is shown harmlessly and can be read back', () => {
  const planes = [
    [0, 0x20000],
    [0xe0000, 0xe1000],
    [0x10f000, 0x110000],
  ] as const
  for (const [from, to] of planes)
    for (let start = from; start < to; start += 1024) {
      const points = Array.from({ length: 1024 }, (_, index) => start + index)
      // Surrogates have no UTF-8 of their own.
      const text = String.fromCodePoint(...points.filter((point) => point < 0xd800 || point > 0xdfff))
      const html = visibleBytes(Buffer.from(text))
      assertHarmless(html)
      assert.equal(decode(html).toString(), text, `from U+${start.toString(16)}`)
    }
})

test('every pair of bytes is read back, and no two are shown alike', () => {
  const seen = new Set<string>()
  for (let first = 0; first < 256; first++)
    for (let second = 0; second < 256; second++) {
      const html = visible(first, second)
      assert.deepEqual([...decode(html)], [first, second])
      seen.add(html)
    }
  assert.equal(seen.size, 65_536)
})

test('plain text is shown as it is, letters of all scripts included', () => {
  const text = 'GET /straße/漢字?q=😀 HTTP/1.1\u00a0— ok'
  assert.equal(visibleBytes(Buffer.from(text)), text)
  assert.equal(visibleBytes(Buffer.alloc(0)), '')
})

test('markup is shown as text', () => {
  assert.equal(visibleBytes(Buffer.from('<script>')), '&lt;script&gt;')
  assert.equal(
    visibleBytes(Buffer.from("\"><img onerror='x'>&amp;")),
    '&quot;&gt;&lt;img onerror=&#39;x&#39;&gt;&amp;amp;',
  )
})

test('an escape that stands in the log is not taken for one of ours', () => {
  assert.equal(visibleBytes(Buffer.from('\\x1b')), '\\x1b')
  assert.equal(visible(0x1b), esc('x1b'))
  assert.equal(visibleBytes(Buffer.from(esc('x1b'))), '&lt;i class=&quot;esc&quot;&gt;\\x1b&lt;/i&gt;')
})

test('controls appear as escapes: NUL, TAB, ESC, DEL', () => {
  assert.equal(visible(0x00, 0x09, 0x1b, 0x7f), ['x00', 'x09', 'x1b', 'x7f'].map(esc).join(''))
})

test('a C1 control and the lone byte of its number are told apart', () => {
  assert.equal(visible(0xc2, 0x85), esc('u{85}'))
  assert.equal(visible(0x85), esc('x85'))
})

test('what turns, joins or hides text appears as an escape', () => {
  for (const code of [
    '202e',
    '202d',
    '2066',
    '2069',
    '200b',
    '200d',
    '200f',
    'feff',
    'ad',
    '2028',
    '2029',
    'e000',
    'e0041',
  ])
    assert.equal(
      visibleBytes(Buffer.from(String.fromCodePoint(Number.parseInt(code, 16)))),
      esc(`u{${code}}`),
    )
})

test('each byte that is not UTF-8 appears as an escape of its own', () => {
  const escapes = (...bytes: number[]) => bytes.map((byte) => esc(`x${byte.toString(16)}`)).join('')
  for (const bytes of [
    [0x80],
    [0xbf, 0x80],
    [0xc0, 0x80], // overlong NUL
    [0xc1, 0xbf],
    [0xe0, 0x80, 0xbc], // overlong <
    [0xe0, 0x9f, 0xbf],
    [0xf0, 0x80, 0x80, 0xbc],
    [0xf0, 0x8f, 0xbf, 0xbf],
    [0xed, 0xa0, 0x80], // a surrogate
    [0xed, 0xbf, 0xbf],
    [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80], // a pair of them
    [0xf4, 0x90, 0x80, 0x80], // past U+10FFFF
    [0xf5, 0x80, 0x80, 0x80],
    [0xfe],
    [0xff],
    [0xc3], // cut off by the end
    [0xe2, 0x80],
    [0xf0, 0x9f, 0x98],
  ]) {
    assert.equal(visible(...bytes), escapes(...bytes))
    assert.equal(visible(0x61, ...bytes, 0x62), `a${escapes(...bytes)}b`)
  }
})

test('a sequence cut off by the end of a view is not completed by the bytes behind it', () => {
  const line = Buffer.from('é<')
  assert.equal(visibleBytes(line.subarray(0, 1)), esc('xc3'))
})

test('a replacement character that stood in the log is shown as itself, also beside a bad byte', () => {
  assert.equal(visibleBytes(Buffer.from('a\ufffdb')), 'a\ufffdb')
  assert.equal(visible(0xef, 0xbf, 0xbd, 0xff), `\ufffd${esc('xff')}`)
})

test('text out of a log is shown the same way, lone surrogates included', () => {
  assert.equal(visibleText('<a\u202e\x1b\ud800>'), `&lt;a${esc('u{202e}')}${esc('x1b')}${esc('u{d800}')}&gt;`)
})

test('the portal’s own text only has its markup characters replaced', () => {
  assert.equal(escapeHtml(`<&>"'é\u202e`), '&lt;&amp;&gt;&quot;&#39;é\u202e')
})
