import { readFileSync } from 'node:fs'

/** The memory of a process and all that it started, from /proc (Linux). */

/** A process that has just ended has none. */
function residentKib(pid: number): number {
  return Number(/^VmRSS:\s+([0-9]+) kB$/m.exec(readOrEmpty(`/proc/${pid}/status`))?.[1] ?? 0)
}

function childrenOf(pid: number): number[] {
  const text = readOrEmpty(`/proc/${pid}/task/${pid}/children`)
  return text.split(' ').filter(Boolean).map(Number)
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // The process ended between two looks.
    return ''
  }
}

/** @returns resident bytes of the process and its descendants; memory that they share counts for each. */
export function residentBytes(pid: number): number {
  return residentKib(pid) * 1024 + childrenOf(pid).reduce((sum, child) => sum + residentBytes(child), 0)
}

/** Looks every 100 ms. */
const SAMPLE_MS = 100

export class MemoryWatch {
  /** What was seen, bytes, in order. */
  readonly samples: number[] = []
  readonly #timer: NodeJS.Timeout
  readonly #pid: number

  constructor(pid: number) {
    this.#pid = pid
    this.#look()
    this.#timer = setInterval(() => this.#look(), SAMPLE_MS)
  }

  /** The most that was seen. */
  get peakBytes(): number {
    return this.samples.reduce((most, bytes) => Math.max(most, bytes), 0)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#look()
  }

  #look(): void {
    this.samples.push(residentBytes(this.#pid))
  }
}
