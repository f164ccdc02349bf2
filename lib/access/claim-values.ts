import { type CollectionId, parseCollectionId } from '../collection-id.ts'
import type { ClaimPath } from './rules.ts'

/**
 * What stands in a person's claims where the access file looks.
 *
 * Claims come from outside. They are read through own properties only, and whatever is of another form than asked for
 * gives nothing and leaves a note: a sentence for the person, with the claim's name and none of its values. No URL found
 * in a claim is ever fetched.
 */

/** The texts under every path, together; a claim has to be a list, also of one. */
export function groupsOf(claims: unknown, paths: readonly ClaimPath[], notes: string[]): string[] {
  return paths.flatMap((path) => {
    const value = presentValue(claims, path, notes)
    if (value === undefined) return []
    return textsOf(value, path, notes)
  })
}

/**
 * The ids that a claim lists: texts that are ids, or numbers that a claim's JSON holds exactly. An id past 2^53 that was
 * sent as a number was rounded when the JSON was read, perhaps to the id of another collection, and gives nothing.
 */
export function listedIds(claims: unknown, path: ClaimPath, notes: string[]): CollectionId[] {
  const value = presentValue(claims, path, notes)
  if (value === undefined) return []
  const name = claimInWords(path)
  if (!Array.isArray(value)) {
    notes.push(`The claim ${name} is ${typeInWords(value)}, not a list of ids. It grants nothing.`)
    return []
  }
  if (value.length === 0) notes.push(`The claim ${name} is an empty list.`)
  const ids: CollectionId[] = []
  let inexact = 0
  for (const entry of value) {
    const id = parseCollectionId(Number.isSafeInteger(entry) ? String(entry) : entry)
    if (id) ids.push(id)
    else if (isInexact(entry)) inexact++
  }
  const others = value.length - ids.length - inexact
  if (inexact > 0)
    notes.push(
      `${inexact} of ${value.length} entries of the claim ${name} are numbers too large to arrive exactly; single sign-on has to send such ids as texts. They grant nothing.`,
    )
  if (others > 0)
    notes.push(
      `${others} of ${value.length} entries of the claim ${name} are not ids of collections. They grant nothing.`,
    )
  return ids
}

/** A path as people read it. */
export function claimInWords(path: ClaimPath): string {
  return path.join('.')
}

/** What stands at a path, or undefined. */
export function valueAt(claims: unknown, path: ClaimPath): unknown {
  let value: unknown = claims
  for (const step of path) value = isRecord(value) ? own(value, step) : undefined
  return value
}

/** Claims as they can be read, or null when they are none. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** @returns undefined, and a note says why, when there is nothing at the path */
function presentValue(claims: unknown, path: ClaimPath, notes: string[]): unknown {
  if (!isRecord(claims)) {
    notes.push('Single sign-on sent no claims about you.')
    return undefined
  }
  const value = valueAt(claims, path)
  if (value !== undefined && value !== null) return value
  notes.push(absenceInWords(claims, path))
  return undefined
}

function textsOf(value: unknown, path: ClaimPath, notes: string[]): string[] {
  const name = claimInWords(path)
  if (!Array.isArray(value)) {
    notes.push(`The claim ${name} is ${typeInWords(value)}, not a list of texts. It grants nothing.`)
    return []
  }
  const texts = value.filter((item): item is string => typeof item === 'string' && item !== '')
  const others = value.length - texts.length
  if (value.length === 0) notes.push(`The claim ${name} is an empty list.`)
  if (others > 0)
    notes.push(`${others} of ${value.length} entries of the claim ${name} are not texts. They grant nothing.`)
  return texts
}

/** Why a claim is not there: some providers only refer to a long list of groups instead of sending it. */
function absenceInWords(claims: Readonly<Record<string, unknown>>, path: ClaimPath): string {
  const name = claimInWords(path)
  if (isReferredTo(claims, path[0] ?? ''))
    return `Single sign-on only refers to the claim ${name} instead of sending it, which providers do for people with many groups. It grants nothing.`
  return `Single sign-on did not send the claim ${name}.`
}

/**
 * Whether the claim is elsewhere: by OpenID Connect Core 1.0, 5.6.2, `_claim_names` has its name and `_claim_sources` the
 * place; Entra ID says `hasgroups` of the claim `groups` where a token has no room for either.
 */
function isReferredTo(claims: Readonly<Record<string, unknown>>, claim: string): boolean {
  const names = own(claims, '_claim_names')
  if (isRecord(names) ? Object.hasOwn(names, claim) : own(claims, '_claim_sources') !== undefined) return true
  if (claim !== 'groups') return false
  const hasGroups = own(claims, 'hasgroups')
  return hasGroups === true || hasGroups === 'true'
}

function isInexact(entry: unknown): boolean {
  return typeof entry === 'number' && entry > Number.MAX_SAFE_INTEGER
}

function own(record: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(record, key) ? record[key] : undefined
}

function typeInWords(value: unknown): string {
  if (typeof value === 'string') return 'a text'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
