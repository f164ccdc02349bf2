import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { PROJECT_ROOT } from '../lib/build.ts'

/**
 * The attempts on the portal that it was built against are numbered from 1 to 60, and each has tests whose names begin with
 * its number: `attempt 7: …`, `attempts 5, 6: …`. What is not built has nothing to attempt.
 */

const ATTEMPTS = 60

function numbersIn(text: string): number[] {
  return [...text.matchAll(/test\(\s*['"`]attempts? ([0-9]+(?:, [0-9]+)*): /g)].flatMap(([, list = '']) =>
    list.split(', ').map(Number),
  )
}

test('each attempt has a test with its number', () => {
  const files = globSync('{app,lib,ingest,e2e}/**/*.{test,spec}.ts', { cwd: PROJECT_ROOT })
  const found = new Set(files.flatMap((file) => numbersIn(readFileSync(join(PROJECT_ROOT, file), 'utf8'))))
  const missing = Array.from({ length: ATTEMPTS }, (_, i) => i + 1).filter((number) => !found.has(number))
  assert.deepEqual(missing, [])
  assert.ok([...found].every((number) => number >= 1 && number <= ATTEMPTS))
})

test('attempt 59: what is installed is no older than the versions that hold', () => {
  const floors = { next: [16, 4, 6], 'next-auth': [4, 24, 15], ioredis: [6, 0, 0] }
  const lock = JSON.parse(readFileSync(join(PROJECT_ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version: string }>
  }
  for (const [name, floor] of Object.entries(floors)) {
    // Also a copy that another package brings along.
    const copies = Object.keys(lock.packages).filter((path) => path.endsWith(`node_modules/${name}`))
    assert.ok(copies.length > 0, name)
    for (const path of copies) {
      const version = lock.packages[path]?.version ?? ''
      assert.match(version, /^[0-9]+\.[0-9]+\.[0-9]+$/, `${name} is a release`)
      assert.ok(!isBelow(version.split('.').map(Number), floor), `${path} is ${version}`)
    }
  }
  assert.ok(isBelow([16, 4, 5], floors.next) && !isBelow([16, 5, 0], floors.next))
})

function isBelow(version: readonly number[], floor: readonly number[]): boolean {
  const at = floor.findIndex((part, index) => part !== version[index])
  return at >= 0 && (version[at] ?? 0) < (floor[at] ?? 0)
}
