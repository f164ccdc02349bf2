import type { Redis } from 'ioredis'
import { Projector, projectAll } from '#lib/store/projector.ts'
import type { Reject } from '#lib/store/rejects.ts'
import { BackfillSource, type SourceEvents, type SourceFiles } from './backfill-source.ts'
import { BatchWriter } from './batch-writer.ts'
import { Gathering } from './gathering.ts'
import type { DecidedLine, DecisionReceiver } from './line-decider.ts'
import type { LinesInBuffers } from './lines-in-buffers.ts'
import { MergePool } from './merge-pool.ts'
import type { MergeWorkerSettings } from './merge-worker.ts'
import { Merging } from './merging.ts'
import { Progress, type ProgressOutput } from './progress.ts'
import type { Outcome } from './read-stream.ts'
import { newSummary } from './summary.ts'

/**
 * Old logs from files straight into segments. The files of a source are one log, read in order; the sources are read by
 * their logs' clocks, the one that is furthest behind next, so that a stretch of time holds all sources' lines and becomes
 * a segment once. Each line is decided about exactly as a line read from a pipe.
 */

/** Rejects are written when there are so many, or of so many bytes. */
const REJECTS_A_RECORD = 500
const REJECT_BYTES_A_RECORD = 4 * 1024 * 1024

export interface BackfillOptions {
  readonly sources: readonly SourceFiles[]
  readonly redis: Redis
  readonly merge: MergeWorkerSettings
  readonly output: ProgressOutput
  /** Puts a name before what is said. */
  readonly word: (text: string) => string
  /** Ends the reading; what was read is still stored. */
  readonly stop: AbortSignal
  /** Ends the waiting for Redis as well. */
  readonly giveUp: AbortSignal
}

export interface BackfillOutcome extends Outcome {
  /** Files that could not be read to their end, each with what is wrong with it. */
  readonly faults: readonly string[]
}

/** @returns what became of the lines, also when the reading ended early. */
export async function backfill(options: BackfillOptions): Promise<BackfillOutcome> {
  const { redis, stop, giveUp } = options
  const gathering = new Gathering()
  const decided = new Decided(gathering)
  const files = options.sources.flatMap((source) => source.files)
  const totalBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const progress = new Progress(options.output, () => ({
    bytes: decided.readBytes,
    totalBytes,
    lines: decided.lines,
  }))
  const say = (text: string) => progress.say(options.word(text))
  const summary = newSummary()
  const writer = new BatchWriter({ redis, summary, say, giveUp, replicaWaitMs: options.merge.replicaWaitMs })
  const pool = new MergePool(options.merge)
  const release = (buffers: LinesInBuffers) => gathering.release(buffers)
  const merging = new Merging({ pool, writer, summary, release, giveUp })
  // What Redis has not answered by then is not waited for.
  giveUp.addEventListener('abort', () => {
    redis.disconnect()
    void pool.stop()
  })
  const projector = new Projector(redis)
  projector.start()

  const faults: string[] = []
  const events: SourceEvents = {
    onRead: (bytes) => {
      decided.readBytes += bytes
    },
    say,
    onFault: (text) => {
      faults.push(text)
      say(text)
    },
  }
  const nowSeconds = () => Date.now() / 1000
  const sources = options.sources.map(
    (source) => new BackfillSource(source, { receiver: decided, nowSeconds, events }),
  )
  await readSources(sources, { gathering, merging, decided, stop })
  if (stop.aborted && decided.readBytes < totalBytes)
    events.onFault(
      `Stopped when ${decided.readBytes} of ${totalBytes} bytes were read. Give the same files again: what is stored is stored once.`,
    )
  // After a failure they are only counted.
  for (const taken of gathering.takeAll()) await merging.start(taken)
  void decided.recordOthers(merging)
  await merging.settled()
  await projector.stop()
  await pool.stop()
  sayForgotten(sources, say)
  // Also after a failure: what was stored before it is to be counted.
  if (merging.failure) await projectAll(redis).catch(() => undefined)
  const confirmed = merging.failure !== null || ((await writer.finish()) && merging.confirmed)
  progress.stop()
  return { summary, lost: merging.lost, failure: merging.failure, confirmed, faults }
}

function sayForgotten(sources: readonly BackfillSource[], say: (text: string) => void): void {
  for (const { source, recent } of sources)
    if (recent.forgottenEarly > 0)
      say(
        `${recent.forgottenEarly} seconds of ${source} left the table of recent lines early, since the log jumps about in time; equal lines across such a cut merge.`,
      )
}

/** Reads until everything is read, or it is told to stop, or lines can no longer be stored. */
async function readSources(
  sources: readonly BackfillSource[],
  work: { gathering: Gathering; merging: Merging; decided: Decided; stop: AbortSignal },
): Promise<void> {
  const { gathering, merging, decided, stop } = work
  let reading = [...sources]
  while (reading.length > 0 && !stop.aborted && !merging.failure) {
    const source = reading.reduce((a, b) => (b.clockSecond < a.clockSecond ? b : a))
    if (!(await source.readOn())) reading = reading.filter((other) => other !== source)
    const clock = Math.min(...reading.map(({ clockSecond }) => clockSecond))
    for (const taken of gathering.takePieces(clock)) await merging.start(taken)
    if (decided.othersAreMany) await decided.recordOthers(merging)
  }
  for (const source of reading) await source.close()
}

/** Sends each line where it goes: what belongs to a collection is gathered, the others wait to be recorded. */
class Decided implements DecisionReceiver {
  lines = 0
  /** As they lie in the files. */
  readBytes = 0
  readonly #gathering: Gathering
  #unassigned = 0
  #rejects: Reject[] = []
  #rejectBytes = 0

  constructor(gathering: Gathering) {
    this.#gathering = gathering
  }

  assigned(line: DecidedLine): void {
    this.lines++
    this.#gathering.add(line)
  }

  unassigned(): void {
    this.lines++
    this.#unassigned++
  }

  rejected(reject: Reject): void {
    this.lines++
    this.#rejects.push(reject)
    this.#rejectBytes += reject.line.length
  }

  get othersAreMany(): boolean {
    return this.#rejects.length >= REJECTS_A_RECORD || this.#rejectBytes >= REJECT_BYTES_A_RECORD
  }

  recordOthers(merging: Merging): Promise<void> {
    const [rejects, unassigned] = [this.#rejects, this.#unassigned]
    this.#rejects = []
    this.#rejectBytes = this.#unassigned = 0
    return merging.record(rejects, unassigned)
  }
}
