import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EVERYTHING } from '../store/reading.ts'
import { parseDownloadFormat } from './download-format.ts'
import { downloadName } from './download-name.ts'

const micros = (iso: string) => Date.parse(iso) * 1000
const owned = (collection: string) => ({ collection, masked: false })
const LOG = parseDownloadFormat('log', undefined)

test('is the id and both ends in basic ISO form, UTC', () => {
  const window = { fromMicros: micros('2026-11-23T13:55:00+01:00'), toMicros: micros('2026-11-24T00:00:00Z') }
  assert.equal(downloadName(owned('1824'), window, LOG), '1824_20261123T125500Z_20261124T000000Z.log')
})

test('goes down to the second, so that a window that ends now has a name to read', () => {
  const window = {
    fromMicros: micros('2026-11-23T12:55:00.250Z') + 999,
    toMicros: micros('2026-11-24T00:00:00.999Z'),
  }
  assert.equal(downloadName(owned('1824'), window, LOG), '1824_20261123T125500Z_20261124T000000Z.log')
})

test('names all of time, and needs no quoting in a header', () => {
  const name = downloadName(owned('99999999999999999999'), EVERYTHING, LOG)
  assert.equal(name, '99999999999999999999_19700101T000000Z_22550314T160000Z.log')
  assert.match(name, /^[A-Za-z0-9._]+$/)
})

test('says that addresses are masked', () => {
  const window = { fromMicros: 0, toMicros: micros('2026-11-24T00:00:00Z') }
  const name = downloadName({ collection: '1824', masked: true }, window, parseDownloadFormat('csv', '1'))
  assert.equal(name, '1824_19700101T000000Z_20261124T000000Z_masked.csv.gz')
})

test('ends with the format, and with .gz where it is a gzip file', () => {
  const extension = (format: string, gzip?: string) =>
    downloadName(owned('1'), { fromMicros: 0, toMicros: 0 }, parseDownloadFormat(format, gzip)).replace(
      /^[^.]*/,
      '',
    )
  assert.deepEqual(
    [extension('csv'), extension('ndjson', '1'), extension('log', '1')],
    ['.csv', '.ndjson.gz', '.log.gz'],
  )
})
