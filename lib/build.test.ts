import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { hashSources } from './build.ts'

test('the hash changes with a source, its name and the lockfile, and not with tests or other folders', async (context) => {
  const root = await mkdtemp(join(tmpdir(), 'log-portal-build-'))
  context.after(() => rm(root, { recursive: true, force: true }))
  for (const folder of ['app/signin', 'lib', 'ingest']) await mkdir(join(root, folder), { recursive: true })
  await writeFile(join(root, 'app/signin/page.tsx'), 'one')
  await writeFile(join(root, 'package-lock.json'), '{}')
  const first = hashSources(root)

  await writeFile(join(root, 'lib/window.test.ts'), 'a test')
  await writeFile(join(root, 'ingest/main.ts'), 'another program')
  assert.equal(hashSources(root), first)

  const seen = new Set([first])
  const changes: [path: string, content: string][] = [
    ['app/signin/page.tsx', 'two'],
    ['app/signin/other.tsx', 'one'],
    ['lib/store.lua', 'return 1'],
    ['package-lock.json', '{"changed":true}'],
  ]
  for (const [path, content] of changes) {
    await writeFile(join(root, path), content)
    seen.add(hashSources(root))
  }
  assert.equal(seen.size, changes.length + 1)
})
