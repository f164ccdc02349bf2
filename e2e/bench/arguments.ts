import { parseArgs } from 'node:util'
import { ROW_NAMES, type RowName } from './row.ts'

export interface BenchArguments {
  readonly rows: readonly RowName[]
  /** Lines of the reference load. */
  readonly lines: number
  readonly runs: number
  /** Where the JSON goes. */
  readonly json: string
}

export const BENCH_USAGE = `npm run bench -- [ROW…] [--size LINES] [--runs N] [--json FILE]
  ROW           ${ROW_NAMES.join(', ')}; all of them when none is named
  --size LINES  of the reference load, 1000 to 3000000 (1000000)
  --runs N      of reference and product each, in turn, 1 to 99 (5)
  --json FILE   where the figures go as JSON (test-results/bench.json)`

/** What was asked for cannot be done; the message says what can. */
export class BenchUsageError extends Error {
  override readonly name = 'BenchUsageError'
}

function wholeNumber(name: string, text: string, [low, high]: readonly [number, number]): number {
  const value = /^[0-9]{1,7}$/.test(text) ? Number(text) : Number.NaN
  if (value >= low && value <= high) return value
  throw new BenchUsageError(`--${name} ${text}: takes a whole number from ${low} to ${high}.`)
}

const isRow = (name: string): name is RowName => ROW_NAMES.some((row) => row === name)

/** @throws BenchUsageError */
export function parseBenchArguments(args: readonly string[]): BenchArguments {
  let parsed: ReturnType<typeof parse>
  try {
    parsed = parse(args)
  } catch (error) {
    throw new BenchUsageError(`${error instanceof Error ? error.message : error}\n${BENCH_USAGE}`)
  }
  const { values, positionals } = parsed
  const unknown = positionals.find((name) => !isRow(name))
  if (unknown !== undefined)
    throw new BenchUsageError(`There is no row '${unknown}'. The rows are ${ROW_NAMES.join(', ')}.`)
  return {
    rows: ROW_NAMES.filter((name) => positionals.length === 0 || positionals.includes(name)),
    lines: wholeNumber('size', values.size ?? '1000000', [1000, 3_000_000]),
    runs: wholeNumber('runs', values.runs ?? '5', [1, 99]),
    json: values.json ?? 'test-results/bench.json',
  }
}

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { size: { type: 'string' }, runs: { type: 'string' }, json: { type: 'string' } },
  })
}
