import type { MicrosWindow } from '../store/reading.ts'
import { type DownloadFormat, fileExtension } from './download-format.ts'

/**
 * @returns `<id>_<from>_<to>[_masked].<ext>[.gz]`, the times in basic ISO form, UTC, down to the second; never more than what the
 * window and the id say.
 */
export function downloadName(
  { collection, masked }: { readonly collection: string; readonly masked: boolean },
  { fromMicros, toMicros }: MicrosWindow,
  format: DownloadFormat,
): string {
  return `${collection}_${basicIso(fromMicros)}_${basicIso(toMicros)}${masked ? '_masked' : ''}.${fileExtension(format)}`
}

/** `20261123T135500Z`: a window that ends now would carry the clock's own fraction otherwise. */
function basicIso(micros: number): string {
  const iso = new Date(Math.floor(micros / 1e6) * 1000).toISOString()
  return iso.replace(/[-:]/g, '').replace('.000Z', 'Z')
}
