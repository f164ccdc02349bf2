import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

/**
 * The house has three rooms and one direction: `app` and `ingest` use `lib`, `lib` uses neither, and nothing in production
 * uses `e2e`. Files at the root (the proxy, the configuration) belong to the app.
 *
 * Imports are found in the text as it stands, comments and strings included: a sentence that looks like an import is a
 * false alarm that somebody sees, while a parser gone astray would miss a real one in silence.
 */

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
const SOURCE_FILE = /\.(?:[cm]?[jt]s|[jt]sx)$/

/** What starts a process or hands one its settings. All else is given values. */
const ENVIRONMENT_READERS = [
  'app/context.ts',
  'ingest/command-line.ts',
  'instrumentation.ts',
  'lib/build.ts',
  'lib/launch-child.mjs',
  'lib/launch-packages.mjs',
  'lib/launch.mjs',
  'lib/start.ts',
  'lib/system-package.ts',
  'next.config.js',
  'proxy.ts',
]

/** The codec of the cookie that the sign-in library writes: bytes to values, without a request. For `lib/session` only. */
const COOKIE_CODEC = 'next-auth/jwt'

interface Import {
  readonly specifier: string
  /** Erased before anything runs. `import { type A }` is not: the module is still loaded. */
  readonly isType: boolean
  /** Names as the other module exports them; '*' where all can be reached. */
  readonly names: readonly string[]
}

const COMMENT = String.raw`\/\*[\s\S]*?\*\/|\/\/[^\n]*`
const FROM = new RegExp(
  String.raw`\b(?:import|export)\b\s*(type\b(?!\s*(?:,|from\b))\s*)?((?:[\w$*\s{},]|${COMMENT})*?)\bfrom\s*(['"])([^'"\n]+)\3`,
  'g',
)
const BARE = /\bimport\s*(['"])([^'"\n]+)\1/g
const CALL = new RegExp(
  String.raw`\b(?:import|require)\s*\(\s*(?:(?:${COMMENT})\s*)*(['"\`])([^'"\`\n]+)\1`,
  'g',
)

function namesOf(clause: string): string[] {
  const text = clause.replace(new RegExp(COMMENT, 'g'), ' ')
  const inBraces = /\{([^}]*)\}/.exec(text)?.[1] ?? ''
  const named = inBraces.split(',').flatMap((part) => /^\s*(?:type\s+)?([\w$]+)/.exec(part)?.[1] ?? [])
  const outside = text.replace(/\{[^}]*\}/, '')
  return [...named, ...(outside.includes('*') ? ['*'] : []), ...(/[\w$]/.test(outside) ? ['default'] : [])]
}

function importsOf(source: string): Import[] {
  const froms = [...source.matchAll(FROM)].map(([, type, clause = '', , specifier = '']) => ({
    specifier,
    isType: type !== undefined,
    names: namesOf(clause),
  }))
  const bare = [...source.matchAll(BARE)].map(([, , specifier = '']) => ({
    specifier,
    isType: false,
    names: [],
  }))
  const calls = [...source.matchAll(CALL)].map(([, , specifier = '']) => ({
    specifier,
    isType: false,
    names: ['*'],
  }))
  return [...froms, ...bare, ...calls]
}

/** @returns the file within the project that is meant, without its ending, or null for a package. */
function targetOf(file: string, specifier: string): string | null {
  const path = specifier.startsWith('#')
    ? specifier.slice(1)
    : /^\.{1,2}(\/|$)/.test(specifier)
      ? posix.join(posix.dirname(file), specifier)
      : null
  return path === null ? null : posix.normalize(path).replace(SOURCE_FILE, '')
}

const roomOf = (path: string) => (path.includes('/') ? path.slice(0, path.indexOf('/')) : 'root')
const isTest = (file: string) => /\.test\.[cm]?[jt]sx?$/.test(file)

/** What a room does not import. */
const CLOSED: Record<string, readonly string[]> = {
  lib: ['app', 'ingest', 'e2e', 'root'],
  app: ['ingest', 'e2e'],
  ingest: ['app', 'e2e', 'root'],
  root: ['ingest', 'e2e'],
}

function importFault(file: string, { specifier, isType, names }: Import): string | null {
  const room = roomOf(file)
  const target = targetOf(file, specifier)
  if (target === null) {
    const isCookieCodec = specifier === COOKIE_CODEC && file.startsWith('lib/session/')
    if (room === 'lib' && /^(@?next|react)([-/].*)?$/.test(specifier) && !isCookieCodec)
      return `lib takes plain values, not ${specifier}`
    const mayConnect = file.startsWith('lib/store/') || room === 'e2e'
    if (/^ioredis(\/|$)/.test(specifier) && !isType && !mayConnect)
      return 'only lib/store speaks to Redis; its type may be imported with `import type`'
    return null
  }
  const targetRoom = roomOf(target)
  if (CLOSED[room]?.includes(targetRoom) && !(targetRoom === 'e2e' && isTest(file)))
    return `${room === 'root' ? 'the root' : room} does not import ${specifier}`
  const isKeptFrom = room === 'app' || room === 'root' || (room === 'lib' && !isTest(file))
  if (
    isKeptFrom &&
    target === 'lib/access/decide' &&
    (names.includes('grantOperator') || names.includes('*'))
  )
    return 'grantOperator is for the command line of ingest only'
  return null
}

