/**
 * Gives the memory of a large buffer back at once; nobody may look at it any more, nor at another view of it. The collector
 * would find it some megabytes of such buffers later, and look through the whole heap for them: with a buffer or two for
 * each segment that was a sixth of all work, and memory.
 */
export function releaseMemory({ buffer }: Uint8Array): void {
  // Small ones are parts of a pool, a little larger than its size says, that others have parts of as well.
  if (buffer instanceof ArrayBuffer && buffer.byteLength > 2 * Buffer.poolSize) buffer.transfer(0)
}
