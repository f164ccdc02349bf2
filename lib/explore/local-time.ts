/**
 * From what a zone's clock shows to the moment it was, where clocks are set forth and back too.
 *
 * A local time that stands twice (the clock was set back over it) has two moments: the earlier one begins a window and
 * the later one ends it, so that nothing that was asked for is left out. One that the clock was set forth over is the
 * moment of that change at either end. `disambiguation: 'compatible'` of Temporal was not enough: it knows no side, and
 * reads 02:30 in a gap from 2 to 3 as half past three.
 */

/** Which end of a window a moment is. */
export type Side = 'from' | 'to'

export const MICROS_PER_MS = 1000
export const MICROS_PER_SECOND = 1_000_000
export const MICROS_PER_DAY = 86_400 * MICROS_PER_SECOND

/** @returns the zone's clock and calendar at a moment, in microseconds since the epoch. */
export function zonedAt(micros: number, zone: string): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochNanoseconds(BigInt(micros) * 1000n).toZonedDateTimeISO(zone)
}

/** @returns microseconds since the epoch; below zero before 1970. */
export function microsOf({ epochNanoseconds }: Temporal.ZonedDateTime): number {
  return Number(epochNanoseconds / 1000n)
}

/** @returns the moments, as microseconds, at which the zone's clock showed this; equal but where it did so twice or never. */
export function momentsOfLocal(local: Temporal.PlainDateTime, zone: string): Record<Side, number> {
  const first = local.toZonedDateTime(zone, { disambiguation: 'earlier' })
  if (!first.toPlainDateTime().equals(local)) {
    const change = first.getTimeZoneTransition('next') ?? first
    return { from: microsOf(change), to: microsOf(change) }
  }
  return { from: microsOf(first), to: microsOf(local.toZonedDateTime(zone, { disambiguation: 'later' })) }
}

/** @returns the first moment of a day, which is not midnight everywhere; of a day that a zone left out, the change over it. */
export function startOfDate(date: Temporal.PlainDate, zone: string): number {
  return microsOf(date.toZonedDateTime(zone))
}

/** @returns the day before the one that holds the moment: the last one there was, where a zone left one out. */
export function dateBefore(micros: number, zone: string): Temporal.PlainDate {
  return zonedAt(startOfDate(zonedAt(micros, zone).toPlainDate(), zone) - 1, zone).toPlainDate()
}