const ENVIRONMENT =
  /\bprocess\s*(?:\?\.|\.)\s*env\b|\bprocess\s*\[\s*['"`]env\b|\benv\b[^=\n]*=\s*process\b(?!\s*[.[?])/
const ENVIRONMENT_MODULES = ['process', 'node:process']

function readsEnvironment(source: string): boolean {
  const code = source.replace(/^\s*(?:\/?\*[ *\n]|\/\/).*$/gm, '')
  return (
    ENVIRONMENT.test(code) ||
    importsOf(source).some(({ specifier }) => ENVIRONMENT_MODULES.includes(specifier))
  )
}

/** @returns a sentence for each import that runs against the direction, and for reading the environment. */
function faultsOf(file: string, source: string): string[] {
  const faults = importsOf(source).flatMap((one) => importFault(file, one) ?? [])
  const isProduction = roomOf(file) !== 'e2e' && !isTest(file)
  if (isProduction && !ENVIRONMENT_READERS.includes(file) && readsEnvironment(source))
    faults.push('process.env is read where a process starts, and given on as values')
  return [...new Set(faults)].map((fault) => `${file}: ${fault}`)
}

function sourceFiles(folder = ''): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (entry.name.startsWith('.') || entry.name === 'node_modules') return []
    if (entry.isDirectory()) return sourceFiles(path)
    return SOURCE_FILE.test(path) ? [path] : []
  })
}

const textOf = (file: string) => readFileSync(join(ROOT, file), 'utf8')

test('imports run in one direction throughout the project', () => {
  // Without itself, whose samples are all that it forbids.
  const files = sourceFiles().filter((file) => file !== 'lib/import-direction.test.ts')
  for (const file of ['proxy.ts', 'app/page.tsx', 'ingest/main.ts', 'lib/launch.mjs', 'lib/store/redis.ts'])
    assert.ok(files.includes(file), file)
  assert.deepEqual(
    files.flatMap((file) => faultsOf(file, textOf(file))),
    [],
  )
})

test('every file that may read the environment does so', () => {
  for (const file of ENVIRONMENT_READERS)
    assert.ok(readsEnvironment(textOf(file)), `${file} can leave the list`)
})

test('an alias or a path that leads nowhere would hide where an import goes: every one leads to a file', () => {
  const files = new Set(sourceFiles().map((file) => file.replace(SOURCE_FILE, '')))
  for (const file of sourceFiles().filter((name) => !isTest(name)))
    for (const { specifier } of importsOf(textOf(file))) {
      const target = targetOf(file, specifier)
      if (target !== null && !/\.[a-z]+$/.test(target)) assert.ok(files.has(target), `${file}: ${specifier}`)
    }
})

