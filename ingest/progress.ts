/** What a run with an end says while it lasts: a bar to a terminal, else one JSON line every ten seconds. */

const BAR_EVERY_MS = 200
const LINE_EVERY_MS = 10_000
const BAR_CELLS = 24

export interface Advance {
  readonly bytes: number
  readonly totalBytes: number
  readonly lines: number
  readonly elapsedSeconds: number
}

const number = new Intl.NumberFormat('en-US')

/** @returns seconds to go, by the speed so far; null before there is one. */
export function secondsLeft({ bytes, totalBytes, elapsedSeconds }: Advance): number | null {
  if (bytes === 0) return null
  return Math.round((Math.max(0, totalBytes - bytes) * elapsedSeconds) / bytes)
}

const perSecond = ({ lines, elapsedSeconds }: Advance) =>
  elapsedSeconds > 0 ? Math.round(lines / elapsedSeconds) : 0

const mebibytes = (bytes: number) => (bytes / 1024 / 1024).toFixed(1)

/** `[######------------------]  25% · 12.0 of 48.0 MiB · 301,000 lines/s · 12 s left` */
export function barText(advance: Advance): string {
  const { bytes, totalBytes } = advance
  const share = totalBytes === 0 ? 1 : Math.min(1, bytes / totalBytes)
  const cells = Math.floor(share * BAR_CELLS)
  const left = secondsLeft(advance)
  return [
    `[${'#'.repeat(cells)}${'-'.repeat(BAR_CELLS - cells)}] ${String(Math.floor(share * 100)).padStart(3)}%`,
    `${mebibytes(bytes)} of ${mebibytes(totalBytes)} MiB`,
    `${number.format(perSecond(advance))} lines/s`,
    left === null ? '' : `${left} s left`,
  ]
    .filter(Boolean)
    .join(' · ')
}

export function progressJson(advance: Advance): string {
  const { bytes, totalBytes, lines } = advance
  return JSON.stringify({
    bytes,
    totalBytes,
    lines,
    linesPerSecond: perSecond(advance),
    secondsLeft: secondsLeft(advance),
  })
}

export interface ProgressOutput {
  readonly isTTY?: boolean
  write(text: string): unknown
}

/** Shows the advance until {@link stop}; what else is to be said meanwhile goes through {@link say}. */
export class Progress {
  readonly #output: ProgressOutput
  readonly #advance: () => Omit<Advance, 'elapsedSeconds'>
  readonly #startedMs = performance.now()
  readonly #timer: NodeJS.Timeout
  readonly #hasBar: boolean

  constructor(output: ProgressOutput, advance: () => Omit<Advance, 'elapsedSeconds'>) {
    this.#output = output
    this.#advance = advance
    this.#hasBar = output.isTTY === true
    this.#timer = setInterval(() => this.#show(), this.#hasBar ? BAR_EVERY_MS : LINE_EVERY_MS)
    this.#timer.unref()
  }

  /** Writes a line of its own, above the bar where there is one. */
  say(line: string): void {
    this.#output.write(this.#hasBar ? `\r\x1b[K${line}\n` : `${line}\n`)
  }

  stop(): void {
    clearInterval(this.#timer)
    if (!this.#hasBar) return
    this.#show()
    this.#output.write('\n')
  }

  #show(): void {
    const advance = {
      ...this.#advance(),
      elapsedSeconds: (performance.now() - this.#startedMs) / 1000,
    }
    this.#output.write(this.#hasBar ? `\r\x1b[K${barText(advance)}` : `${progressJson(advance)}\n`)
  }
}
