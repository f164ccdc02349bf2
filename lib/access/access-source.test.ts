import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
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

test('tells when the version in force was changed; a broken one does not count', (t) => {
  const { path, source } = openFile(t, rulesFor('/a'))
  const before = source.changedAtMs
  assert.ok(Math.abs(Date.now() - before) < 60_000)
  writeFileSync(path, 'rules: [')
  source.current()
  assert.equal(source.changedAtMs, before)
  const old = new Date(Date.now() - 3_600_000)
  writeFileSync(path, rulesFor('/b'))
  utimesSync(path, old, old)
  source.current()
  assert.ok(source.changedAtMs >= before, 'when it was seen, whatever the time on the file says')
  const { changedAtMs } = openAccessSource({ path, log: () => undefined })
  assert.ok(Math.abs(changedAtMs - old.getTime()) <= 1, 'as the disk has it at the start')
})

test('each change is told of once in words that hold nothing out of the file', (t) => {
  const { path } = openFile(t, rulesFor('/a'))
  const changes: string[] = []
  const source = openAccessSource({
    path,
    log: () => undefined,
    onChange: (change) => changes.push(change),
  })
  const look = () => {
    source.current()
    source.current()
  }
  look()
  assert.deepEqual(changes, [])
  for (const text of [rulesFor('/b'), 'rules: [canary', rulesFor('/c')]) {
    writeFileSync(path, text)
    look()
  }
  renameSync(path, `${path}.away`)
  look()
  renameSync(`${path}.away`, path)
  look()
  assert.deepEqual(changes, [
    'a new version of the access file is in force',
    'the access file is broken, the last good one stays in force',
    'a new version of the access file is in force',
    'the access file is broken, the last good one stays in force',
    'the access file can be read again, and is the one in force',
  ])
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
  assert.match(lines[1] ?? '', /can be read again/)
  assert.equal(group(), '/a')
  assert.equal(lines.length, 2)
})

/** Each way in which the file can go bad while the portal runs, and what is said of it. */
const WAYS: Record<string, { spoil: (path: string) => void; said: RegExp }> = {
  'bad YAML': { spoil: (path) => writeFileSync(path, 'rules: [}'), said: /^line 1: not YAML/ },
  'an unknown key': {
    spoil: (path) => writeFileSync(path, `${rulesFor('/b')}extra: 1\n`),
    said: /^line 2: extra is not known/,
  },
  'a rule of no kind': {
    spoil: (path) => writeFileSync(path, 'rules:\n  - { patern: "/x-{id}" }\n'),
    said: /^line 2: rules\[0\] takes [\s\S]*^line 2: rules\[0\]\.patern is not known/m,
  },
  nothing: { spoil: (path) => writeFileSync(path, ''), said: /^line 1: the file is empty/ },
  'more than an access file can be': {
    spoil: (path) => writeFileSync(path, `${rulesFor('/b')}${'#'.repeat(4 * 1024 * 1024)}`),
    said: /cannot be read \(it is larger than 4 MiB\)/,
  },
  'another encoding': {
    spoil: (path) => writeFileSync(path, Buffer.from(rulesFor('/b\u00e9'), 'latin1')),
    said: /cannot be read \(it is not UTF-8\)/,
  },
  'brackets without end': {
    spoil: (path) => writeFileSync(path, '['.repeat(100_000)),
    said: /not YAML|cannot be understood/,
  },
  'its deletion': { spoil: (path) => rmSync(path), said: /cannot be read \(ENOENT\)/ },
  'a directory in its place': {
    spoil: (path) => {
      rmSync(path)
      mkdirSync(path)
    },
    said: /cannot be read \(it is a directory\)/,
  },
  'a pipe that nobody writes to': {
    spoil: (path) => {
      rmSync(path)
      execFileSync('mkfifo', [path])
    },
    said: /cannot be read \(it is no regular file\)/,
  },
  'a link that leads to itself': {
    spoil: (path) => {
      rmSync(path)
      symlinkSync(path, path)
    },
    said: /cannot be read \(ELOOP\)/,
  },
  'a file that fails to be read': {
    spoil: (path) => {
      rmSync(path)
      // Also for root, whom permissions do not stop.
      symlinkSync('/proc/self/mem', path)
    },
    said: /cannot be read \(EIO\)/,
  },
  'a broken file by renaming': {
    spoil: (path) => {
      writeFileSync(`${path}.new`, 'rules: 7\n')
      renameSync(`${path}.new`, path)
    },
    said: /^line 1: rules takes a list/,
  },
}

for (const [way, { spoil, said }] of Object.entries(WAYS))
  test(`${way} leaves the last good file in force, is said and logged once, and ends when it is restored`, (t) => {
    const { path, lines, source, group } = openFile(t, rulesFor('/a'))
    spoil(path)
    for (let look = 0; look < 3; look++) assert.equal(group(), '/a')
    assert.match(source.problem ?? '', said)
    assert.deepEqual(
      lines.map((line) => line.includes('broken, the last good one stays in force') && !line.includes('\n')),
      [true],
    )
    rmSync(path, { recursive: true, force: true })
    writeFileSync(`${path}.new`, rulesFor('/a'))
    renameSync(`${path}.new`, path)
    assert.equal(group(), '/a')
    assert.equal(source.problem, null)
    writeFileSync(path, rulesFor('/b'))
    assert.equal(group(), '/b')
  })

test('a file that may not be read leaves the last good one in force', {
  skip: process.getuid?.() === 0 ? 'root may read everything' : false,
}, (t) => {
  const { path, source, group } = openFile(t, rulesFor('/a'))
  writeFileSync(path, rulesFor('/b'), { mode: 0o600 })
  chmodSync(path, 0)
  assert.equal(group(), '/a')
  assert.match(source.problem ?? '', /EACCES/)
  chmodSync(path, 0o600)
  assert.equal(group(), '/b')
})

test('a file with a byte order mark is read like one without', (t) => {
  const { path, group } = openFile(t, rulesFor('/a'))
  writeFileSync(path, `\ufeff${rulesFor('/b')}`)
  assert.equal(group(), '/b')
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
