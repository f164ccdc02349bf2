import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EVERYTHING } from '../store/reading.ts'
import { downloadName } from './download-name.ts'

const micros = (iso: string) => Date.parse(iso) * 1000

test('is the id and both ends in basic ISO form, UTC', () => {
  const window = { fromMicros: micros('2026-11-23T13:55:00+01:00'), toMicros: micros('2026-11-24T00:00:00Z') }
  assert.equal(downloadName('1824', window), '1824_20261123T125500Z_20261124T000000Z.log')
})

test('has a fraction of a second only where there is one', () => {
  const window = {
    fromMicros: micros('2026-11-23T12:55:00.250Z') + 999,
    toMicros: micros('2026-11-24T00:00:00Z'),
  }
  assert.equal(downloadName('1824', window), '1824_20261123T125500.250Z_20261124T000000Z.log')
})

test('names all of time, and needs no quoting in a header', () => {
  const name = downloadName('99999999999999999999', EVERYTHING)
  assert.equal(name, '99999999999999999999_19700101T000000Z_22550314T160000Z.log')
  assert.match(name, /^[A-Za-z0-9._]+$/)
})
