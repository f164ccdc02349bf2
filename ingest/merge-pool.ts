import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { PortalError } from '#lib/errors.ts'
import type { LinesInBuffers } from './lines-in-buffers.ts'
import type { MergeAnswer, MergeRequest, MergeResult, MergeWorkerSettings } from './merge-worker.ts'

/** The threads that merge. */

/** With more, reading is what takes the time; and each takes memory. */
const MOST_THREADS = 2
/**
 * Under way at once in a thread, so that it compresses one piece while Redis answers for others, and reading seldom waits:
 * with three it stood still for a tenth of the time.
 */
const MERGES_A_THREAD = 6

export interface Merged {
  readonly result: MergeResult
  /** What was given, under other addresses. */
  readonly buffers: LinesInBuffers
}

/** Of a thread's young objects. The collector sees buffers that are done with only when it clears this space. */
const YOUNG_MIB = 6

interface Running {
  readonly worker: Worker
  readonly resolve: (merged: Merged) => void
  readonly reject: (error: unknown) => void
}

export class MergePool {
  readonly #workers: readonly Worker[]
  readonly #running = new Map<number, Running>()
  #nextNumber = 0
  /** A thread that ended takes no more; it answers nothing either. */
  #end: PortalError | null = null

  constructor(settings: MergeWorkerSettings) {
    const threads = Math.min(MOST_THREADS, Math.max(1, availableParallelism() - 1))
    this.#workers = Array.from({ length: threads }, () => this.#start(settings))
  }

  /** How many merges it takes to keep all threads busy. */
  get capacity(): number {
    return this.#workers.length * MERGES_A_THREAD
  }

  /**
   * Merges lines of one collection. The buffers are handed over: nobody else may look at them until they come back.
   * @param piece.progress what an earlier answer about the same lines told
   * @throws PortalError `internal` when a thread ended by itself, which is a fault of the program
   */
  merge({ collection, buffers, progress }: Omit<MergeRequest, 'number'>): Promise<Merged> {
    const worker = this.#leastBusy()
    const number = this.#nextNumber++
    return new Promise((resolve, reject) => {
      if (this.#end) return reject(this.#end)
      this.#running.set(number, { worker, resolve, reject })
      const request: MergeRequest = { number, collection, buffers, progress }
      worker.postMessage(request, [buffers.text.buffer, buffers.columns.buffer])
    })
  }

  /** Ends the threads, whatever they do. */
  async stop(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()))
  }

  #start(settings: MergeWorkerSettings): Worker {
    const worker = new Worker(new URL('./merge-worker.ts', import.meta.url), {
      workerData: settings,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB },
    })
    worker.on('message', ({ number, result, buffers }: MergeAnswer) => {
      this.#running.get(number)?.resolve({ result, buffers })
      this.#running.delete(number)
    })
    let fault: unknown
    worker.on('error', (error) => {
      fault = error
    })
    worker.on('exit', () => {
      this.#end ??= new PortalError('internal', { detail: 'A thread that merges ended.', cause: fault })
      for (const [number, running] of this.#running) {
        if (running.worker !== worker) continue
        this.#running.delete(number)
        running.reject(this.#end)
      }
    })
    return worker
  }

  #leastBusy(): Worker {
    const busy = new Map(this.#workers.map((worker) => [worker, 0]))
    for (const { worker } of this.#running.values()) busy.set(worker, (busy.get(worker) ?? 0) + 1)
    const [least] = [...busy].sort(([, a], [, b]) => a - b)
    if (!least) throw new Error('a pool without threads')
    return least[0]
  }
}
