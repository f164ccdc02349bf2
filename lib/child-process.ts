import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from 'node:child_process'
import { constants } from 'node:os'

/**
 * Children that do not outlive the process that started them, and the manners around their end. A child is always
 * ended by the handle of the one that was started, never by a name.
 *
 * A parent that is killed with SIGKILL cannot end anything any more, so on Linux the kernel is asked to: `setpriv
 * --pdeathsig` (util-linux) sets the signal that a child gets when its parent dies, then becomes the child, under the
 * same pid. Where there is no such program the child is started plainly, and only an orderly end takes it along.
 */

/** How a process ended: `code` or `signal` is set, as in Node's `exit` event. */
export interface ProcessEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface BoundSpawnOptions extends SpawnOptions {
  /** What the child gets when this process dies. */
  readonly deathSignal?: 'TERM' | 'KILL'
  /**
   * A process group of the child's own, which a terminal's Ctrl-C does not reach: then this process decides in which
   * order its children end. Only where the kernel ends the child with this process.
   */
  readonly ownGroup?: boolean
}

const PDEATHSIG = '--pdeathsig'

let deathSignalWorks: boolean | undefined

/** Asked once: busybox has a `setpriv` too, without the option. */
function supportsDeathSignal(): boolean {
  deathSignalWorks ??=
    process.platform === 'linux' &&
    spawnSync('setpriv', [PDEATHSIG, 'TERM', 'true'], { stdio: 'ignore' }).status === 0
  return deathSignalWorks
}

/**
 * Starts a program that ends when this process does. Does not wait for it to be up.
 * @param program a name on PATH or a path. One that does not exist is an `error` event or exit code 127.
 */
export function spawnBound(
  program: string,
  args: readonly string[],
  { deathSignal = 'TERM', ownGroup = false, ...options }: BoundSpawnOptions,
): ChildProcess {
  if (!supportsDeathSignal()) return spawn(program, args, options)
  const bound = [PDEATHSIG, deathSignal, '--', program, ...args]
  return spawn('setpriv', bound, { ...options, detached: ownGroup })
}

export function isRunning(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null
}

/** Resolves when the child has ended, at once if it has already. A child that could not be started ends with 127. */
export function ended(child: ChildProcess): Promise<ProcessEnd> {
  if (child.pid !== undefined && !isRunning(child))
    return Promise.resolve({ code: child.exitCode, signal: child.signalCode })
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }))
    child.once('error', () => {
      if (child.pid === undefined) resolve({ code: 127, signal: null })
    })
  })
}

/**
 * Asks the child to end, insists with SIGKILL after `graceMs`, and resolves when it is gone. A child that is stopped
 * (SIGSTOP) is woken, or it would not hear the request.
 */
export async function endChild(
  child: ChildProcess,
  { signal = 'SIGTERM', graceMs = 5_000 }: { signal?: NodeJS.Signals; graceMs?: number } = {},
): Promise<ProcessEnd> {
  if (!isRunning(child)) return ended(child)
  const end = ended(child)
  child.kill(signal)
  child.kill('SIGCONT')
  const insist = setTimeout(() => child.kill('SIGKILL'), graceMs)
  try {
    return await end
  } finally {
    clearTimeout(insist)
  }
}

/** The exit code a shell reports for that end: the code itself, or 128 + n for signal n. */
export function shellExitCode(end: ProcessEnd): number {
  if (end.signal) return 128 + constants.signals[end.signal]
  return end.code ?? 1
}

/** Whether a process of that id runs, whosever it is. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it runs, as somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
