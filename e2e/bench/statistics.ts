/** @returns the middle value; of an even number of values the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle]
  if (upper === undefined) throw new Error('the median of no values')
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2
}

export interface Alternated {
  readonly reference: readonly number[]
  readonly product: readonly number[]
}

/** Runs the two in turn, so that a machine that becomes slower meanwhile does so for both. */
export async function alternating(
  { runs, log }: { readonly runs: number; readonly log: (line: string) => void },
  { reference, product }: { reference: () => Promise<number>; product: () => Promise<number> },
): Promise<Alternated> {
  const results = { reference: [] as number[], product: [] as number[] }
  for (let run = 1; run <= runs; run++) {
    results.reference.push(await reference())
    results.product.push(await product())
    const [bare = 0, ours = 0] = [results.reference.at(-1), results.product.at(-1)]
    log(`  run ${run} of ${runs}: reference ${bare.toFixed(3)}, product ${ours.toFixed(3)}`)
  }
  return results
}

export const linesPerSecond = (lines: number, seconds: number) =>
  `${(lines / seconds / 1000).toFixed(0)} k lines/s`
