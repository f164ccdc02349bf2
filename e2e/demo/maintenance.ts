import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { PROJECT_ROOT } from '../../lib/build.ts'
import { endChild, ended, shellExitCode, spawnBound } from '../../lib/child-process.ts'

/** Maintains the demo's store as an operator would: by an `ingest maintain` that is kept running. */

const EVERY = '30s'
const RESTART_MS = 2_000
/** Above what it takes to finish the commit it is at. */
const GRACE_MS = 5_000
const TAIL_CHARACTERS = 1_000

/** Starts it again when it ends by itself. Resolves after the signal, when the last one has ended. */
export async function keepMaintained(options: {
  redisUrl: string
  signal: AbortSignal
  log: (line: string) => void
}): Promise<void> {
  const { redisUrl, signal, log } = options
  while (!signal.aborted) {
    const child = spawnBound(
      process.execPath,
      [join(PROJECT_ROOT, 'ingest/main.ts'), 'maintain', '--every', EVERY],
      {
        cwd: PROJECT_ROOT,
        env: { ...process.env, REDIS_URL: redisUrl },
        stdio: ['ignore', 'ignore', 'pipe'],
        ownGroup: true,
      },
    )
    let words = ''
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      words = (words + text).slice(-TAIL_CHARACTERS)
    })
    const stop = () => void endChild(child, { graceMs: GRACE_MS })
    signal.addEventListener('abort', stop)
    const end = await ended(child)
    signal.removeEventListener('abort', stop)
    if (signal.aborted) return
    log(
      `ingest maintain ended by itself (exit code ${shellExitCode(end)}) and is started again. Its last words:\n${words.trimEnd()}`,
    )
    await delay(RESTART_MS, undefined, { signal }).catch(() => undefined)
  }
}
