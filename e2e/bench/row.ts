/** A row of the table in design: what is measured, and what it has to reach. */

export interface Row {
  readonly name: RowName
  readonly must: number
  readonly goal: number
  readonly better: 'higher' | 'lower'
  /** '' for a ratio. */
  readonly unit: '' | 'MiB'
  run(bench: Bench): Promise<Measured>
}

export const ROW_NAMES = [
  'live',
  'seed',
  'backfill',
  'memory',
  'ingest-rss',
  'page',
  'depth',
  'download',
  'download-rss',
] as const
export type RowName = (typeof ROW_NAMES)[number]

/** What a row is given. */
export interface Bench {
  /** Lines of the reference load. */
  readonly lines: number
  /** How often reference and product run, one after the other in turn. */
  readonly runs: number
  /** A folder of the row's own, which is removed after it. */
  readonly folder: string
  readonly log: (line: string) => void
  /** What is to be done when the row is over or the bench is told to end: the last added first. */
  defer(cleanup: () => Promise<unknown> | unknown): void
}

export interface Measured {
  readonly value: number
  /** Absolute figures, for orientation: of the reference where there is one, and of the product. */
  readonly reference: string
  readonly product: string
  /** How it was measured, and what is in it. */
  readonly note: string
  /** Every single run, in the order in which they ran, by what was measured and its unit. */
  readonly samples: Readonly<Record<string, readonly number[]>>
}

/** The product or the reference did not do what it had to, so that its figure says nothing. */
export class WrongCounts extends Error {
  override readonly name = 'WrongCounts'
}

/** @throws WrongCounts */
export function expectEqual(what: string, actual: unknown, expected: unknown): void {
  if (actual !== expected) throw new WrongCounts(`${what}: ${actual} instead of ${expected}`)
}

export function reaches({ better }: Row, value: number, limit: number): boolean {
  return better === 'higher' ? value >= limit : value <= limit
}
