import type { Redis } from 'ioredis'
import { Projector, projectAll } from '#lib/store/projector.ts'
import type { Reject } from '#lib/store/rejects.ts'
import { BackfillSource, type SourceFiles } from './backfill-source.ts'
import { BatchWriter } from './batch-writer.ts'
import { Gathering, MARGIN_SECONDS } from './gathering.ts'
import type { DecidedLine, DecisionReceiver } from './line-decider.ts'
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
  const summary = newSummary()
  const counts = new OtherLines()
  const gathering = new Gathering()
  const faults: string[] = []
  let readBytes = 0
  const totalBytes = options.sources
    .flatMap(({ files }) => files)
    .reduce((sum, file) => sum + file.sizeBytes, 0)
  const progress = new Progress(options.output, () => ({
    bytes: readBytes,
    totalBytes,
    lines: counts.lines,
  }))
  const say = (text: string) => progress.say(options.word(text))
  const pool = new MergePool(options.merge)
  const writer = new BatchWriter({ redis, summary, say, giveUp, replicaWaitMs: options.merge.replicaWaitMs })
  const merging = new Merging({
    pool,
    writer,
    summary,
    release: (buffers) => gathering.release(buffers),
    giveUp,
  })
  // What Redis has not answered by then is not waited for.
  giveUp.addEventListener('abort', () => {
    redis.disconnect()
    void pool.stop()
  })
  const projector = new Projector(redis)
  projector.start()

  const receiver: DecisionReceiver = {
    assigned: (line: DecidedLine) => {
      counts.lines++
      gathering.add(line)
    },
    unassigned: () => counts.unassigned(),
    rejected: (reject) => counts.rejected(reject),
  }
  const events = {
    onRead: (bytes: number) => {
      readBytes += bytes
    },
    say,
    onFault: (text: string) => {
      faults.push(text)
      say(text)
    },
  }
  const nowSeconds = () => Date.now() / 1000
  const sources = options.sources.map((files) => new BackfillSource(files, { receiver, nowSeconds, events }))
  await readSources(sources, { gathering, merging, counts, stop })
  if (!merging.failure) for (const taken of gathering.takeAll()) await merging.start(taken)
  void counts.recordBy(merging)
  await merging.settled()
  await projector.stop()
  await pool.stop()
  for (const { recent, source } of sources)
    if (recent.forgottenEarly > 0)
      say(
        `${recent.forgottenEarly} seconds of ${source} left the table of recent lines early, since the log jumps about in time; equal lines across such a cut merge.`,
      )
  // Also after a failure: what was stored before it is to be counted.
  if (merging.failure) await projectAll(redis).catch(() => undefined)
  const confirmed = merging.failure !== null || ((await writer.finish()) && merging.confirmed)
  progress.stop()
  return { summary, lost: merging.lost, failure: merging.failure, confirmed, faults }
}

/** Reads until everything is read, or it is told to stop, or lines can no longer be stored. */
async function readSources(
  sources: readonly BackfillSource[],
  work: { gathering: Gathering; merging: Merging; counts: OtherLines; stop: AbortSignal },
): Promise<void> {
  const { gathering, merging, counts, stop } = work
  let reading = [...sources]
  while (reading.length > 0 && !stop.aborted && !merging.failure) {
    const source = reading.reduce((a, b) => (b.clockSecond < a.clockSecond ? b : a))
    if (!(await source.readOn())) reading = reading.filter((other) => other !== source)
    const clock = Math.min(...reading.map(({ clockSecond }) => clockSecond))
    for (const taken of gathering.takePieces(clock - MARGIN_SECONDS)) await merging.start(taken)
    if (counts.isFull) await counts.recordBy(merging)
  }
  for (const source of reading) await source.close()
}

/** Lines that go into no segment, and how many lines there were in all. */
class OtherLines {
  lines = 0
  #unassigned = 0
  #rejects: Reject[] = []
  #rejectBytes = 0

  unassigned(): void {
    this.lines++
    this.#unassigned++
  }

  rejected(reject: Reject): void {
    this.lines++
    this.#rejects.push(reject)
    this.#rejectBytes += reject.line.length
  }

  get isFull(): boolean {
    return this.#rejects.length >= REJECTS_A_RECORD || this.#rejectBytes >= REJECT_BYTES_A_RECORD
  }

  recordBy(merging: Merging): Promise<void> {
    const [rejects, unassigned] = [this.#rejects, this.#unassigned]
    this.#rejects = []
    this.#rejectBytes = this.#unassigned = 0
    return merging.record(rejects, unassigned)
  }
}
