import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { parseCollectionId } from '../collection-id.ts'
import { retentionDaysSource } from './retention-days.ts'

const folder = mkdtempSync(join(tmpdir(), 'retention-days-'))
after(() => rmSync(folder, { recursive: true }))

const log = () => undefined

function daysOf(days: ReturnType<ReturnType<typeof retentionDaysSource>>, text: string) {
  const id = parseCollectionId(text)
  assert.ok(id && days.daysOf)
  return days.daysOf(id)
}

test('without an access file every collection keeps its lines as long as the setting says', () => {
  assert.equal(daysOf(retentionDaysSource({ accessFile: null, defaultDays: 30, log })(), '7'), 30)
  assert.equal(daysOf(retentionDaysSource({ accessFile: null, defaultDays: null, log })(), '7'), null)
})

test('a collection’s own figure goes before the setting, and acts as soon as it is written', () => {
  const accessFile = join(folder, 'good.yaml')
  writeFileSync(accessFile, 'collections: { 7: { name: Seven, retentionDays: 90 } }\nrules: []\n')
  const current = retentionDaysSource({ accessFile, defaultDays: 30, log })
  assert.equal(daysOf(current(), '7'), 90)
  assert.equal(daysOf(current(), '8'), 30)
  writeFileSync(accessFile, 'collections: { 7: { name: Seven, retentionDays: 365 } }\nrules: []\n')
  assert.equal(daysOf(current(), '7'), 365)
})

test('while the access file is missing or broken nothing is to be removed by age, and it is said why', () => {
  const accessFile = join(folder, 'mended.yaml')
  const current = retentionDaysSource({ accessFile, defaultDays: 30, log })
  const missing = current()
  assert.equal(missing.daysOf, null)
  assert.match(missing.problem, /^No lines are removed by age: .*mended\.yaml cannot be read \(ENOENT\)/)
  writeFileSync(accessFile, 'collections: { 7: { name: Seven, retentionDays: 90 } }\nrules: []\n')
  assert.equal(daysOf(current(), '7'), 90)
  writeFileSync(accessFile, 'rules: []\ncollections:\n  7: { name: Seven, retentionDays: never }\n')
  const broken = current()
  assert.equal(broken.daysOf, null)
  assert.match(
    broken.problem,
    /line 3: collections\.7\.retentionDays takes a whole number of days from 1 to 3650/,
  )
  assert.ok(!broken.problem.includes('\n'))
})
