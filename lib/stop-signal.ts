import { constants } from 'node:os'

/** One answer to "shall we stop?" for the long-running programs: SIGTERM, SIGINT, SIGHUP, and a parent that died. */

const STOP_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const
export type StopSignalName = (typeof STOP_SIGNALS)[number]

const ORPHAN_CHECK_MS = 1_000

export interface Stop {
  /** Aborted at the first signal. */
  readonly signal: AbortSignal
  /** Resolves with the first signal's name. */
  readonly requested: Promise<StopSignalName>
}

/**
 * Takes the signals over from Node's defaults, for the rest of the process. Further ones change nothing: with Ctrl-C a
 * terminal and the launcher may both send the same one. A parent that is killed cannot send any, and shows as a new
 * parent; that counts as SIGTERM. Does not keep the process alive.
 */
export function watchForStop(): Stop {
  const controller = new AbortController()
  const { promise, resolve } = Promise.withResolvers<StopSignalName>()
  const stop = (name: StopSignalName) => {
    resolve(name)
    controller.abort()
  }
  for (const name of STOP_SIGNALS) process.on(name, () => stop(name))
  const parent = process.ppid
  const orphanWatch = setInterval(() => {
    if (process.ppid !== parent) stop('SIGTERM')
  }, ORPHAN_CHECK_MS)
  orphanWatch.unref()
  return { signal: controller.signal, requested: promise }
}

/** 128 + n, as shells report a program that a signal ended. */
export function stopExitCode(name: StopSignalName): number {
  return 128 + constants.signals[name]
}
