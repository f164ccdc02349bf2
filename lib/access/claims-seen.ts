import type { AccessFile } from './access-file.ts'
import { claimInWords, isRecord, valueAt } from './claim-values.ts'
import type { ClaimPath } from './rules.ts'

/**
 * What single sign-on sent about a person, for that person to read when it gives no access: so that they can tell whom
 * they ask what is missing. Names of all claims; values only where the access file looks, since those are the person's
 * own groups and ids.
 */

/** A list for people: what is shown of it, and how much is not. */
export interface Shown {
  /** Sorted, none of them twice; none longer than {@link MAX_TEXT_CHARACTERS} and an ellipsis. */
  readonly texts: readonly string[]
  /** How many more there are. */
  readonly more: number
}

export interface ClaimFound extends Shown {
  /** The path that the access file names, in words. */
  readonly claim: string
}

export interface ClaimsSeen {
  readonly names: Shown
  /** The paths that the access file names, in its order: what was found at each. */
  readonly found: readonly ClaimFound[]
  /** How many paths of the access file are not listed. */
  readonly morePaths: number
}

const MAX_NAMES = 100
const MAX_PATHS = 20
/** For each path. */
const MAX_TEXTS = 50
const MAX_TEXT_CHARACTERS = 200

/** @param claims of the session: what the provider says about the person, without what it says about the sign-in itself */
export function claimsSeen(claims: unknown, file: AccessFile): ClaimsSeen {
  const paths = pathsOf(file)
  return {
    names: capped(isRecord(claims) ? Object.keys(claims) : [], MAX_NAMES),
    found: paths.slice(0, MAX_PATHS).map((path) => ({
      claim: cut(claimInWords(path)),
      ...capped(textsAt(claims, path), MAX_TEXTS),
    })),
    morePaths: Math.max(0, paths.length - MAX_PATHS),
  }
}

/** Every path once: where groups stand, then the claims of rules. */
function pathsOf({ claims, rules }: AccessFile): ClaimPath[] {
  const all = [...claims, ...rules.flatMap((rule) => (rule.kind === 'claim' ? [rule.claim] : []))]
  return [...new Map(all.map((path) => [JSON.stringify(path), path])).values()]
}

/** Texts and exact numbers; that other entries are there and grant nothing, the notes of the decision say. */
function textsAt(claims: unknown, path: ClaimPath): string[] {
  const value = valueAt(claims, path)
  return (Array.isArray(value) ? value : [value]).flatMap((entry) => {
    if (typeof entry === 'string') return entry === '' ? [] : [entry]
    return Number.isSafeInteger(entry) ? [String(entry)] : []
  })
}

function capped(texts: readonly string[], max: number): Shown {
  const all = [...new Set(texts)].sort()
  return { texts: all.slice(0, max).map(cut), more: Math.max(0, all.length - max) }
}

function cut(text: string): string {
  if (text.length <= MAX_TEXT_CHARACTERS) return text
  // By code points, so that no character is cut in two; of each there are at most two units.
  const points = [...text.slice(0, 2 * MAX_TEXT_CHARACTERS)]
  const kept = points.slice(0, MAX_TEXT_CHARACTERS).join('')
  return kept.length < text.length ? `${kept}…` : text
}
