import assert from 'node:assert/strict'
import { mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { PortalError } from '../errors.ts'
import type { AccessFile } from './access-file.ts'
import { openAccessSource } from './access-source.ts'

const rulesFor = (group: string) => `rules: [{ group: ${group}, collections: [1] }]\n`

function groupOf(file: AccessFile): string | null {
  const [rule] = file.rules
  return rule?.kind === 'group' ? rule.group : null
}

function openFile(t: TestContext, text: string) {
  const folder = mkdtempSync(join(tmpdir(), 'log-portal-access-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'access.yaml')
  writeFileSync(path, text)
  const lines: string[] = []
  const source = openAccessSource({ path, log: (line) => lines.push(line) })
  return { path, lines, source, group: () => groupOf(source.current()) }
}

test('a broken or missing file at start is an error', (t) => {
  assert.throws(() => openFile(t, 'rules: ['), { code: 'bad_access_file' })
  assert.throws(
    () => openAccessSource({ path: '/nowhere/access.yaml', log: () => undefined }),
    (error) => error instanceof PortalError && /cannot be read \(ENOENT\)/.test(error.detail ?? ''),
  )
})

test('a change acts on the next look, even one of the same size within the same tick of the clock', (t) => {
  const { path, lines, group } = openFile(t, rulesFor('/a'))
  for (const name of ['/b', '/c', '/d', '/e']) {
    writeFileSync(path, rulesFor(name))
    assert.equal(group(), name)
  }
  assert.equal(lines.length, 4)
})

test('a file put in place by renaming is seen, whatever its time says', (t) => {
  const { path, group } = openFile(t, rulesFor('/a'))
  const settled = new Date(Date.now() - 3_600_000)
  utimesSync(path, settled, settled)
  assert.equal(group(), '/a')
  writeFileSync(`${path}.new`, rulesFor('/b'))
  utimesSync(`${path}.new`, settled, settled)
  renameSync(`${path}.new`, path)
  assert.equal(group(), '/b')
})

test('a broken file leaves the last good one in force, is reported, logged once, and mends', (t) => {
  const { path, lines, source, group } = openFile(t, rulesFor('/a'))
  writeFileSync(path, 'rules:\n  - { group: /b, coll')
  for (let look = 0; look < 3; look++) assert.equal(group(), '/a')
  assert.match(source.problem ?? '', /^line 2: not YAML/)
  assert.equal(lines.length, 1)
  assert.match(lines[0] ?? '', /broken, the last good one stays in force/)
  writeFileSync(path, rulesFor('/b'))
  assert.equal(group(), '/b')
  assert.equal(source.problem, null)
  assert.equal(lines.length, 2)
})

test('a missing file is a problem until it is back', (t) => {
  const { path, lines, source, group } = openFile(t, rulesFor('/a'))
  renameSync(path, `${path}.away`)
  assert.equal(group(), '/a')
  assert.equal(group(), '/a')
  assert.match(source.problem ?? '', /ENOENT/)
  assert.equal(lines.length, 1)
  renameSync(`${path}.away`, path)
  assert.equal(group(), '/a')
  assert.equal(source.problem, null)
})

test('a broken file that is put back as it was is no problem any more', (t) => {
  const { path, source, group } = openFile(t, rulesFor('/a'))
  writeFileSync(path, 'rules')
  assert.equal(group(), '/a')
  assert.notEqual(source.problem, null)
  writeFileSync(path, rulesFor('/a'))
  assert.equal(group(), '/a')
  assert.equal(source.problem, null)
})
