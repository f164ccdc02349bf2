import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ensureProgram, findProgram, MissingProgramError } from './system-package.ts'

/** The installation itself needs a system to install on; here is what needs none. */

test('finds an executable file in the folders of PATH, the first one first', async (context) => {
  const root = await mkdtemp(join(tmpdir(), 'log-portal-path-'))
  context.after(() => rm(root, { recursive: true, force: true }))
  for (const folder of ['a/tool', 'b', 'c', 'd']) await mkdir(join(root, folder), { recursive: true })
  for (const folder of ['b', 'c', 'd']) await writeFile(join(root, folder, 'tool'), '#!/bin/sh\n')
  for (const folder of ['c', 'd']) await chmod(join(root, folder, 'tool'), 0o755)
  const path = ['a', 'b', 'c', 'd'].map((folder) => join(root, folder)).join(':')
  assert.equal(findProgram('tool', path), join(root, 'c/tool'))
  assert.equal(findProgram('no-such-tool', path), null)
  assert.equal(findProgram('tool', ''), null)
})

test('without apt-get it names the program and the package', async (context) => {
  const path = process.env.PATH
  context.after(() => {
    process.env.PATH = path
  })
  process.env.PATH = '/nowhere'
  await assert.rejects(
    ensureProgram({ program: 'redis-server', aptPackage: 'redis-server', log: () => undefined }),
    (error) => error instanceof MissingProgramError && /redis-server is missing/.test(error.message),
  )
})
