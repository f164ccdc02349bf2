const DURATION = /^([1-9][0-9]*)(s|m|h|d)$/
const MAX_DURATION_SECONDS = 365 * 86_400
const UNIT_SECONDS = { s: 1, m: 60, h: 3600, d: 86400 } as const

/** What {@link parseDurationSeconds} takes, in words. */
export const DURATIONS_TAKEN = 'a duration such as 90s, 60m, 8h or 1d, up to 365d'

/** @returns the seconds of a duration, or null where the text is none. */
export function parseDurationSeconds(text: string): number | null {
  const match = DURATION.exec(text)
  const seconds = match ? Number(match[1]) * UNIT_SECONDS[match[2] as keyof typeof UNIT_SECONDS] : 0
  return match && seconds <= MAX_DURATION_SECONDS ? seconds : null
}
