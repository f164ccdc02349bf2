import type { CollectionId } from '../collection-id.ts'
import type { AccessFile } from './access-file.ts'
import { type ClaimsSeen, claimsSeen } from './claims-seen.ts'
import { decideAccess, ruleInWords } from './decide.ts'
import { type Miss, missOf } from './explain-miss.ts'
import type { Rule } from './rules.ts'

/**
 * Why a person may read a collection or may not. Whether they may is what `decideAccess` says, the function that enforces;
 * which rules match is what it says of each rule alone. Nothing here decides anything by itself.
 */

export interface RuleFound {
  /** As grants name it, with its line. */
  readonly words: string
  /** In the access file, from 1. */
  readonly line: number
  /** Whether it has `maskAddresses`. */
  readonly masked: boolean
}

export interface Explanation {
  readonly collection: CollectionId
  /** As the access file names it, or null where it has no entry. */
  readonly name: string | null
  readonly allowed: boolean
  /** Whether the rule gives lines with addresses masked only; null where no rule matches. */
  readonly masked: boolean | null
  /** The rule that grants it, or null where none does. */
  readonly rule: RuleFound | null
  /** Further rules that match, in the order of the file. */
  readonly others: readonly RuleFound[]
  /** Rules that could have granted it, the nearest first; empty where one matches. At most {@link MAX_MISSES}. */
  readonly misses: readonly Miss[]
  readonly moreMisses: number
  /** Whether one of these claims makes an admin, which gives counts and no lines. */
  readonly admin: boolean
  /** What the claims gave nothing for, as the person is told it. */
  readonly notes: readonly string[]
  readonly seen: ClaimsSeen
}

/** A file with more rules that could have granted a collection has a pattern to it, and the first show it. */
export const MAX_MISSES = 20

/** @param options.claims any JSON: a session's claims, or what somebody pasted */
export function explainAccess(options: {
  claims: unknown
  file: AccessFile
  collection: CollectionId
}): Explanation {
  const { claims, file, collection } = options
  const access = decideAccess(claims, file)
  const candidates = rulesThatMayName(file, collection)
  const matching = candidates.filter((rule) => matches({ ...options, rule }))
  const first = matching.find((rule) => !rule.maskAddresses) ?? matching[0]
  const misses = first ? [] : candidates.map((rule) => missOf({ ...options, rule })).sort(nearestFirst)
  return {
    collection,
    name: file.collections.get(collection)?.name ?? null,
    allowed: access.collections.has(collection),
    masked: first ? first.maskAddresses : null,
    rule: first ? ruleFound(first) : null,
    others: matching.filter((rule) => rule !== first).map(ruleFound),
    misses: misses.slice(0, MAX_MISSES),
    moreMisses: Math.max(0, misses.length - MAX_MISSES),
    admin: access.admin !== null,
    notes: access.notes,
    seen: claimsSeen(claims, file),
  }
}

/** The rules that can grant a collection to somebody, whoever that is: those that list it, and those that take ids from claims. */
export function rulesThatMayName(file: AccessFile, collection: CollectionId): readonly Rule[] {
  return file.rules.filter((rule) => rule.kind !== 'group' || rule.collections.includes(collection))
}

export function ruleFound(rule: Rule): RuleFound {
  return { words: ruleInWords(rule), line: rule.line, masked: rule.maskAddresses }
}

/** Asked of the enforcing function: the file with this rule alone. */
function matches(options: {
  claims: unknown
  file: AccessFile
  collection: CollectionId
  rule: Rule
}): boolean {
  const { claims, file, collection, rule } = options
  const alone = { ...file, admins: [], rules: [rule] }
  return decideAccess(claims, alone).collections.has(collection)
}

function nearestFirst(a: Miss, b: Miss): number {
  return Number(b.near) - Number(a.near) || a.line - b.line
}
