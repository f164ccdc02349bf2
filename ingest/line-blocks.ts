/**
 * Memory for gathered lines, in blocks that are used again and again: buffers that grow are copied at each step, and a new
 * one costs the kernel a page fault every 4 KiB. Blocks lie in slabs, which are kept.
 */

const SLAB_BYTES = 1024 * 1024
/** Small, since each of thousands of collections holds one that is not full. */
export const BLOCK_BYTES = 8 * 1024
const BLOCKS_A_SLAB = SLAB_BYTES / BLOCK_BYTES

/** The same bytes, as what they are needed for. */
export interface Slab {
  readonly bytes: Buffer
  readonly floats: Float64Array
  readonly words: Uint32Array
}

export interface Block {
  readonly slab: Slab
  /** Where it begins and ends in the slab, bytes; both are divisible by eight. */
  readonly start: number
  readonly end: number
  /** How many lines are in it. */
  lines: number
}

function newSlab(sizeBytes: number): Slab {
  const bytes = Buffer.allocUnsafeSlow(sizeBytes)
  return { bytes, floats: new Float64Array(bytes.buffer), words: new Uint32Array(bytes.buffer) }
}

const blockAt = (slab: Slab, start: number): Block => ({ slab, start, end: start + BLOCK_BYTES, lines: 0 })

export class LineBlocks {
  readonly #free: Block[] = []

  /** @returns a block with room for so many bytes; a larger one than usual where it has to be. */
  take(roomBytes: number): Block {
    if (roomBytes > BLOCK_BYTES) {
      const end = Math.ceil(roomBytes / 8) * 8
      return { slab: newSlab(end), start: 0, end, lines: 0 }
    }
    const free = this.#free.pop()
    if (free) return free
    const slab = newSlab(SLAB_BYTES)
    for (let i = BLOCKS_A_SLAB - 1; i > 0; i--) this.#free.push(blockAt(slab, i * BLOCK_BYTES))
    return blockAt(slab, 0)
  }

  /** Takes a block back that nobody looks at any more. */
  give(block: Block): void {
    if (block.end - block.start !== BLOCK_BYTES) return
    block.lines = 0
    this.#free.push(block)
  }
}
