/** What became of the lines of a run. Every line read is counted in exactly one of the other four. */
export interface Summary {
  read: number
  stored: number
  duplicates: number
  rejected: number
  unassigned: number
  /** How many were rejected for which reason. */
  readonly reasons: Map<string, number>
}

export function newSummary(): Summary {
  return { read: 0, stored: 0, duplicates: 0, rejected: 0, unassigned: 0, reasons: new Map() }
}

export function countReject(summary: Summary, reason: string, lines = 1): void {
  summary.rejected += lines
  summary.reasons.set(reason, (summary.reasons.get(reason) ?? 0) + lines)
}

/** One object on one line. */
export function summaryJson({ reasons, ...counts }: Summary): string {
  return JSON.stringify(reasons.size === 0 ? counts : { ...counts, reasons: Object.fromEntries(reasons) })
}

const number = new Intl.NumberFormat('en-US')

export function summaryText(summary: Summary): string {
  const { read, stored, duplicates, rejected, unassigned, reasons } = summary
  const counts = `${number.format(read)} lines read: ${number.format(stored)} stored, ${number.format(duplicates)} stood already, ${number.format(rejected)} rejected, ${number.format(unassigned)} belong to no collection`
  return [
    counts,
    ...[...reasons].map(([reason, lines]) => `  rejected, ${reason}: ${number.format(lines)}`),
  ].join('\n')
}
