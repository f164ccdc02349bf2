/**
 * Buffers that were used and are free again, by size. A batch of lines fills some hundred buffers, several times a second:
 * fresh memory for each costs the kernel a page fault every 4 KiB and the collector its work.
 */

const MAX_KEPT_BYTES = 64 * 1024 * 1024

export class FreeBuffers {
  /** At index n, buffers of 2^n bytes. */
  readonly #bySize: Buffer<ArrayBuffer>[][] = Array.from({ length: 32 }, () => [])
  readonly #maxKeptBytes: number
  #keptBytes = 0

  /** @param maxKeptBytes past it a buffer given back is left to the collector */
  constructor(maxKeptBytes = MAX_KEPT_BYTES) {
    this.#maxKeptBytes = maxKeptBytes
  }

  /** @returns a buffer of at least that many bytes, a power of two, with anything in it. */
  take(bytes: number): Buffer<ArrayBuffer> {
    const power = 32 - Math.clz32(bytes - 1)
    const kept = this.#bySize[power]?.pop()
    if (!kept) return Buffer.allocUnsafeSlow(2 ** power)
    this.#keptBytes -= kept.length
    return kept
  }

  /** Takes a buffer back that {@link take} gave, and that nobody looks at any more. */
  give(buffer: Buffer<ArrayBuffer>): void {
    if (this.#keptBytes + buffer.length > this.#maxKeptBytes) return
    this.#bySize[31 - Math.clz32(buffer.length)]?.push(buffer)
    this.#keptBytes += buffer.length
  }
}
