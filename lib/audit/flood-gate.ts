/**
 * Keeps what somebody without rights can cause as often as they like from filling the audit. Of each kind (a person's
 * refusals, the refused sign-ins from one address) the first few within an hour are entries of their own, and of all kinds
 * together the first so many; the others are counted, and at the end of the hour one entry for each kind tells how many
 * there were. Kinds are bounded too, since addresses are not scarce to everybody: those past it are counted together.
 */

export interface FloodGateOptions<Sample> {
  /** Admitted of one kind. */
  readonly each: number
  /** Admitted of all kinds together. */
  readonly inAll: number
  /** Kinds told apart. */
  readonly kinds: number
  /** Told at the end of the hour, with the first sample of a kind; null for those that were not told apart. */
  readonly onHeldBack: (first: Sample | null, held: number) => void
  /** Runs `work` after so many milliseconds. */
  readonly later?: (work: () => void, ms: number) => void
}

/** `last`: admitted, and what follows of this kind within the hour is counted. */
export type Admission = 'admitted' | 'last' | 'held back'

export interface FloodGate<Sample> {
  admit(kind: string, sample: Sample): Admission
}

export const FLOOD_WINDOW_MS = 3_600_000

interface Counts<Sample> {
  readonly first: Sample | null
  admitted: number
  held: number
}

export function createFloodGate<Sample>({
  each,
  inAll,
  kinds,
  onHeldBack,
  later = afterwards,
}: FloodGateOptions<Sample>): FloodGate<Sample> {
  const seen = new Map<string, Counts<Sample>>()
  const others: Counts<Sample> = { first: null, admitted: 0, held: 0 }
  let admittedInAll = 0
  let isCounting = false

  function end(): void {
    const held = [...seen.values(), { ...others }].filter((counts) => counts.held > 0)
    seen.clear()
    others.held = 0
    admittedInAll = 0
    isCounting = false
    for (const counts of held) onHeldBack(counts.first, counts.held)
  }

  function countsOf(kind: string, sample: Sample): Counts<Sample> {
    const known = seen.get(kind)
    if (known) return known
    if (seen.size >= kinds) return others
    const counts = { first: sample, admitted: 0, held: 0 }
    seen.set(kind, counts)
    return counts
  }

  return {
    admit(kind, sample) {
      if (!isCounting) later(end, FLOOD_WINDOW_MS)
      isCounting = true
      const counts = countsOf(kind, sample)
      if (counts === others || counts.admitted >= each || admittedInAll >= inAll) {
        counts.held++
        return 'held back'
      }
      counts.admitted++
      admittedInAll++
      return counts.admitted === each ? 'last' : 'admitted'
    },
  }
}

/** Keeps no process from ending. */
function afterwards(work: () => void, ms: number): void {
  setTimeout(work, ms).unref()
}
