// @ts-check
import { spawn } from 'node:child_process'
import { mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { endOf, isCode, readOrNull, say } from './launch-child.mjs'

/*
 * node_modules, brought up to package-lock.json by one launcher at a time. A file in it records what it was installed
 * from: removed before npm runs and written after all went well, so that an installation that was cut off never counts.
 */

/** An installation that takes longer counts as dead, whatever now runs under its pid. */
const LOCK_MAX_AGE_MS = 15 * 60_000
const LOCK_RETRY_MS = 200

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
 * @param {string} lock
 */
function takeLock(lock) {
  const own = `${lock}.${process.pid}`
  mkdirSync(own, { recursive: true })
  writeFileSync(join(own, 'pid'), String(process.pid))
  if (move(own, lock)) return true
  rmSync(own, { recursive: true, force: true })
  return false
}

/**
 * Moves a lock aside in one step and removes it, unless it turns out to belong to another launcher that lives.
 * @param {string} lock
 */
function dropLock(lock) {
  const aside = `${lock}.${process.pid}`
  if (!move(lock, aside)) return
  const owner = liveOwner(aside)
  // Taken by another launcher between our look and our move: it gets it back.
  if (owner !== null && owner !== String(process.pid)) move(aside, lock)
  rmSync(aside, { recursive: true, force: true })
}

/**
 * Waits for the lock as long as its owner lives, and takes it over from one that does not.
 * @param {string} lock
 */
async function waitForLock(lock) {
  let announced = false
  while (!takeLock(lock)) {
    const owner = liveOwner(lock)
    if (owner === null) {
      dropLock(lock)
      continue
    }
    if (!announced) say(`Waiting for process ${owner}, which installs the packages.`)
    announced = true
    await delay(LOCK_RETRY_MS)
  }
}

/**
 * Runs npm on the lockfile; development packages too, since the portal is built on this machine.
 * @param {string} root
 */
function runNpmInstall(root) {
  const npm = process.env.npm_execpath?.endsWith('.js')
    ? { program: process.execPath, args: [process.env.npm_execpath] }
    : { program: 'npm', args: [] }
  const flags = ['install', '--no-save', '--include=dev', '--include=optional', '--loglevel=error']
  return endOf(spawn(npm.program, [...npm.args, ...flags], { cwd: root, stdio: ['ignore', 2, 2] }))
}

/**
 * Installs, unless another launcher has done it by the time that this one gets the lock.
 * @param {object} options
 * @param {string} options.root
 * @param {string} options.record the file that says what was installed
 * @param {string} options.wanted what it begins with when nothing is to be done
 * @param {() => Promise<string | number>} options.finish called after npm: what to add to the record, or an exit code
 * @returns {Promise<number>} 0 to go on, else the exit code to end with
 */
export async function installPackages({ root, record, wanted, finish }) {
  const lock = join(root, 'node_modules/.launch-lock')
  await waitForLock(lock)
  try {
    // Another launcher was here while this one waited.
    if (readOrNull(record)?.startsWith(wanted)) return 0
    const startedMs = Date.now()
    say('Installing the packages (once for each change of package-lock.json) …')
    rmSync(record, { force: true })
    const { exitCode, interruptedCode } = await runNpmInstall(root)
    if (interruptedCode) return interruptedCode
    if (exitCode) {
      say('The packages could not be installed.')
      return exitCode
    }
    const finished = await finish()
    if (typeof finished === 'number') return finished
    writeFileSync(record, wanted + finished)
    say(`Installed in ${((Date.now() - startedMs) / 1000).toFixed(0)} s.`)
    return 0
  } finally {
    dropLock(lock)
  }
}
