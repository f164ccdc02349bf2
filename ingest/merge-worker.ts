import { parentPort, workerData } from 'node:worker_threads'
import type { CollectionId } from '#lib/collection-id.ts'
import { PortalError } from '#lib/errors.ts'
import { QUICK_LEVEL } from '#lib/segment/format.ts'
import { collectionFault } from '#lib/store/collection-fault.ts'
import { type MergeOutcome, mergeLines } from '#lib/store/merge.ts'
import { type MergeProgress, newMergeProgress } from '#lib/store/merge-progress.ts'
import { connectRedis, redisFault, whenReady } from '#lib/store/redis.ts'
import { Replication } from '#lib/store/replication.ts'
import { messageOf } from './batch-writer.ts'
import { type LinesInBuffers, linesIn } from './lines-in-buffers.ts'

/**
 * A thread of `backfill` that merges lines over a connection of its own: compressing, which is most of the work, goes on
 * beside the reading. Lines come and go back in buffers that are handed over, not copied.
 */

export interface MergeWorkerSettings {
  readonly redisUrl: string
  readonly commandTimeoutMs: number
  /** How long a replica is waited for, until one did not confirm. */
  readonly replicaWaitMs: number
}

export interface MergeRequest {
  readonly number: number
  readonly collection: CollectionId
  readonly buffers: LinesInBuffers
  /** How far an earlier request with the same lines came. */
  readonly progress: MergeProgress | null
}

export interface MergeAnswer {
  readonly number: number
  readonly buffers: LinesInBuffers
  readonly result: MergeResult
}

export type MergeResult =
  | {
      readonly outcome: MergeOutcome
      /** Whether a replica of the master that has them, where it has some, is known to have the lines too. */
      readonly confirmed: boolean
    }
  | {
      readonly fault: MergeFault
      /** To be given with the lines when they are given again. */
      readonly progress: MergeProgress
    }

/** What an error says, without the error: it may carry log lines. */
export interface MergeFault {
  /** `passing`: worth trying again. `lines`: of this collection only. */
  readonly kind: 'passing' | 'refused' | 'lines' | 'other'
  readonly message: string
}

function faultOf(error: unknown): MergeFault {
  const ofCollection = collectionFault(error)
  if (ofCollection !== null) return { kind: 'lines', message: ofCollection }
  const cause = error instanceof PortalError && error.cause !== undefined ? error.cause : error
  const message = error instanceof PortalError && error.detail ? error.detail : messageOf(cause)
  return { kind: redisFault(error), message }
}

const { redisUrl, commandTimeoutMs, replicaWaitMs } = workerData as MergeWorkerSettings
const redis = connectRedis({ url: redisUrl, commandTimeoutMs })
const replication = new Replication(redis)
let patienceMs = replicaWaitMs
const connected = whenReady(redis, commandTimeoutMs)

interface Confirmed {
  readonly outcome: MergeOutcome
  readonly confirmed: boolean
}

/**
 * What was answered over a connection that is lost may have gone with its server: it is done again. The first time tells
 * what became of the lines.
 */
async function mergeConfirmed(
  collection: CollectionId,
  buffers: LinesInBuffers,
  { progress, isResumed }: { progress: MergeProgress; isResumed: boolean },
): Promise<Confirmed> {
  const merging = { collection, lines: linesIn(buffers), origin: 'backfill', level: QUICK_LEVEL } as const
  let connections = isResumed ? null : replication.changes
  const outcome = await mergeLines(redis, merging, progress)
  for (;;) {
    const now = replication.changes
    if (connections !== now) await mergeLines(redis, merging)
    connections = now
    const confirmed = await replication.confirmed(Math.max(1, patienceMs))
    if (!confirmed) patienceMs = 0
    if (connections === replication.changes) return { outcome, confirmed }
  }
}

async function merge({ number, collection, buffers, progress: given }: MergeRequest): Promise<void> {
  await connected
  const progress = given ?? newMergeProgress(buffers.count)
  let result: MergeResult
  try {
    result = await mergeConfirmed(collection, buffers, { progress, isResumed: given !== null })
  } catch (error) {
    result = { fault: faultOf(error), progress }
  }
  const answer: MergeAnswer = { number, buffers, result }
  parentPort?.postMessage(answer, [buffers.text.buffer, buffers.columns.buffer])
}

parentPort?.on('message', (request: MergeRequest) => void merge(request))
