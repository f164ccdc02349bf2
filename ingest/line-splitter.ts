/**
 * Cuts a stream of bytes into lines. A line ends at LF; a CR right before it belongs to the terminator, any other byte to
 * the line. What follows the last LF is a line of its own once the stream has ended.
 */

export const MAX_LINE_BYTES = 1024 * 1024
/** How much of a line that is too long is kept to be shown. */
const KEPT_BYTES = 64 * 1024
const LF = 0x0a
const CR = 0x0d

export interface LineReceiver {
  /** One line: `bytes[start, end)`, valid until the call returns. */
  line(bytes: Buffer, start: number, end: number): void
  /** A line of more than {@link MAX_LINE_BYTES}: its first bytes and its length. */
  tooLong(beginning: Buffer, sizeBytes: number): void
}

export class LineSplitter {
  readonly #receiver: LineReceiver
  /** Pieces of a line whose end has not come yet. */
  #pieces: Buffer[] = []
  #pendingBytes = 0
  /** Whether the last pending byte is a CR, which may turn out to be half a terminator. */
  #endsInCarriageReturn = false

  constructor(receiver: LineReceiver) {
    this.#receiver = receiver
  }

  push(chunk: Buffer): void {
    let start = 0
    for (;;) {
      const feed = chunk.indexOf(LF, start)
      if (feed < 0) break
      if (this.#pendingBytes > 0) this.#finish(chunk.subarray(start, feed), true)
      else if (feed - start > MAX_LINE_BYTES + 1) this.#finish(chunk.subarray(start, feed), true)
      else {
        const end = feed > start && chunk[feed - 1] === CR ? feed - 1 : feed
        if (end - start > MAX_LINE_BYTES) this.#finish(chunk.subarray(start, feed), true)
        else this.#receiver.line(chunk, start, end)
      }
      start = feed + 1
    }
    if (start < chunk.length) this.#hold(chunk.subarray(start))
  }

  /**
   * The stream has ended.
   * @returns whether its last line had no terminator.
   */
  end(): boolean {
    if (this.#pendingBytes === 0) return false
    this.#finish(Buffer.alloc(0), false)
    return true
  }

  /** Bytes of the line whose end has not come yet. */
  get pendingBytes(): number {
    return this.#pendingBytes
  }

  #hold(piece: Buffer): void {
    // Past the cap only the beginning is kept and the rest counted; the line is a reject whatever follows.
    if (this.#pendingBytes <= MAX_LINE_BYTES + 1) this.#pieces.push(Buffer.from(piece))
    this.#pendingBytes += piece.length
    this.#endsInCarriageReturn = piece[piece.length - 1] === CR
  }

  #finish(last: Buffer, terminated: boolean): void {
    if (last.length > 0) this.#hold(last)
    const cut = terminated && this.#endsInCarriageReturn ? 1 : 0
    const sizeBytes = this.#pendingBytes - cut
    const whole = this.#pieces.length === 1 ? (this.#pieces[0] as Buffer) : Buffer.concat(this.#pieces)
    this.#pieces = []
    this.#pendingBytes = 0
    this.#endsInCarriageReturn = false
    if (sizeBytes > MAX_LINE_BYTES) this.#receiver.tooLong(whole.subarray(0, KEPT_BYTES), sizeBytes)
    else this.#receiver.line(whole, 0, sizeBytes)
  }
}