/** Files with an import that runs against the direction. */
const BAD: [file: string, source: string][] = [
  ['lib/a.ts', `import { viewer } from '#app/viewer.ts'`],
  ['lib/a.ts', `import { viewer } from "../app/viewer.ts"`],
  ['lib/x/a.ts', `import type { Viewer } from '../../app/viewer.ts'`],
  ['lib/x/a.ts', `import {\n  a, // from here\n  /* and */ b,\n} from '../../ingest/batch.ts'`],
  ['lib/a.ts', `import '../ingest/main.ts'`],
  ['lib/a.ts', `const a = 1; import{b}from'../ingest/main.ts'`],
  ['lib/a.ts', `export * from '../app/viewer.ts'`],
  ['lib/a.ts', `export * as viewer from '#app/viewer.ts'`],
  ['lib/a.ts', `export { viewer } from '#app/viewer.ts'`],
  ['lib/a.ts', `export type { Viewer } from '#app/viewer.ts'`],
  ['lib/a.ts', `const { viewer } = await import('#app/viewer.ts')`],
  ['lib/a.ts', 'const app = await import(`#app/viewer.ts`)'],
  ['lib/a.ts', `const app = await import(\n  /* later */ '#app/viewer.ts',\n)`],
  ['lib/a.ts', `let viewer: import('#app/viewer.ts').Viewer`],
  ['lib/a.mjs', `import run from '../e2e/run.ts'`],
  ['lib/a.mjs', `const run = require('../e2e/run.ts')`],
  ['lib/a.ts', `import viewer from './explore/../../app/viewer.ts'`],
  ['lib/a.ts', `import proxy from '../proxy.ts'`],
  ['lib/a.test.ts', `import { viewer } from '#app/viewer.ts'`],
  ['lib/a.ts', `import { cookies } from 'next/headers'`],
  ['lib/a.ts', `import type { Metadata } from 'next'`],
  ['lib/a.ts', `import { getToken } from 'next-auth/jwt'`],
  ['lib/session/a.ts', `import { getServerSession } from 'next-auth'`],
  ['lib/a.ts', `import { env } from '@next/env'`],
  ['lib/a.ts', `import { cache } from 'react'`],
  ['lib/a.tsx', `import { renderToString } from 'react-dom/server'`],
  ['app/page.tsx', `import { batch } from '../ingest/batch.ts'`],
  ['app/x/[id]/page.tsx', `import { feed } from '../../../e2e/feed.ts'`],
  ['app/page.tsx', `import { decideAccess, grantOperator } from '#lib/access/decide.ts'`],
  ['app/page.tsx', `import { grantOperator as grant } from '../lib/access/decide.ts'`],
  ['app/page.tsx', `import * as decide from '#lib/access/decide.ts'`],
  ['app/page.tsx', `const decide = await import('#lib/access/decide.ts')`],
  ['app/page.tsx', `export * from '#lib/access/decide.ts'`],
  ['proxy.ts', `import { grantOperator } from './lib/access/decide.ts'`],
  ['lib/store/reading.ts', `export { grantOperator } from '../access/decide.ts'`],
  ['ingest/a.ts', `import { context } from '#app/context.ts'`],
  ['ingest/a.ts', `import { feed } from '../e2e/demo/feed.ts'`],
  ['instrumentation.ts', `await import('./e2e/demo/main.ts')`],
  ['lib/explore/a.ts', `import { Redis } from 'ioredis'`],
  ['lib/explore/a.ts', `import { type Redis } from 'ioredis'`],
  ['app/context.ts', `import Redis from 'ioredis'`],
  ['ingest/a.ts', `import Redis, { type Cluster } from 'ioredis'`],
  ['lib/access/a.test.ts', `const { Redis } = await import('ioredis')`],
  ['lib/explore/a.ts', `const port = process.env.PORT`],
  ['app/page.tsx', `const port = process.env['PORT']`],
  ['ingest/a.ts', `const { PORT } = process.env`],
  ['lib/a.mjs', `const { env } = process`],
  ['lib/a.ts', `const port = process['env'].PORT`],
  ['lib/a.ts', `const port = process?.env.PORT`],
  ['lib/a.ts', `import { env } from 'node:process'`],
]

for (const [file, source] of BAD)
  test(`finds what is wrong with ${JSON.stringify(source)} in ${file}`, () => {
    assert.equal(faultsOf(file, source).length, 1)
  })

/** Files that are as they should be. */
const GOOD: [file: string, source: string][] = [
  ['lib/a.ts', `import { b } from './b.ts'\nimport { readFileSync } from 'node:fs'\nimport { z } from 'zod'`],
  ['lib/a.ts', `import { reactor } from 'reactor-core'\nimport { a } from 'nextish'`],
  ['lib/x/a.ts', `import { errors } from '../errors.ts'\nimport type { Redis } from 'ioredis'`],
  ['lib/store/a.ts', `import { Redis } from 'ioredis'`],
  ['lib/session/a.ts', `import { decode } from 'next-auth/jwt'`],
  ['e2e/fixtures.ts', `import { Redis } from 'ioredis'`],
  [
    'lib/store/a.test.ts',
    `import { Redis } from 'ioredis'\nimport { redisServer } from '../../e2e/redis-server.ts'`,
  ],
  ['lib/access/decide.test.ts', `import { grantOperator } from './decide.ts'`],
  ['app/page.tsx', `import { redirect } from 'next/navigation'\nimport { cache } from 'react'`],
  ['app/page.tsx', `import { decideAccess, type CollectionGrant } from '#lib/access/decide.ts'`],
  ['app/page.test.tsx', `import { portal } from '../e2e/portal.ts'`],
  ['app/shared-context.ts', `import type { Redis } from 'ioredis'`],
  ['ingest/print.ts', `import { grantOperator } from '#lib/access/decide.ts'`],
  ['ingest/main.test.ts', `import { run } from '../e2e/ingest.ts'\nconst path = process.env.PATH`],
  [
    'e2e/demo/main.ts',
    `import { a } from '#app/a.ts'\nimport '../../ingest/a.ts'\nconst { PORT } = process.env`,
  ],
  ['lib/start.ts', `const settings = parse(process.env)`],
  ['lib/a.ts', `/**\n * Nothing else looks at \`process.env\`.\n */\nconst environment = processOf(env)`],
  ['lib/a.ts', `export const text = 'it is from here'\nexport function from() {}\nconst pid = process.pid`],
]

for (const [file, source] of GOOD)
  test(`finds nothing wrong with ${JSON.stringify(source)} in ${file}`, () => {
    assert.deepEqual(faultsOf(file, source), [])
  })

test('knows the names of an import as the other module exports them', () => {
  const names = (source: string) => importsOf(source).map((one) => one.names)[0]
  assert.deepEqual(names(`import { a, type B, c as d } from 'x'`), ['a', 'B', 'c'])
  assert.deepEqual(names(`import a, { b } from 'x'`), ['b', 'default'])
  assert.deepEqual(names(`export { a as default } from 'x'`), ['a'])
})
