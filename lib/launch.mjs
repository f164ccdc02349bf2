// @ts-check
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  accessSync,
  constants as fsConstants,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { constants } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/*
 * What `npm start`, `npm test` and `npm run ingest` run first: plain JavaScript for the Node that the system has (20 or
 * newer), without a dependency, since nothing may be installed yet. It installs the packages when the lockfile changed,
 * then runs the verb's program with the pinned Node and passes signals and the exit code on.
 *
 * Its stdin is the child's and is never read here; stdout is the child's alone, so it speaks on stderr only.
 */

const VERBS = /** @type {Record<string, string>} */ ({
  start: 'lib/start.ts',
  test: 'e2e/run-tests.ts',
  ingest: 'ingest/main.ts',
})

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
const MODULES = join(ROOT, 'node_modules')
/** Holds the hash of the lockfile that the folder was installed from. npm leaves names with a dot alone. */
const RECORD = join(MODULES, '.launch-installed')
/** A folder with the pid of the launcher that installs. */
const LOCK = join(MODULES, '.launch-lock')
/** An install that takes longer counts as dead, whatever now runs under its pid. */
const LOCK_MAX_AGE_MS = 15 * 60_000
const LOCK_RETRY_MS = 200
/**
 * A Ctrl-C that the terminal sends to the child as well is passed on from here only after this time, as one that came
 * from elsewhere: a second one would make `ingest` drop what it is storing, and it ends within five seconds.
 */
const TERMINAL_SIGNAL_MS = 6_000
const ORPHAN_CHECK_MS = 1_000
const FORWARDED = /** @type {NodeJS.Signals[]} */ (['SIGTERM', 'SIGINT', 'SIGHUP'])
const MIN_NODE_MAJOR = 26
const USAGE_EXIT = 2

/** @param {string} text */
function say(text) {
  process.stderr.write(`${text}\n`)
}

/** @param {string} path */
function readOrNull(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (isCode(error, 'ENOENT') || isCode(error, 'ENOTDIR')) return null
    throw error
  }
}

/**
 * @param {unknown} error
 * @param {string} code
 */
function isCode(error, code) {
  return error instanceof Error && 'code' in error && error.code === code
}

/** What the packages depend on: the lockfile, and the platform it is installed for. */
function wantedInstall() {
  const hash = createHash('sha256')
    .update(readFileSync(join(ROOT, 'package-lock.json')))
    .digest('hex')
  return `${hash} ${process.platform} ${process.arch}\n`
}

/** @param {string} pid */
function isAlive(pid) {
  try {
    process.kill(Number(pid), 0)
    return true
  } catch (error) {
    return isCode(error, 'EPERM')
  }
}

/**
 * The pid in a lock folder, or null when the folder is gone or its owner is.
 * @param {string} folder
 */
function liveOwner(folder) {
  const pid = readOrNull(join(folder, 'pid'))
  const ageMs = Date.now() - (statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? 0)
  return pid !== null && isAlive(pid) && ageMs < LOCK_MAX_AGE_MS ? pid : null
}

/**
 * Renames a folder.
 * @param {string} from
 * @param {string} to
 * @returns {boolean} false when it is gone, or something stands at the target
 */
function move(from, to) {
  try {
    renameSync(from, to)
    return true
  } catch (error) {
    if (['ENOENT', 'ENOTEMPTY', 'EEXIST'].some((code) => isCode(error, code))) return false
    throw error
  }
}

/**
 * Takes the lock if it is free. The folder is renamed into place with the pid inside, so that it is never seen without
 * one; a rename onto a lock that exists fails, since that folder is not empty.
 */
function takeLock() {
  const own = `${LOCK}.${process.pid}`
  mkdirSync(own, { recursive: true })
  writeFileSync(join(own, 'pid'), String(process.pid))
  if (move(own, LOCK)) return true
  rmSync(own, { recursive: true, force: true })
  return false
}

/** Moves a lock aside in one step and removes it, unless it turns out to belong to another launcher that lives. */
function dropLock() {
  const aside = `${LOCK}.${process.pid}`
  if (!move(LOCK, aside)) return
  const owner = liveOwner(aside)
  // Taken by another launcher between our look and our move: it gets it back.
  if (owner !== null && owner !== String(process.pid)) move(aside, LOCK)
  rmSync(aside, { recursive: true, force: true })
}

/** Waits for the lock as long as its owner lives, and takes it over from one that does not. */
async function waitForLock() {
  let announced = false
  while (!takeLock()) {
    const owner = liveOwner(LOCK)
    if (owner === null) {
      dropLock()
      continue
    }
    if (!announced) say(`Waiting for process ${owner}, which installs the packages.`)
    announced = true
    await delay(LOCK_RETRY_MS)
  }
}

/** Runs npm on the lockfile; development packages too, since the portal is built on this machine. */
function runNpmInstall() {
  const npm = process.env.npm_execpath?.endsWith('.js')
    ? { program: process.execPath, args: [process.env.npm_execpath] }
    : { program: 'npm', args: [] }
  const flags = ['install', '--no-save', '--include=dev', '--include=optional', '--loglevel=error']
  return endOf(spawn(npm.program, [...npm.args, ...flags], { cwd: ROOT, stdio: ['ignore', 2, 2] }))
}

