/**
 * An answer whose reader takes nothing any more, though the connection stands: a paused browser, a laptop that was shut.
 * It holds memory and its place among the downloads at once for as long as the connection does, which can be days.
 */

/**
 * Time without a byte going out after which a download is broken off. What is on its way in the system's buffers and a
 * batch of lines are a few megabytes, so a reader has to take less than some ten kilobytes a second to look stalled.
 */
export const STALL_MS = 10 * 60_000
/** How often one looks. */
const LOOKS = 20

export interface Answer {
  /** Bytes handed on to the system so far. */
  readonly sentBytes: () => number
  readonly breakOff: () => void
}

/**
 * Breaks an answer off when nothing of it went out for `stallMs`.
 * @returns what ends the watch
 */
export function breakWhenStalled({ sentBytes, breakOff }: Answer, stallMs = STALL_MS): () => void {
  let seenBytes = sentBytes()
  let quietLooks = 0
  const timer = setInterval(() => {
    const bytes = sentBytes()
    quietLooks = bytes === seenBytes ? quietLooks + 1 : 0
    seenBytes = bytes
    if (quietLooks < LOOKS) return
    clearInterval(timer)
    breakOff()
  }, stallMs / LOOKS)
  timer.unref()
  return () => clearInterval(timer)
}
