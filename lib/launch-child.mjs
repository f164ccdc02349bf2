// @ts-check
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'

/* The child of a launcher: waiting for it, and passing signals on; and the few things that all its parts need. */

/**
 * A Ctrl-C that the terminal sends to the child as well is passed on from here only after this time, as one that came
 * from elsewhere: a second one would make `ingest` drop what it is storing, and it ends within five seconds.
 */
const TERMINAL_SIGNAL_MS = 6_000
const ORPHAN_CHECK_MS = 1_000
const FORWARDED = /** @type {NodeJS.Signals[]} */ (['SIGTERM', 'SIGINT', 'SIGHUP'])

/** @param {string} text */
export function say(text) {
  process.stderr.write(`${text}\n`)
}

/**
 * @param {unknown} error
 * @param {string} code
 */
export function isCode(error, code) {
  return error instanceof Error && 'code' in error && error.code === code
}

/** @param {string} path */
export function readOrNull(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (isCode(error, 'ENOENT') || isCode(error, 'ENOTDIR')) return null
    throw error
  }
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
export function endOf(child) {
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
