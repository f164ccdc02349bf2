import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { CSV_HEADER, csvRows } from '../lib/explore/download-csv.ts'
import { hostileLines, markOf } from './hostile-lines.ts'

/** What a real spreadsheet makes of a CSV download: `npm test -- --office`, with LibreOffice as $SOFFICE. */

const run = promisify(execFile)
const CONVERT_MS = 60_000
/** Separators (as codes), quote, UTF-8, first line, … , and last: formulas are evaluated. */
const importOptions = (separators: string) =>
  `CSV:${separators},34,76,1,,0,false,true,false,false,false,0,true`
const COMMA = '44'
/** What the import dialog has ticked by default: TAB, comma and semicolon. */
const ANY_SEPARATOR = '9/44/59'

let folder = ''
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portal-office-'))
})
after(() => rm(folder, { recursive: true, force: true }))

/** @returns the sheet as LibreOffice has it, in its flat XML. */
async function opened(csv: Buffer, separators: string): Promise<string> {
  await writeFile(join(folder, 'sheet.csv'), csv)
  await run(
    process.env.SOFFICE ?? 'soffice',
    [
      `-env:UserInstallation=file://${folder}/profile`,
      '--headless',
      '--norestore',
      `--infilter=${importOptions(separators)}`,
      '--convert-to',
      'fods',
      '--outdir',
      folder,
      join(folder, 'sheet.csv'),
    ],
    { timeout: CONVERT_MS, killSignal: 'SIGKILL' },
  )
  return readFile(join(folder, 'sheet.fods'), 'utf8')
}

/** Rows with something in them, as XML. */
function rowsOf(sheet: string): string[] {
  return [...sheet.matchAll(/<table:table-row\b[^>]*>([\s\S]*?)<\/table:table-row>/g)]
    .map(([, row = '']) => row)
    .filter((row) => row.includes('<text:p>'))
}

test('the check itself: LibreOffice does run a formula that nobody disarmed', async () => {
  const sheet = await opened(Buffer.from('a,b\r\n=1+1,x\r\n'), COMMA)
  assert.match(sheet, /table:formula=/)
})

const lines = hostileLines('1824', (n) => `24/Nov/2026:14:${String(n % 60).padStart(2, '0')}:00 +0000`)
const csv = Buffer.concat([
  CSV_HEADER,
  csvRows({ zone: 'UTC', clientFields: new Map() })(lines.map((line) => ({ line, source: 'web1' }))),
])

for (const [name, separators] of [
  ['comma', COMMA],
  ['TAB, comma and semicolon', ANY_SEPARATOR],
] as const)
  test(`no cell is run and each line stands in its row, separated by ${name}`, async () => {
    const sheet = await opened(csv, separators)
    assert.doesNotMatch(sheet, /table:formula=/)
    const rows = rowsOf(sheet)
    assert.equal(rows.length, lines.length + 1)
    for (const n of lines.keys()) {
      const marks = rows[n + 1]?.match(/mark-[0-9]+-end/g)
      assert.deepEqual(marks, [markOf(n)], `row ${n + 1}`)
    }
  })
