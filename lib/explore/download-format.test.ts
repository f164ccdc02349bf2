import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PortalError } from '../errors.ts'
import { contentType, parseDownloadFormat } from './download-format.ts'

test('the log itself is the default, not packed', () => {
  assert.deepEqual(parseDownloadFormat(undefined, undefined), { name: 'log', gzip: false })
})

test('a gzip file is one by its type', () => {
  const type = (format: string, gzip?: string) => contentType(parseDownloadFormat(format, gzip))
  assert.deepEqual(
    [type('log'), type('csv'), type('ndjson'), type('csv', '1')],
    [
      'text/plain; charset=utf-8',
      'text/csv; charset=utf-8; header=present',
      'application/x-ndjson; charset=utf-8',
      'application/gzip',
    ],
  )
})

test('anything else is refused by its name, with what it takes', () => {
  const refused = (format: string | undefined, gzip: string | undefined, words: RegExp) =>
    assert.throws(
      () => parseDownloadFormat(format, gzip),
      (error: unknown) =>
        error instanceof PortalError && error.code === 'bad_parameter' && words.test(error.detail ?? ''),
    )
  for (const format of ['xlsx', 'CSV', '__proto__', 'toString'])
    refused(format, undefined, /^format: .*log, csv, ndjson/)
  for (const gzip of ['0', 'true', '11']) refused('log', gzip, /^gzip: takes 1/)
})
