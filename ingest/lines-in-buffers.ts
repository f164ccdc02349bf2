import type { SegmentLines } from '#lib/segment/lines.ts'

/** Lines on their way between threads: their text in one buffer, and their columns one behind the other in another. */

const BYTES_OF_MICROS = 8
const BYTES_OF_PLACE = 4

export interface LinesInBuffers {
  readonly text: Uint8Array<ArrayBuffer>
  readonly columns: Uint8Array<ArrayBuffer>
  readonly count: number
  /** Of the text, which may be followed by anything. */
  readonly textBytes: number
  readonly tags: readonly string[]
}

/** @returns bytes of the columns of so many lines. */
export function columnBytes(count: number): number {
  return count * (BYTES_OF_MICROS + 2 * BYTES_OF_PLACE + 1) + BYTES_OF_PLACE
}

export type GatheredColumns = SegmentLines & { readonly classes: Uint8Array }

/** @returns views of the buffers. */
export function linesIn({ text, columns, count, textBytes, tags }: LinesInBuffers): GatheredColumns {
  const { buffer, byteOffset } = columns
  const startsAt = byteOffset + count * BYTES_OF_MICROS
  const tagsAt = startsAt + (count + 1) * BYTES_OF_PLACE
  return {
    count,
    micros: new Float64Array(buffer, byteOffset, count),
    text: Buffer.from(text.buffer, text.byteOffset, textBytes),
    starts: new Uint32Array(buffer, startsAt, count + 1),
    tags,
    tagOf: new Uint32Array(buffer, tagsAt, count),
    classes: new Uint8Array(buffer, tagsAt + count * BYTES_OF_PLACE, count),
  }
}
