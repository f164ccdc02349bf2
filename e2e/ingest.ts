import { once } from 'node:events'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { PROJECT_ROOT } from '../lib/build.ts'
import { ended, shellExitCode, spawnBound } from '../lib/child-process.ts'

/** The real `ingest`, started as a process of its own. */

export interface IngestRun {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export interface RunningIngest {
  readonly stdin: Writable
  readonly stderr: Readable
  readonly pid: number
  /** Resolves when it has ended. */
  readonly done: Promise<IngestRun>
  signal(name: NodeJS.Signals): void
}

export interface IngestSurroundings {
  /** Settings and what a preloaded module takes. */
  readonly env?: Readonly<Record<string, string>>
  /** A module of `e2e` that is loaded first, by its file's name. */
  readonly preload?: string
}

/** Starts `ingest` with standard input left open. */
export function startIngest(
  redisUrl: string,
  args: readonly string[],
  { env = {}, preload }: IngestSurroundings = {},
): RunningIngest {
  const preloading = preload === undefined ? [] : ['--import', join(PROJECT_ROOT, 'e2e', preload)]
  const child = spawnBound(process.execPath, [...preloading, join(PROJECT_ROOT, 'ingest/main.ts'), ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { NODE_ENV: 'production', PATH: process.env.PATH, REDIS_URL: redisUrl, TZ: 'UTC', ...env },
  })
  const { stdin, stdout, stderr, pid } = child
  if (!stdin || !stdout || !stderr || pid === undefined) throw new Error('ingest could not be started')
  // A run that ends before it has read everything closes its input.
  stdin.on('error', () => undefined)
  const done = Promise.all([ended(child), text(stdout), text(stderr)]).then(([end, out, err]) => ({
    exitCode: shellExitCode(end),
    stdout: out,
    stderr: err,
  }))
  return { stdin, stderr, pid, done, signal: (name) => child.kill(name) }
}

/** @returns what the run has written to standard error so far. */
export function collectStderr({ stderr }: RunningIngest): () => string {
  let text = ''
  stderr.on('data', (chunk: Buffer) => {
    text += chunk
  })
  return () => text
}

/** Runs `ingest` on the whole of `input`. */
export async function runIngest(
  redisUrl: string,
  args: readonly string[],
  input: Buffer | string | Iterable<Buffer | string> | AsyncIterable<Buffer> = '',
): Promise<IngestRun> {
  const run = startIngest(redisUrl, args)
  const chunks = typeof input === 'string' || Buffer.isBuffer(input) ? [input] : input
  for await (const chunk of chunks) {
    if (!run.stdin.write(chunk)) await Promise.race([once(run.stdin, 'drain'), run.done])
  }
  run.stdin.end()
  return run.done
}

/** The counts of a run with `--json`. */
export function counts(run: IngestRun): Record<string, number> {
  return JSON.parse(run.stdout) as Record<string, number>
}
