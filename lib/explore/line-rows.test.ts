import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { StoredLine } from '../store/reading.ts'
import { LINE_COLUMNS, lineRows, type RowsOptions } from './line-rows.ts'

const TIME = '[06/May/2013:09:54:52 -0400]'
const SAMPLE_MICROS = 1_367_848_492_000_000
const SHOWN_BYTES = 4096

function stored(line: string | Buffer, fields: Partial<StoredLine> = {}): StoredLine {
  const bytes = Buffer.isBuffer(line) ? line : Buffer.from(line)
  return { line: bytes, source: 'web1', ordinal: 0, micros: SAMPLE_MICROS, ...fields }
}

const rows = (lines: readonly StoredLine[], options: Partial<RowsOptions> = {}) =>
  lineRows(lines, {
    zone: 'UTC',
    withDate: false,
    base: '?from=1',
    cursors: lines.map((_, place) => `c.${place}`),
    context: null,
    target: null,
    clientFields: new Map(),
    ...options,
  })

const accessLine = (request: string, rest = '200 2326 "-" "agent" 1824') =>
  `10.0.0.1 - - ${TIME} "${request}" ${rest}`

const ROW =
  /<tr(?: class="s[1-5]")?><td class="t"><a href="\?from=1&amp;at=c\.[0-9]+#line"><time datetime="[0-9T:.Z-]+">[^<>]*<\/time><\/a><\/td><td class="h">([^<>]*)<\/td><td class="a">((?:[^<>]|<i class="esc">[^<>]*<\/i>)*)<\/td><td class="m">([^<>]*)<\/td><td class="c">([^<>]*)<\/td><td class="b">([^<>]*)<\/td><td class="p"><details><summary>((?:[^<>]|<i class="esc">[^<>]*<\/i>)*)<\/summary><code>((?:[^<>]|<i class="esc">[^<>]*<\/i>)*)<\/code>(?:<em>([^<>]*)<\/em>)?<a href="\?from=1&amp;at=c\.[0-9]+&amp;context=50#line" class="around">50 lines around this<\/a><button type="button" class="copy">Copy(?: this part)?<\/button><\/details><\/td><\/tr>/gy

interface Cells {
  readonly source: string
  readonly address: string
  readonly method: string
  readonly status: string
  readonly bytes: string
  readonly short: string
  readonly raw: string
  readonly hidden: string | undefined
}

/** The cells of every row; fails where the HTML is anything but rows of the one form. */
function cellsOf(html: string): Cells[] {
  const cells: Cells[] = []
  ROW.lastIndex = 0
  for (let at = 0; at < html.length; at = ROW.lastIndex) {
    const match = ROW.exec(html)
    assert.ok(match, `no row at ${at}: ${html.slice(at, at + 300)}`)
    const [, source = '', address = '', method = '', status = '', bytes = '', short = '', raw = '', hidden] =
      match
    cells.push({ source, address, method, status, bytes, short, raw, hidden })
  }
  return cells
}

test('shows a line’s fields in columns, and the line itself', () => {
  const line = accessLine('GET /hr?x=1 HTTP/1.1', '404 23260 "-" "agent" 1824')
  const html = rows([stored(line)])
  assert.deepEqual(cellsOf(html), [
    {
      source: 'web1',
      address: '10.0.0.1',
      method: 'GET',
      status: '404',
      bytes: '23,260',
      short: '/hr?x=1',
      raw: line.replaceAll('"', '&quot;'),
      hidden: undefined,
    },
  ])
  assert.match(
    html,
    /^<tr class="s4"><td class="t"><a href="[^"]*"><time datetime="2013-05-06T13:54:52\.000Z">13:54:52<\/time>/,
  )
  assert.equal(html.match(/<td/g)?.length, LINE_COLUMNS.length)
})

