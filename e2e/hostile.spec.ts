import { cookieHeader, expect, logLine, test } from './fixtures.ts'
import { startIngest } from './ingest.ts'

/** Lines as visitors may make them: text on every page, bytes in every download. */

/** What is sent, and what a page shows for it. */
const PIECES: readonly (readonly [name: string, bytes: readonly number[] | string, shown: string])[] = [
  ['script', '<script>alert(1)</script>', '<script>alert(1)</script>'],
  ['attribute', `"><img src=x onerror='alert(2)'>`, `"><img src=x onerror='alert(2)'>`],
  [
    'end of the table',
    '</code></td></tr></table><style>*{display:none}</style>',
    '</code></td></tr></table><style>*{display:none}</style>',
  ],
  ['entity', '&lt;b&gt;&#x3c;', '&lt;b&gt;&#x3c;'],
  ['template', '`{{7*7}}', '`{{7*7}}'],
  ['backslash', '\\x1b', '\\x1b'],
  ['escape', [0x1b, 0x5b, 0x32, 0x4a], '\\x1b[2J'],
  ['C1, encoded', [0xc2, 0x9b], '\\u{9b}'],
  ['C1, raw', [0x9b], '\\x9b'],
  ['NUL', [0x00], '\\x00'],
  ['CR', [0x0d, 0x41], '\\x0dA'],
  ['backspace and delete', [0x08, 0x7f], '\\x08\\x7f'],
  ['TAB', [0x09], '\\x09'],
  ['right-to-left override', '\u202e', '\\u{202e}'],
  ['isolate', '\u2066', '\\u{2066}'],
  ['zero width', '\u200b\ufeff', '\\u{200b}\\u{feff}'],
  ['line separator', '\u2028', '\\u{2028}'],
  ['invalid UTF-8', [0xff, 0xfe, 0xc3, 0x28], '\\xff\\xfe\\xc3('],
  ['surrogate', [0xed, 0xa0, 0x80], '\\xed\\xa0\\x80'],
  ['overlong', [0xc0, 0xaf], '\\xc0\\xaf'],
]
/** Inside a quoted field a quote stands behind a backslash, as web servers write it. */
const quoted = (bytes: Buffer) => Buffer.from(bytes.toString('latin1').replaceAll(/["\\]/g, '\\$&'), 'latin1')

const AT = new Date(Date.UTC(2026, 2, 6, 15))
const WINDOW = '?from=2026-03-06T15:00:00Z&to=2026-03-06T15:01:00Z'

/** The piece in the path, the referrer and the agent; and once more where user and request should be. */
const LINES = PIECES.flatMap(([, bytes], n) => {
  const piece = typeof bytes === 'string' ? Buffer.from(bytes) : Buffer.from(bytes)
  const escaped = quoted(piece)
  const time = logLine('1824', '', new Date(AT.getTime() + n * 1000)).match(/\[[^\]]*\]/)?.[0] ?? ''
  return [
    Buffer.concat([
      Buffer.from(`192.0.2.1 - - ${time} "GET /${n}`),
      escaped,
      Buffer.from(' HTTP/1.1" 404 5 "'),
      escaped,
      Buffer.from('" "'),
      escaped,
      Buffer.from('" 1824'),
    ]),
    Buffer.concat([
      piece,
      Buffer.from(' - '),
      piece,
      Buffer.from(` ${time} "`),
      escaped,
      Buffer.from('" 200 5 1824'),
    ]),
  ]
})

test.beforeAll(async ({ portal }) => {
  const ingest = startIngest(portal.redis.url, ['--source', 'web9'])
  ingest.stdin.end(Buffer.concat(LINES.flatMap((line) => [line, Buffer.from('\n')])))
  const { exitCode, stderr } = await ingest.done
  expect(exitCode, stderr).toBe(0)
})

test('attempts 46, 47: what a visitor sent is shown as text with visible escapes on every page, and runs nothing', async ({
  signedIn,
  portal,
}) => {
  const page = await signedIn('hr-owner')
  const ran: string[] = []
  page.on('dialog', (dialog) => {
    ran.push(dialog.message())
    void dialog.dismiss()
  })
  page.on('console', (message) => {
    if (/Content Security Policy/.test(message.text())) ran.push(message.text())
  })
  await page.goto(`/collections/1824${WINDOW}`)
  const addressOf = (place: string) =>
    page
      .locator(place)
      .first()
      .evaluate((link: HTMLAnchorElement) => link.href)
  const [link, around] = [await addressOf('.t a'), await addressOf('.around')]
  for (const path of [
    `/collections/1824${WINDOW}`,
    `/collections/1824${WINDOW}&order=desc&tz=Asia/Tokyo`,
    link,
    around,
  ]) {
    const answer = await page.goto(path)
    expect(answer?.status()).toBe(200)
    // Around a line stand those of other tests too.
    expect(await page.locator('tbody tr').count()).toBeGreaterThanOrEqual(LINES.length)
    const raw = await page.locator('code').allTextContents()
    for (const [name, , shown] of PIECES)
      expect(
        raw.some((line) => line.startsWith(`${shown} - `)),
        `${name} on ${path}`,
      ).toBe(true)
    // Not a single character in the document that would steer the display.
    const text = await page.evaluate(() => document.body.textContent ?? '')
    expect(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}]/u.exec(text.replaceAll('\n', ''))?.[0]).toBeUndefined()
    expect(await page.locator('tbody script, tbody img, tbody style').count()).toBe(0)
  }
  expect(ran).toEqual([])
  const cookie = await cookieHeader(page)
  const answer = await fetch(`${portal.origin}/collections/1824/download${WINDOW}`, { headers: { cookie } })
  const download = Buffer.from(await answer.arrayBuffer())
  expect(download.length).toBe(LINES.reduce((bytes, line) => bytes + line.length + 1, 0))
  for (const line of LINES) expect(download.includes(Buffer.concat([line, Buffer.from('\n')]))).toBe(true)
})

test('what stands in an address comes back as text too', async ({ signedIn }) => {
  const page = await signedIn('web-owner')
  const hostile = `"><script>alert(1)</script>\u202e`
  const asked = encodeURIComponent(hostile)
  for (const path of [`/?q=${asked}`, `/?${asked}=1`, `/collections/762?from=${asked}`]) {
    await page.goto(path)
    await expect(page.locator('main')).toContainText('script')
    expect(await page.locator('main script').count(), path).toBe(0)
  }
})
