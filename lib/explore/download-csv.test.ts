import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseCsv } from '../../e2e/csv.ts'
import { CSV_HEADER, csvRows } from './download-csv.ts'

const TIME = '[23/Nov/2026:13:55:07 +0000]'
const rowsOf = (lines: readonly (string | Buffer)[], source = 'web1') =>
  csvRows({ zone: 'UTC', clientFields: new Map() })(
    lines.map((line) => ({ line: Buffer.from(line), source })),
  )
const cellsOf = (line: string | Buffer, source?: string) => parseCsv(rowsOf([line], source))[0] ?? []
const lineCell = (line: string | Buffer) => cellsOf(line).at(-1) ?? ''

test('the header names the columns', () => {
  assert.equal(
    CSV_HEADER.toString(),
    'time,source,address,place,method,path,status,bytes,referrer,agent,line\r\n',
  )
})

test('a row has a cell for each field and then the line; quotes are doubled, rows end with CR LF', () => {
  const line = `192.0.2.7 - - ${TIME} "GET /a,b HTTP/1.1" 200 512 "http://example.org/" "an agent; of 1.0" 1824`
  assert.equal(
    rowsOf([line]).toString(),
    `2026-11-23T13:55:07+00:00,web1,192.0.2.7,,GET,"/a,b",200,512,http://example.org/,"an agent; of 1.0","${line.replaceAll('"', '""')}"\r\n`,
  )
})

test('what was logged as "-" is an empty cell', () => {
  assert.deepEqual(cellsOf(`- - - ${TIME} "-" 408 - "-" "-" 1824`, '').slice(0, -1), [
    '2026-11-23T13:55:07+00:00',
    '',
    '',
    '',
    '',
    '',
    '408',
    '',
    '',
    '',
  ])
})

const FORMULAS = {
  'OWASP signs': ['=1+1', '+1', '-2+3', '@SUM(A1)', '-', '- - - ['],
  'TAB, CR and NUL': ['\t=1', '\tx', '\rx', '\0x', '\0=1'],
  'blanks and controls before a sign': [
    ' =1',
    '\x0b=1',
    '\x7f@x',
    '\u00a0=1',
    '\u200b=1',
    '\ufeff=1',
    '\u3000+1',
  ],
  'full-width signs': ['\uff1d1+1', '\uff0b1', '\uff0d1', '\uff20x', '\u22121'],
}
for (const [kind, cells] of Object.entries(FORMULAS))
  test(`attempt 48: a cell that would run gets a ' in front: ${kind}`, () => {
    for (const cell of cells) assert.equal(lineCell(cell), Buffer.from(`'${cell}`).toString('latin1'))
  })

test('attempt 48: a cell that would not run stays as it is', () => {
  for (const cell of ['a=1', "'=1", ' a', '"=1"', '/-x', '\x01a', 'é=1', '1-1'])
    assert.equal(lineCell(cell), Buffer.from(cell).toString('latin1'))
})

test('every cell is looked at, not the line alone', () => {
  const cells = cellsOf(`=1 - - ${TIME} "GET =cmd|x HTTP/1.1" 200 5 "@r" "+a" 1824`, '-s')
  assert.deepEqual(
    [cells[1], cells[2], cells[5], cells[8], cells[9], cells[10]?.slice(0, 3)],
    ["'-s", "'=1", "'=cmd|x", "'@r", "'+a", "'=1"],
  )
})

test('CR, NUL, TAB and bytes that are not UTF-8 stand in their row, quoted where they must be', () => {
  const line = Buffer.from([0x61, 0x0d, 0x00, 0x09, 0xff, 0xc3, 0x28, 0x22, 0x2c])
  assert.ok(
    rowsOf([line]).includes(Buffer.concat([Buffer.from(',"a\r\0\t'), Buffer.from([0xff, 0xc3, 0x28])])),
  )
  assert.equal(lineCell(line), line.toString('latin1'))
})

test('whatever the bytes, each line is the last cell of a row of eleven', () => {
  const bytes = fc.oneof(
    fc.constantFrom(...Buffer.from('\r\0\t",;\'=+-@ \\')),
    fc.integer({ min: 0, max: 255 }),
  )
  const line = fc.array(bytes, { maxLength: 30 }).map((all) => Buffer.from(all.filter((b) => b !== 0x0a)))
  fc.assert(
    fc.property(fc.array(line, { minLength: 1 }), (lines) => {
      const rows = parseCsv(rowsOf(lines))
      assert.equal(rows.length, lines.length)
      for (const [at, row] of rows.entries()) {
        assert.equal(row.length, 11)
        const text = lines[at]?.toString('latin1')
        assert.ok(row[10] === text || row[10] === `'${text}`)
      }
    }),
    { numRuns: 300 },
  )
})

test('the visitor is in the field that the line’s source says', () => {
  const line = '10.0.0.9 203.0.113.7 - - [06/May/2013:09:54:52 +0000] "GET / HTTP/1.1" 200 5 1824'
  const address = (clientFields: ReadonlyMap<string, number>) =>
    csvRows({ zone: 'UTC', clientFields })([{ line: Buffer.from(line), source: 'web1' }])
      .toString()
      .split(',')[2]
  assert.equal(address(new Map([['web1', 2]])), '203.0.113.7')
  assert.equal(address(new Map([['web2', 2]])), '10.0.0.9')
})