test('times are those of the zone, with the day where it is asked for', () => {
  const time = (options: { zone?: string; withDate?: boolean }) =>
    /<time datetime="([^"]*)">([^<]*)</.exec(rows([stored('x')], options))?.slice(1)
  assert.deepEqual(time({ zone: 'America/New_York' }), ['2013-05-06T13:54:52.000Z', '09:54:52'])
  assert.deepEqual(time({ zone: 'Asia/Tokyo', withDate: true }), [
    '2013-05-06T13:54:52.000Z',
    '6 May 2013, 22:54:52',
  ])
})

test('the times of one page are not those of the page before, in whatever zone and with or without the day', () => {
  const time = (options: { zone: string; withDate: boolean }) =>
    /<time[^>]*>([^<]*)</.exec(rows([stored('x')], options))?.[1]
  for (let round = 0; round < 2; round++) {
    assert.equal(time({ zone: 'UTC', withDate: false }), '13:54:52')
    assert.equal(time({ zone: 'UTC', withDate: true }), '6 May 2013, 13:54:52')
    assert.equal(time({ zone: 'Asia/Tokyo', withDate: true }), '6 May 2013, 22:54:52')
    assert.equal(time({ zone: 'Asia/Tokyo', withDate: false }), '22:54:52')
  }
})

