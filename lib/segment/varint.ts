/**
 * Columns of whole numbers from 0 to 2^53 as varints: seven bits a byte, the lowest first, the eighth bit set on every byte
 * but a number's last.
 */

export class VarintWriter {
  #bytes: Buffer
  #length = 0

  constructor(capacityBytes = 4096) {
    this.#bytes = Buffer.allocUnsafeSlow(capacityBytes)
  }

  number(value: number): void {
    this.#reserve(8)
    let rest = value
    while (rest >= 0x80) {
      // Not by shifts: those end at 32 bits.
      const low = rest % 0x80
      this.#bytes[this.#length++] = 0x80 | low
      rest = (rest - low) / 0x80
    }
    this.#bytes[this.#length++] = rest
  }

  /** The bytes of a string in latin1, their number in front. */
  latin1(text: string): void {
    this.number(text.length)
    this.#reserve(text.length)
    this.#length += this.#bytes.write(text, this.#length, 'latin1')
  }

  bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#length + bytes, this.#bytes.length * 2))
    this.#bytes.copy(larger, 0, 0, this.#length)
    this.#bytes = larger
  }
}

/** @throws RangeError when the bytes end early, or hold more than a number can. */
export class VarintReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  number(): number {
    let value = 0
    let scale = 1
    for (let i = 0; i < 8; i++) {
      const byte = this.#bytes[this.#at++]
      if (byte === undefined) throw new RangeError('a column ends within a number')
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
      scale *= 0x80
    }
    throw new RangeError('a number of a column is too long')
  }

  latin1(): string {
    const length = this.number()
    const end = this.#at + length
    if (end > this.#bytes.length) throw new RangeError('a column ends within a text')
    const text = this.#bytes.toString('latin1', this.#at, end)
    this.#at = end
    return text
  }
}
