import { closeSync, openSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { ended, shellExitCode, spawnBound } from '../../lib/child-process.ts'
import type { Bench } from './row.ts'

export interface FileRun {
  readonly stdout: string
  readonly seconds: number
}

/**
 * Runs a program with a file as its standard input, from before its start to its end.
 * @throws Error with what it wrote to standard error, when it ends with anything but 0
 */
export async function runOnFile(options: {
  bench: Bench
  command: readonly [program: string, ...args: string[]]
  input: string
  env?: Record<string, string>
  /** Told the process's id as soon as it has one. */
  onStart?: (pid: number) => void
}): Promise<FileRun> {
  const { bench, command, input, env = {}, onStart } = options
  const [program, ...args] = command
  const file = openSync(input, 'r')
  const startedMs = performance.now()
  const child = spawnBound(program, args, {
    stdio: [file, 'pipe', 'pipe'],
    env: {
      NODE_ENV: 'production',
      PATH: process.env.PATH,
      // As the launcher gives it to `ingest` too.
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
      TZ: 'UTC',
      ...env,
    },
  })
  closeSync(file)
  bench.defer(() => child.kill())
  if (child.pid !== undefined) onStart?.(child.pid)
  const { stdout, stderr } = child
  if (!stdout || !stderr) throw new Error(`${program} could not be started`)
  const words = Promise.all([text(stdout), text(stderr)])
  const exitCode = shellExitCode(await ended(child))
  const seconds = (performance.now() - startedMs) / 1000
  const [out, err] = await words
  if (exitCode !== 0) throw new Error(`${program} ended with exit code ${exitCode}: ${err}`)
  return { stdout: out, seconds }
}
