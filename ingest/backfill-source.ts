import { randomBytes } from 'node:crypto'
import type { DecisionReceiver } from './line-decider.ts'
import { LineDecider } from './line-decider.ts'
import { LineSplitter } from './line-splitter.ts'
import { chunksOf, type LogFile } from './log-file.ts'
import { RecentLines } from './recent-lines.ts'

/** The log of one server in several files, which are read as the one log that they are. */

/** The files of one source, in the order of their first times. */
export interface SourceFiles {
  readonly source: string
  readonly files: readonly LogFile[]
}

export interface SourceEvents {
  /** Bytes as they lie in the file. */
  readonly onRead: (bytes: number) => void
  readonly say: (text: string) => void
  /** A file that could not be read to its end. */
  readonly onFault: (text: string) => void
}

export class BackfillSource {
  readonly source: string
  readonly recent = new RecentLines({ seed: randomBytes(8).readBigUInt64LE() })
  readonly #decider: LineDecider
  readonly #events: SourceEvents
  readonly #files: LogFile[]
  #file: {
    readonly path: string
    readonly chunks: AsyncGenerator<Buffer>
    readonly splitter: LineSplitter
  } | null = null

  constructor(
    { source, files }: SourceFiles,
    options: { receiver: DecisionReceiver; nowSeconds: () => number; events: SourceEvents },
  ) {
    const { receiver, nowSeconds, events } = options
    this.source = source
    this.#files = [...files]
    this.#decider = new LineDecider({ source, recent: this.recent, nowSeconds, receiver })
    this.#events = events
  }

  /** What its log's clock shows, epoch seconds; 0 before its first line. */
  get clockSecond(): number {
    return this.recent.clock.second
  }

  /**
   * Reads one piece of a file.
   * @returns false when there is nothing more to read
   */
  async readOn(): Promise<boolean> {
    const { onRead, say, onFault } = this.#events
    if (this.#file === null) {
      const file = this.#files.shift()
      if (!file) return false
      const chunks = chunksOf(file, onRead)
      this.#file = { path: file.path, chunks, splitter: new LineSplitter(this.#decider) }
    }
    const { path, chunks, splitter } = this.#file
    try {
      const { value, done } = await chunks.next()
      if (!done) {
        splitter.push(value)
        return true
      }
      if (splitter.end()) say(`${path}: its last line has no end; it is taken as it stands.`)
    } catch (error) {
      // A line that the fault cuts could pass for another line.
      const cut = splitter.pendingBytes > 0 ? '; the line that was cut there is not' : ''
      onFault(`${path}: ${error instanceof Error ? error.message : error}. What came before is taken${cut}.`)
    }
    this.#file = null
    return this.#files.length > 0
  }

  /** Lets go of the file being read. */
  async close(): Promise<void> {
    await this.#file?.chunks.return(undefined)
    this.#file = null
  }
}
