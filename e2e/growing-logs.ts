import { once } from 'node:events'
import { appendFileSync, copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type IngestRun, type RunningIngest, startIngest } from './ingest.ts'
import { randomFrom } from './random-from.ts'
import type { SentLines } from './sent-lines.ts'

/** Logs that grow while they are read: two of running web servers, and old ones that turn up. */

const DAY = 86_400
const FEED_LINES = 25
const FEED_MS = 100
const OLD_FILE_LINES = 1500
/** How many turns of backfill lie between two that are given the log that an `ingest` is being fed as well. */
const TURNS_A_SNAPSHOT = 10
/** Logs that killed runs did not end with, at most, that the next run is given again. */
const UNREAD_LOGS = 2

/** When lines are stamped, so that each run of maintenance has lines to seal, to join and to remove. */
export class LineTimes {
  readonly #startSecond = Math.floor(Date.now() / 1000)
  readonly #retentionDays: number
  readonly #random: () => number

  constructor({ retentionDays, seed }: { retentionDays: number; seed: number }) {
    this.#retentionDays = retentionDays
    this.#random = randomFrom(seed)
  }

  /** A second of a log that goes through the day before yesterday, with late lines, old ones, and some of now. */
  live(): number {
    const kind = this.#random()
    if (kind < 0.15) return this.#expiring()
    const now = Math.floor(Date.now() / 1000)
    if (kind < 0.25) return now - this.#within(0, 5)
    const clock = this.#startSecond - 2 * DAY + (now - this.#startSecond) * 10
    return clock - this.#within(0, kind < 0.35 ? 1800 : 4)
  }

  /** @returns the seconds of an old log of a quarter of an hour, with late lines, and lines as old as may be */
  old(): () => number {
    const from = this.#startSecond - 2 * DAY - this.#within(0, 6 * 3600)
    let turn = 0
    return () => {
      if (this.#random() < 0.1) return this.#expiring()
      return from + Math.floor(turn++ / 2) - (this.#random() < 0.1 ? this.#within(0, 300) : 0)
    }
  }

  /** About as old as lines may be: a few are too old, the others soon will be. */
  #expiring(): number {
    return Math.floor(Date.now() / 1000) - this.#retentionDays * DAY + this.#within(-8, 60)
  }

  #within(from: number, to: number): number {
    return Math.floor(from + this.#random() * (to - from))
  }
}

interface LogOptions {
  readonly folder: string
  readonly sent: SentLines
  readonly times: LineTimes
}

/** A web server's log on its way: into a file, and from there into an `ingest`. */
export class LiveLog {
  readonly source: string
  readonly path: string
  readonly ingest: RunningIngest
  readonly #options: LogOptions

  constructor(source: string, options: LogOptions & { url: string }) {
    this.source = source
    this.path = join(options.folder, `${source}.log`)
    this.ingest = startIngest(options.url, ['--source', source, '--json'])
    this.#options = options
  }

  /** @returns the run of `ingest`, which ends when the work is turned off */
  async feed(work: { readonly on: boolean }): Promise<IngestRun> {
    const { sent, times } = this.#options
    const { stdin, done } = this.ingest
    while (work.on) {
      const text = sent.write(this.source, { lines: FEED_LINES, secondOf: () => times.live() })
      appendFileSync(this.path, text)
      if (!stdin.write(text)) await Promise.race([once(stdin, 'drain'), done])
      await delay(FEED_MS)
    }
    stdin.end()
    return done
  }
}

/** Old logs of other servers, a new one for each run of `backfill`. */
export class OldLogs {
  readonly #options: LogOptions
  readonly #arguments: string[] = []
  #unread: string[] = []

  constructor(options: LogOptions) {
    this.#options = options
  }

  /** All of them, as `backfill` takes them. */
  get all(): readonly string[] {
    return this.#arguments
  }

  /** @returns the arguments of the next run: a new log, those that a killed run did not end with, at times the live one */
  next(live: LiveLog): readonly string[] {
    const { folder, sent, times } = this.#options
    const source = `old${this.#arguments.length}`
    const path = join(folder, `${source}.log`)
    appendFileSync(path, sent.write(source, { lines: OLD_FILE_LINES, secondOf: times.old() }))
    this.#arguments.push(`${source}=${path}`)
    this.#unread = [...this.#unread.slice(-UNREAD_LOGS), `${source}=${path}`]
    if (this.#arguments.length % TURNS_A_SNAPSHOT !== 2) return this.#unread
    const copy = join(folder, `${live.source}-copy.log`)
    copyFileSync(live.path, copy)
    return [...this.#unread, `${live.source}=${copy}`]
  }

  /** To be told of each run. */
  ended({ exitCode }: IngestRun): undefined {
    if (exitCode === 0 || exitCode === 1) this.#unread = []
  }
}
