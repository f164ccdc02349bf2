/** What the verbs of the command line have in common. Results go to standard output, everything else to standard error. */

export const EXIT = { done: 0, rejected: 1, usage: 2, unavailable: 3 } as const
/** A run told to end has this long to store what it read, within the five seconds it is given in all. */
const FLUSH_MS = 3500
export const INGEST_TIMEOUT_MS = 30_000

/** What the verbs are given besides their arguments. */
export const environment: NodeJS.ProcessEnv = process.env

export const say = (text: string) => process.stderr.write(`ingest: ${text}\n`)

/** The first signal ends the reading and stores what was read, the second ends the process. */
export function stopOnSignals(): { stop: AbortSignal; giveUp: AbortSignal } {
  const stop = new AbortController()
  const giveUp = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(signal === 'SIGINT' ? 130 : 143)
      stop.abort()
      setTimeout(() => giveUp.abort(), FLUSH_MS).unref()
    })
  return { stop: stop.signal, giveUp: giveUp.signal }
}