/**
 * Brings node_modules up to the lockfile.
 * @returns {Promise<number>} 0 to go on, else the exit code to end with
 */
async function install() {
  const wanted = wantedInstall()
  if (readOrNull(RECORD) === wanted) return 0
  await waitForLock()
  try {
    if (readOrNull(RECORD) === wanted) return 0
    const startedMs = Date.now()
    say('Installing the packages (once for each change of package-lock.json) …')
    // Before npm changes anything: an install that is cut off must not count.
    rmSync(RECORD, { force: true })
    const { exitCode, interruptedCode } = await runNpmInstall()
    if (interruptedCode) return interruptedCode
    if (exitCode) {
      say('The packages could not be installed.')
      return exitCode
    }
    writeFileSync(RECORD, wanted)
    say(`Installed in ${((Date.now() - startedMs) / 1000).toFixed(0)} s.`)
    return 0
  } finally {
    dropLock()
  }
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, fsConstants.X_OK)
    return true
  } catch {
    // Not there, or not for this user: the next candidate is looked at.
    return false
  }
}

/** The Node to run: the pinned package, else the one that runs this, if it is new enough. */
function findNode() {
  const pinned = join(MODULES, `node-${process.platform}-${process.arch}`, 'bin', 'node')
  if (isExecutable(pinned)) return pinned
  return Number(process.versions.node.split('.', 1)[0]) >= MIN_NODE_MAJOR ? process.execPath : null
}

/**
 * Whether a terminal sends its Ctrl-C to this process group, and so to the child as well: whether the group is in the
 * foreground of a terminal. From /proc/self/stat, fields 5 (pgrp) and 8 (tpgid), proc(5); elsewhere than on Linux, and
 * without a terminal, the answer is no.
 */
function isInForeground() {
  const stat = readOrNull('/proc/self/stat') ?? ''
  // Field 2 is a name in parentheses, which may hold blanks; field 3 comes first here.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [group, foregroundGroup] = [fields[2], fields[5]]
  return group !== undefined && group === foregroundGroup
}

/** @param {NodeJS.Signals} signal */
function signalExitCode(signal) {
  return 128 + constants.signals[signal]
}

/**
 * Waits for a child and passes on what this process is asked to do meanwhile. A signal that a terminal sends reaches
 * the whole group, so it is passed on only to a child that is still there some time later.
 *
 * npm that is killed outright passes nothing on; its end shows as a new parent, and counts as SIGTERM.
 * @param {import('node:child_process').ChildProcess} child
 * @returns {Promise<{exitCode: number, interruptedCode: number}>} the child's exit code, 128 + n when signal n killed
 * it; and 128 + n for the first signal n that arrived here, else 0
 */
function endOf(child) {
  return new Promise((resolve) => {
    let interruptedCode = 0
    /** @param {NodeJS.Signals} signal */
    const pass = (signal) => {
      interruptedCode ||= signalExitCode(signal)
      if (signal !== 'SIGTERM' && isInForeground())
        setTimeout(() => child.kill(signal), TERMINAL_SIGNAL_MS).unref()
      else child.kill(signal)
    }
    for (const signal of FORWARDED) process.on(signal, pass)
    const parent = process.ppid
    const orphanWatch = setInterval(() => {
      if (process.ppid === parent) return
      clearInterval(orphanWatch)
      pass('SIGTERM')
    }, ORPHAN_CHECK_MS)
    if (process.env.npm_lifecycle_event === undefined) clearInterval(orphanWatch)
    /** @param {number} exitCode */
    const finish = (exitCode) => {
      clearInterval(orphanWatch)
      for (const signal of FORWARDED) process.off(signal, pass)
      resolve({ exitCode, interruptedCode })
    }
    child.once('error', (error) => {
      say(`${child.spawnfile}: ${error.message}`)
      finish(127)
    })
    child.once('exit', (code, signal) => finish(signal ? signalExitCode(signal) : (code ?? 1)))
  })
}

/** @param {string[]} argv */
async function main([verb = '', ...args]) {
  const program = Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined
  if (program === undefined) {
    say('usage: npm start | npm test | npm run -s ingest -- [VERB] [OPTIONS]')
    return USAGE_EXIT
  }
  const stop = await install()
  if (stop) return stop
  const node = findNode()
  if (node === null) {
    say(
      `This needs Node ${MIN_NODE_MAJOR}, and the packages hold none for ${process.platform} ${process.arch}. ` +
        `Install Node ${MIN_NODE_MAJOR} or newer and try again (this is ${process.versions.node}).`,
    )
    return USAGE_EXIT
  }
  const path = [dirname(node), join(MODULES, '.bin'), process.env.PATH].filter(Boolean).join(delimiter)
  const env = { ...process.env, PATH: path }
  const { exitCode } = await endOf(spawn(node, [join(ROOT, program), ...args], { stdio: 'inherit', env }))
  return exitCode
}

process.exitCode = await main(process.argv.slice(2)).catch((error) => {
  say(`The launcher failed: ${error instanceof Error ? error.message : error}`)
  return 1
})
