// @ts-check
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { endOf, readOrNull, say } from './launch-child.mjs'
import { chooseNode, nodePath } from './launch-node.mjs'

/*
 * What `npm start`, `npm test`, `npm run ingest` and `npm run bench` run first: plain JavaScript for the Node that the system has (20 or
 * newer), without a dependency, since nothing may be installed yet. It installs the packages when the lockfile changed,
 * then runs the verb's program with the pinned Node and passes signals and the exit code on.
 *
 * Its stdin is the child's and is never read here; stdout is the child's alone, so it speaks on stderr only.
 */

const VERBS = /** @type {Record<string, string>} */ ({
  start: 'lib/start.ts',
  test: 'e2e/run-tests.ts',
  ingest: 'ingest/main.ts',
  bench: 'e2e/bench/main.ts',
})

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
const MODULES = join(ROOT, 'node_modules')
/** What the folder was installed from, and which Node to run. npm leaves names with a dot alone. */
const RECORD = join(MODULES, '.launch-installed')
const USAGE_EXIT = 2

/** What an installation depends on: the lockfile, and the platform it is installed for. */
function wantedInstall() {
  const hash = createHash('sha256')
    .update(readFileSync(join(ROOT, 'package-lock.json')))
    .digest('hex')
  return `${hash} ${process.platform} ${process.arch}\n`
}

/** @param {string[]} argv */
async function main([verb = '', ...args]) {
  const program = Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined
  if (program === undefined) {
    say(
      'usage: npm start | npm test | npm run -s ingest -- [VERB] [OPTIONS] | npm run bench -- [ROW…] [OPTIONS]',
    )
    return USAGE_EXIT
  }
  const wanted = wantedInstall()
  if (!readOrNull(RECORD)?.startsWith(wanted)) {
    // Loaded only now: every `ingest` passes here, and nearly none installs.
    const { installPackages } = await import('./launch-packages.mjs')
    const finish = () => chooseNode(MODULES)
    const stop = await installPackages({ root: ROOT, record: RECORD, wanted, finish })
    if (stop) return stop
  }
  const node = nodePath(readOrNull(RECORD)?.slice(wanted.length), MODULES)
  const path = [dirname(node), join(MODULES, '.bin'), process.env.PATH].filter(Boolean).join(delimiter)
  // A command of a second starts in half of it when its modules are kept compiled.
  const env = { NODE_COMPILE_CACHE: join(MODULES, '.launch-compiled'), ...process.env, PATH: path }
  const { exitCode } = await endOf(spawn(node, [join(ROOT, program), ...args], { stdio: 'inherit', env }))
  return exitCode
}

process.exitCode = await main(process.argv.slice(2)).catch((error) => {
  say(`The launcher failed: ${error instanceof Error ? error.message : error}`)
  return 1
})
