import { type Measured, type Row, reaches } from './row.ts'

/** What became of one row: measured, or why not. */
export interface RowOutcome {
  readonly row: Row
  readonly measured: Measured | null
  readonly fault: string | null
}

const HEADINGS = ['row', 'must', 'goal', 'measured', 'reference', 'product', 'verdict'] as const

export function verdictOf({ row, measured }: RowOutcome): string {
  if (!measured) return 'not run'
  if (!reaches(row, measured.value, row.must)) return 'missed'
  return reaches(row, measured.value, row.goal) ? 'met, goal too' : 'met'
}

function cellsOf(outcome: RowOutcome): string[] {
  const { row, measured } = outcome
  const sign = row.better === 'higher' ? '>=' : '<='
  const withUnit = (text: string) => (row.unit ? `${text} ${row.unit}` : text)
  return [
    row.name,
    withUnit(`${sign} ${row.must}`),
    withUnit(`${sign} ${row.goal}`),
    measured ? withUnit(measured.value.toFixed(row.unit ? 1 : 2)) : '-',
    measured?.reference ?? '-',
    measured?.product ?? '-',
    verdictOf(outcome),
  ]
}

/** @returns the rows as lines of a table, and under it what is to be known about each. */
export function tableText(outcomes: readonly RowOutcome[]): string {
  const rows = [[...HEADINGS], ...outcomes.map(cellsOf)]
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)))
  const lines = rows.map((cells) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  const notes = outcomes.map(({ row, measured, fault }) => `${row.name}: ${measured?.note ?? fault}`)
  return `${[...lines, '', ...notes].join('\n')}\n`
}

/** @returns the same for programs. */
export function tableJson(outcomes: readonly RowOutcome[], about: Readonly<Record<string, unknown>>): string {
  const rows = outcomes.map((outcome) => {
    const { name, must, goal, better, unit } = outcome.row
    const { measured, fault } = outcome
    return { row: name, must, goal, better, unit, ...measured, fault, verdict: verdictOf(outcome) }
  })
  return `${JSON.stringify({ ...about, rows }, null, 2)}\n`
}