test('each line has its own time, also where several share one', () => {
  const lines = [0, 0, 1_000_000, 1_999_999, 0].map((more) => stored('x', { micros: SAMPLE_MICROS + more }))
  assert.deepEqual(
    [...rows(lines).matchAll(/T13:54:([0-9.]+)Z">13:54:([0-9]+)</g)].map((match) => match.slice(1)),
    [
      ['52.000', '52'],
      ['52.000', '52'],
      ['53.000', '53'],
      ['53.999', '53'],
      ['52.000', '52'],
    ],
  )
})

test('midnight is hour 00', () => {
  assert.match(rows([stored('x', { micros: 1_367_798_400_000_001 })]), /2013-05-06T00:00:00\.000Z">00:00:00</)
})

test('a line without readable fields is shown raw, and so is one without a source', () => {
  const [cells] = cellsOf(rows([stored('no access line at all', { source: '' })]))
  assert.deepEqual(cells, {
    source: '',
    address: 'no',
    method: '',
    status: '',
    bytes: '',
    short: 'no access line at all',
    raw: 'no access line at all',
    hidden: undefined,
  })
  assert.deepEqual(
    cellsOf(rows([stored('')])).map(({ short, raw }) => [short, raw]),
    [['', '']],
  )
})

test('rows come in the order given, none for no line', () => {
  const paths = ['/c', '/a', '/b']
  const html = rows(paths.map((path) => stored(accessLine(`GET ${path} HTTP/1.1`))))
  assert.deepEqual(
    cellsOf(html).map(({ short }) => short),
    paths,
  )
  assert.equal(rows([]), '')
})

test('a line over 4 KiB is cut, and says how much is hidden', () => {
  const line = (length: number) => stored('a'.repeat(length))
  const cut = (length: number) => {
    const [cells] = cellsOf(rows([line(length)]))
    return [cells?.raw.length, cells?.hidden]
  }
  assert.deepEqual(cut(SHOWN_BYTES), [SHOWN_BYTES, undefined])
  assert.deepEqual(cut(SHOWN_BYTES + 1), [SHOWN_BYTES, 'and 1 bytes more, whole in the download'])
  assert.deepEqual(cut(1024 * 1024), [SHOWN_BYTES, 'and 1,044,480 bytes more, whole in the download'])
})

test('a cut never falls within a character', () => {
  for (const character of ['é', '€', '😀'])
    for (let lead = 0; lead < 4; lead++) {
      const text = 'a'.repeat(SHOWN_BYTES - lead) + character.repeat(5)
      const [cells] = cellsOf(rows([stored(text)]))
      assert.equal(cells?.raw.replace(/^a*/, '').replaceAll(character, ''), '', `${character} ${lead}`)
      const hidden = Number(/ ([0-9]+) /.exec(cells?.hidden ?? '')?.[1])
      assert.equal(Buffer.byteLength(cells?.raw ?? '') + hidden, Buffer.byteLength(text))
    }
})

test('the line that the page is about is marked, open, and the one that links lead to', () => {
  const html = rows([stored(accessLine('GET /a HTTP/1.1')), stored('b'), stored('c')], { target: 1 })
  assert.equal(html.match(/ id="line"/g)?.length, 1)
  assert.equal(html.match(/<details open>/g)?.length, 1)
  assert.match(html, /<tr class="target" id="line" aria-current="true">.*<details open><summary>b</)
  assert.match(
    rows([stored(accessLine('GET /a HTTP/1.1'))], { target: 0 }),
    /^<tr class="s2 target" id="line"/,
  )
})

test('each row leads to its own line, alone and with those around it, whatever stands in the address', () => {
  const hrefs = (options: Partial<RowsOptions>) =>
    [...rows([stored('a'), stored('b')], options).matchAll(/href="([^"]*)"/g)].map(([, href]) => href)
  assert.deepEqual(
    hrefs({ base: '?q="<', cursors: ['"1', '<2'] }),
    ['&quot;1', '&quot;1&amp;context=50', '&lt;2', '&lt;2&amp;context=50'].map(
      (rest) => `?q=&quot;&lt;&amp;at=${rest}#line`,
    ),
  )
  assert.deepEqual(
    hrefs({ context: 7 }),
    ['c.0&amp;context=7', 'c.0&amp;context=50', 'c.1&amp;context=7', 'c.1&amp;context=50'].map(
      (rest) => `?from=1&amp;at=${rest}#line`,
    ),
  )
})

test('no field of a huge line makes a huge page', () => {
  const huge = 'x'.repeat(500_000)
  const lines = [
    huge,
    `${huge} y`,
    accessLine(`GET /${huge} HTTP/1.1`),
    accessLine(huge),
    accessLine('GET / HTTP/1.1', `${huge} ${huge}`),
  ]
  for (const line of lines) assert.ok(rows([stored(line)]).length < 3 * SHOWN_BYTES, line.slice(0, 80))
})

test('a size of 20 digits is shown to the digit, a dash as a dash', () => {
  const size = (text: string) =>
    cellsOf(rows([stored(accessLine('GET / HTTP/1.1', `200 ${text} 1824`))]))[0]?.bytes
  assert.equal(size('12345678901234567890'), '12,345,678,901,234,567,890')
  assert.equal(size('-'), '-')
  assert.equal(size('<b>'), '')
})

test('hostile text is only ever text, wherever it stands', () => {
  const hostile = "\"><script>alert(1)</script></td></tr><tr onmouseover='x'>&\u202e\x1b"
  const html = rows([
    stored(hostile, { source: hostile.replace('\u202e\x1b', '') }),
    stored(`${hostile} - - ${TIME} "${hostile.replaceAll('"', '\\"')}" 200 5 "${hostile.slice(1)}" 1824`),
    stored(accessLine(`<b> /${hostile.slice(1)} HTTP/1.1`)),
  ])
  const cells = cellsOf(html)
  assert.equal(cells.length, 3)
  assert.match(cells[0]?.source ?? '', /&lt;script&gt;/)
  for (const { raw } of cells)
    assert.match(raw, /&lt;script&gt;.*<i class="esc">\\u\{202e\}<\/i><i class="esc">\\x1b<\/i>/)
})

test('any bytes make one well-formed row a line', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      TIME,
      ' "',
      '" ',
      'GET /',
      ' HTTP/1.1',
      ' 200 ',
      '5 ',
      '<b>',
      '</td>',
      '&lt;',
      "'",
      '\xff',
      '\0',
    ),
    fc.uint8Array({ maxLength: 5 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  )
  const line = fc
    .array(piece, { maxLength: 12 })
    .map((pieces) => stored(Buffer.from(pieces.join(''), 'latin1')))
  fc.assert(
    fc.property(fc.array(line, { maxLength: 4 }), (lines) => {
      assert.equal(cellsOf(rows(lines)).length, lines.length)
    }),
    { numRuns: 500 },
  )
})
