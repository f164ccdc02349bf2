import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import type { StoragePoint } from '../lib/store/storage-points.ts'
import { type IngestRun, type RunningIngest, startIngest } from './ingest.ts'

/** Runs of `maintain` and `backfill`, one after the other, that die by SIGKILL. */

export type KilledVerb = 'maintain' | 'backfill'

export const POINTS: Record<KilledVerb, readonly StoragePoint[]> = {
  maintain: ['bodies built', 'before commit', 'after commit', 'archive written', 'after removal'],
  backfill: ['bodies built', 'before commit', 'after commit'],
}
/** A point that is not reached in so many runs is not reached at all. */
const RUNS_A_KILL = 25
/** A run dies when it reaches its point for the first to third time; where it did not, the next at the first. */
const TIMES_REACHED = 3
const SIGKILLED = 137
const FIRST_SPREAD_MS = 1000

export interface Lane {
  readonly url: string
  readonly verb: KilledVerb
  /** Storage points, and null for a moment at random. */
  readonly kills: readonly (StoragePoint | null)[]
  readonly env: Readonly<Record<string, string>>
  readonly random: () => number
  /** Of the next run. */
  readonly argumentsOf: () => readonly string[]
  /** Told of each run. */
  readonly ended: (run: IngestRun) => Promise<unknown> | undefined
}

/** What is killed in turn: each point as often as the others, and as evenly between them moments at random. */
export function killsOf(
  verb: KilledVerb,
  { points, moments }: { points: number; moments: number },
): (StoragePoint | null)[] {
  const kills: (StoragePoint | null)[] = []
  for (let n = 0; n < Math.max(points, moments); n++) {
    if (n < points) kills.push(POINTS[verb][n % POINTS[verb].length] ?? null)
    if (n < moments) kills.push(null)
  }
  return kills
}

/**
 * Kills as often as the lane says; runs that end before they can be killed do not count.
 * @param work turned off when something else failed
 * @returns how often it was killed at each point, or `at random`
 */
export async function killRuns(lane: Lane, work: { readonly on: boolean }): Promise<Map<string, number>> {
  const { verb, ended } = lane
  const killed = new Map<string, number>()
  /** As long as a run takes about, so that moments fall anywhere in it. */
  let spreadMs = FIRST_SPREAD_MS
  for (const point of lane.kills) {
    for (let runs = 1; ; runs++) {
      assert.ok(work.on, 'something else failed')
      assert.ok(runs <= RUNS_A_KILL, `${verb} could not be killed ${point ?? 'at random'}`)
      const times = runs === 1 ? 1 + Math.floor(lane.random() * TIMES_REACHED) : 1
      const run = await (point === null ? killSometime(lane, spreadMs) : killAt(lane, point, times))
      await ended(run)
      if (run.exitCode === SIGKILLED) break
      // Some lines of backfill are below retention; maintenance finds no fault.
      assert.ok(run.exitCode === 0 || (verb === 'backfill' && run.exitCode === 1), run.stderr)
      if (point === null) spreadMs *= 0.7
    }
    if (point === null) spreadMs *= 1.1
    const name = point ?? 'at random'
    killed.set(name, (killed.get(name) ?? 0) + 1)
  }
  return killed
}

function killAt(
  { url, verb, env, argumentsOf }: Lane,
  point: StoragePoint,
  times: number,
): Promise<IngestRun> {
  const run = startIngest(url, [verb, ...argumentsOf(), '--json'], {
    preload: 'kill-at-point.ts',
    env: { ...env, KILL_AT: point, KILL_ON: String(times) },
  })
  run.stdin.end()
  return run.done
}

/** Counted from when it goes to Redis, since half of a short run is its start. */
async function killSometime(
  { url, verb, env, random, argumentsOf }: Lane,
  spreadMs: number,
): Promise<IngestRun> {
  const run = startIngest(url, [verb, ...argumentsOf(), '--json'], { env })
  run.stdin.end()
  await Promise.race([hasSaid(run, 'Redis at'), run.done])
  await Promise.race([delay(random() * spreadMs), run.done])
  run.signal('SIGKILL')
  return run.done
}

function hasSaid(run: RunningIngest, words: string): Promise<void> {
  let said = ''
  return new Promise((resolve) => {
    run.stderr.on('data', (chunk: Buffer) => {
      said += chunk
      if (said.includes(words)) resolve()
    })
  })
}
