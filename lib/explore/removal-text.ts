import type { Removal } from '../store/removals.ts'
import { formatNumber } from './time-text.ts'

/** @returns why lines were removed: `retention of 30 days`, or that memory was short. */
export function removalReason({ reason, days }: Pick<Removal, 'reason' | 'days'>): string {
  if (reason === 'budget') return 'the store’s memory budget'
  if (days === null) return 'retention'
  return `retention of ${formatNumber(days)} ${days === 1 ? 'day' : 'days'}`
}

/**
 * @param removals the newest first
 * @returns why lines of some seconds, `[fromSecond, toSecond)`, were removed, each reason once; '' where none of them was:
 * `retention of 30 days; the store’s memory budget`
 */
export function removalReasons(
  removals: readonly Removal[],
  { fromSecond, toSecond }: { fromSecond: number; toSecond: number },
): string {
  const within = removals.filter((one) => one.fromSecond < toSecond && one.floorSecond > fromSecond)
  return [...new Set(within.map(removalReason))].join('; ')
}
