import type { Removal } from '../store/removals.ts'
import { formatNumber } from './time-text.ts'

/** @returns why lines were removed: `retention of 30 days`, or that memory was short. */
export function removalReason({ reason, days }: Pick<Removal, 'reason' | 'days'>): string {
  if (reason === 'budget') return 'the store’s memory budget'
  if (days === null) return 'retention'
  return `retention of ${formatNumber(days)} ${days === 1 ? 'day' : 'days'}`
}
