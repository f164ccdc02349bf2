import type { MicrosWindow } from '../store/reading.ts'
import { MICROS_PER_MS, MICROS_PER_SECOND } from './local-time.ts'
import type { Clock } from './window.ts'

/** Ways from one window to another that take no typing. */

const ZOOM = 2
const HOUR_SECONDS = 3600
/** A longer window is told in whole hours. */
const LONGEST_IN_SECONDS = 86_400

/** @returns a window twice as long around the same middle, cut at 1970 and at now, or null where there is no more. */
export function zoomOut({ fromMicros, toMicros }: MicrosWindow, clock: Clock): MicrosWindow | null {
  const nowMicros = clock.nowMs * MICROS_PER_MS
  const grow = Math.max(MICROS_PER_SECOND, Math.round(((toMicros - fromMicros) * (ZOOM - 1)) / 2))
  const wider = {
    fromMicros: Math.max(0, fromMicros - grow),
    toMicros: Math.max(toMicros, Math.min(nowMicros, toMicros + grow)),
  }
  return wider.fromMicros === fromMicros && wider.toMicros === toMicros ? null : wider
}

/** @returns what `from` says for a window as long as this one that ends now, rounded up to what it can say. */
export function sameLengthUpToNow({ fromMicros, toMicros }: MicrosWindow): string {
  const seconds = Math.max(1, Math.ceil((toMicros - fromMicros) / MICROS_PER_SECOND))
  return seconds <= LONGEST_IN_SECONDS ? `${seconds}s` : `${Math.ceil(seconds / HOUR_SECONDS)}h`
}
