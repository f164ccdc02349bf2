import type { MicrosWindow } from '../store/reading.ts'

/** @returns `<id>_<from>_<to>.log`, the times in basic ISO form, UTC; never more than what the window and the id say. */
export function downloadName(collection: string, { fromMicros, toMicros }: MicrosWindow): string {
  return `${collection}_${basicIso(fromMicros)}_${basicIso(toMicros)}.log`
}

/** `20261123T135500Z`; a fraction of a second only where there is one. */
function basicIso(micros: number): string {
  const iso = new Date(Math.floor(micros / 1000)).toISOString()
  return iso.replace(/[-:]/g, '').replace('.000Z', 'Z')
}
