import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { PROJECT_ROOT } from '../../lib/build.ts'
import { endChild, ended, shellExitCode, spawnBound } from '../../lib/child-process.ts'
import { linesWritten } from './traffic.ts'

/**
 * Pipes the traffic of one web server into a real `ingest`, as an operator would: first the past, by a process that
 * ends with it, then the present, by one that is kept running. What was stored before is sent again after every start,
 * and `ingest` counts it as duplicates.
 */

export interface FeedOptions {
  readonly source: string
  readonly redisUrl: string
  /** Epoch seconds, the first second to send. */
  readonly fromSecond: number
  readonly signal: AbortSignal
}

const summarySchema = z.object({
  read: z.int(),
  stored: z.int(),
  duplicates: z.int(),
  rejected: z.int(),
  unassigned: z.int(),
})
/** What `ingest --json` prints at its end. */
export type IngestSummary = z.infer<typeof summarySchema>

const CHUNK_SECONDS = 300
/** An `ingest` that died may have taken lines that it had not stored, at most a full pipe and a batch. */
const RESEND_SECONDS = 3600
const RESTART_MS = 2_000
/** Above what `ingest` takes to store its last lines. */
const GRACE_MS = 5_000
const TAIL_CHARACTERS = 1_000

interface Ingest {
  readonly child: ChildProcess
  readonly input: NodeJS.WritableStream
  readonly stdout: Promise<string>
  readonly stderr: Promise<string>
}

function startIngest({ source, redisUrl }: FeedOptions): Ingest {
  const program = join(PROJECT_ROOT, 'ingest/main.ts')
  const child = spawnBound(process.execPath, [program, '--source', source, '--json'], {
    cwd: PROJECT_ROOT,
    env: { ...process.env, REDIS_URL: redisUrl },
    stdio: ['pipe', 'pipe', 'pipe'],
    ownGroup: true,
  })
  if (!child.stdin || !child.stdout || !child.stderr) throw new Error('ingest was started without pipes')
  return { child, input: child.stdin, stdout: text(child.stdout), stderr: text(child.stderr) }
}

/** Pipes to the end; an `ingest` that went away is noticed by its exit, so a broken pipe is no news. */
async function pipe(content: Readable, { input }: Ingest): Promise<void> {
  await pipeline(content, input).catch(() => undefined)
}

function logText(source: string, fromSecond: number, untilSecond: number): string {
  let lines = ''
  for (let second = fromSecond; second < untilSecond; second++)
    for (const line of linesWritten(source, second)) lines += `${line}\n`
  return lines
}

/**
 * Sends the seconds from `fromSecond` to before `untilSecond`, and resolves when all are stored.
 * @throws Error when `ingest` fails or the signal is aborted
 */
export async function loadHistory(options: FeedOptions & { untilSecond: number }): Promise<IngestSummary> {
  const { source, fromSecond, untilSecond, signal } = options
  signal.throwIfAborted()
  const ingest = startIngest(options)
  const stop = () => void endChild(ingest.child, { graceMs: GRACE_MS })
  signal.addEventListener('abort', stop)
  function* chunks() {
    for (let second = fromSecond; second < untilSecond && !signal.aborted; second += CHUNK_SECONDS)
      yield logText(source, second, Math.min(second + CHUNK_SECONDS, untilSecond))
  }
  const [, end] = await Promise.all([pipe(Readable.from(chunks()), ingest), ended(ingest.child)])
  signal.removeEventListener('abort', stop)
  signal.throwIfAborted()
  if (shellExitCode(end) !== 0)
    throw new Error(
      `ingest for ${source} ended with exit code ${shellExitCode(end)}:\n${(await ingest.stderr).slice(-TAIL_CHARACTERS)}`,
    )
  return summarySchema.parse(JSON.parse(await ingest.stdout))
}

async function* secondsFrom(source: string, fromSecond: number, signal: AbortSignal): AsyncGenerator<string> {
  for (let second = fromSecond; !signal.aborted; second++) {
    const waitMs = second * 1000 - Date.now()
    // An abort ends the wait early, and the loop with it.
    if (waitMs > 0) await delay(waitMs, undefined, { signal }).catch(() => undefined)
    const lines = signal.aborted ? '' : logText(source, second, second + 1)
    if (lines) yield lines
  }
}

/**
 * Sends each second's lines as it comes, those of the seconds since `fromSecond` at once. An `ingest` that dies is
 * started again, and is sent the last hour again. Resolves after the signal, when the last `ingest` has ended.
 */
export async function feedLive(options: FeedOptions & { log: (line: string) => void }): Promise<void> {
  const { source, signal, log } = options
  for (let fromSecond = options.fromSecond; !signal.aborted; ) {
    const ingest = startIngest(options)
    const died = new AbortController()
    const exited = ended(ingest.child).finally(() => died.abort())
    const either = AbortSignal.any([signal, died.signal])
    // Its end is the end of its input, unless it is stuck.
    signal.addEventListener('abort', () => {
      const insist = setTimeout(() => void endChild(ingest.child, { graceMs: 0 }), GRACE_MS)
      exited.finally(() => clearTimeout(insist))
    })
    const [, end] = await Promise.all([
      pipe(Readable.from(secondsFrom(source, fromSecond, either)), ingest),
      exited,
    ])
    if (signal.aborted) return
    const words = (await ingest.stderr).trimEnd().slice(-TAIL_CHARACTERS)
    log(
      `ingest for ${source} ended by itself (exit code ${shellExitCode(end)}) and is started again. Its last words:\n${words}`,
    )
    fromSecond = Math.floor(Date.now() / 1000) - RESEND_SECONDS
    await delay(RESTART_MS, undefined, { signal }).catch(() => undefined)
  }
}
