// @ts-check
import { spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { endOf, say } from './launch-child.mjs'

/*
 * The Node that runs the portal: the one among the packages, or the one that runs the launcher if it is new enough.
 * Whether the packages' Node runs here is tried once, after an installation, and kept with its record. It needs
 * libatomic, which a minimal Debian does not have, and Node 20 did not need.
 */

const MIN_NODE_MAJOR = 26
const USAGE_EXIT = 2
const MISSING_LIBRARY = 'libatomic.so.1'
const INSTALL_LIBRARY = 'apt-get update && apt-get install -y --no-install-recommends libatomic1'

/** @typedef {'packaged' | 'own'} NodeChoice */

/** @param {string} modules */
function packagedNode(modules) {
  return join(modules, `node-${process.platform}-${process.arch}`, 'bin', 'node')
}

/**
 * @param {string} node
 * @returns {string | null} why it does not run, or null when it does
 */
function whyItFails(node) {
  const { status, stderr, error } = spawnSync(node, ['--version'], { encoding: 'utf8' })
  return status === 0 ? null : (error?.message ?? stderr.trim())
}

function isNewEnough() {
  return Number(process.versions.node.split('.', 1)[0]) >= MIN_NODE_MAJOR
}

/** How to become root without a question: nothing to put before a command, sudo, or null for not at all. */
function rootPrefix() {
  if (process.getuid?.() === 0) return []
  return spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0 ? ['sudo', '-n'] : null
}

/** @returns {Promise<number>} 0 when it was installed, else the exit code to end with */
async function installLibrary() {
  const prefix = spawnSync('apt-get', ['--version'], { stdio: 'ignore' }).status === 0 ? rootPrefix() : null
  if (prefix === null) {
    say(`Node ${MIN_NODE_MAJOR} needs ${MISSING_LIBRARY}, which is missing. On Debian and Ubuntu, type`)
    say(`  sudo sh -c '${INSTALL_LIBRARY}'`)
    say('and try again; elsewhere install that library.')
    return USAGE_EXIT
  }
  say('Installing libatomic1 with apt-get, which Node needs …')
  const [program = '', ...args] = [
    ...prefix,
    'env',
    'DEBIAN_FRONTEND=noninteractive',
    'sh',
    '-c',
    INSTALL_LIBRARY,
  ]
  const { exitCode, interruptedCode } = await endOf(spawn(program, args, { stdio: ['ignore', 2, 2] }))
  return interruptedCode || exitCode
}

/**
 * Finds out which Node runs here, and installs the library that the packages' Node needs.
 * @param {string} modules
 * @returns {Promise<NodeChoice | number>} the choice, or the exit code to end with
 */
export async function chooseNode(modules) {
  const packaged = packagedNode(modules)
  let fault = whyItFails(packaged)
  if (fault === null) return 'packaged'
  if (isNewEnough()) return 'own'
  if (fault.includes(MISSING_LIBRARY)) {
    const exitCode = await installLibrary()
    if (exitCode) return exitCode
    fault = whyItFails(packaged)
    if (fault === null) return 'packaged'
  }
  say(
    `This needs Node ${MIN_NODE_MAJOR}, and the one among the packages does not run on ${process.platform} ` +
      `${process.arch}: ${fault}`,
  )
  say(`Install Node ${MIN_NODE_MAJOR} or newer and try again (this is ${process.versions.node}).`)
  return USAGE_EXIT
}

/**
 * @param {string | undefined} choice as recorded after the installation, perhaps under another Node than this one
 * @param {string} modules
 */
export function nodePath(choice, modules) {
  return choice === 'own' && isNewEnough() ? process.execPath : packagedNode(modules)
}
