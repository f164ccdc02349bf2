import { type CollectionId, compareCollectionIds } from '../collection-id.ts'
import type { AccessFile, ClaimPath, GroupRule } from './access-file.ts'

/**
 * Who may read what: one pure function from a person's claims and the access file to grants.
 *
 * Deny by default. A verb of the store takes a grant, and only this module can make one: the classes carry a `#issued`
 * field, which TypeScript compares by declaration and JavaScript cannot forge, and they are exported as types alone. So
 * a page that forgot to ask for access does not compile, and an object made to look like a grant throws.
 *
 * Claims come from outside. They are read through own properties only, and whatever is not a text or a list of texts
 * gives nothing and leaves a note. No URL found in a claim is ever fetched.
 */

/** The right to read the raw lines of one collection. */
class CollectionGrant {
  /** Proves that this module made the object. */
  readonly #issued = true
  readonly collection: CollectionId
  /** As the access file names it, else "Collection <id>". */
  readonly name: string
  /** The part of the site that it covers, such as foo.com/hr; text, never a link. */
  readonly url: string | null
  /** Why it is granted, in words. */
  readonly rule: string

  constructor(fields: { collection: CollectionId; name: string; url: string | null; rule: string }) {
    this.collection = fields.collection
    this.name = fields.name
    this.url = fields.url
    this.rule = fields.rule
  }

  static issued(value: unknown): boolean {
    return typeof value === 'object' && value !== null && #issued in value
  }
}

/** The right to see counts and health of all collections. It gives no raw line of any. */
class AdminGrant {
  readonly #issued = true
  /** Why it is granted, in words. */
  readonly rule: string

  constructor(rule: string) {
    this.rule = rule
  }

  static issued(value: unknown): boolean {
    return typeof value === 'object' && value !== null && #issued in value
  }
}

export type { AdminGrant, CollectionGrant }

export interface Access {
  /** In ascending order of id. */
  readonly collections: ReadonlyMap<CollectionId, CollectionGrant>
  readonly admin: AdminGrant | null
  /** What gave nothing and why, in sentences for the person concerned. Claim values are never repeated. */
  readonly notes: readonly string[]
}

/** @throws TypeError when `value` is not a grant that {@link decideAccess} or {@link grantOperator} made. */
export function assertCollectionGrant(value: unknown): asserts value is CollectionGrant {
  if (!CollectionGrant.issued(value)) throw new TypeError('not a grant of a collection')
}

/** @throws TypeError when `value` is not a grant that {@link decideAccess} made. */
export function assertAdminGrant(value: unknown): asserts value is AdminGrant {
  if (!AdminGrant.issued(value)) throw new TypeError('not a grant for admins')
}

/**
 * What a person with `claims` may read under `file`. Admins get counts and no raw lines, unless a rule grants them a
 * collection like anybody else. Where several rules grant the same collection, the first unmasked one is named.
 */
export function decideAccess(claims: unknown, file: AccessFile): Access {
  const notes: string[] = []
  const fold =
    file.match === 'insensitive' ? (group: string) => group.toLowerCase() : (group: string) => group
  const groups = new Set(groupsOf(claims, file.claims, notes).map(fold))
  const matched = file.rules.filter((rule) => groups.has(fold(rule.group)))

  const granted = new Map<CollectionId, GroupRule>()
  for (const rule of matched.filter((rule) => !rule.maskAddresses))
    for (const id of rule.collections) if (!granted.has(id)) granted.set(id, rule)
  notes.push(...maskedNotes(matched, granted))

  const ids = [...granted].sort(([a], [b]) => compareCollectionIds(a, b))
  const adminRule = file.admins.find((rule) => groups.has(fold(rule.group)))
  return {
    collections: new Map(ids.map(([id, rule]) => [id, grant(id, file, ruleInWords(rule))])),
    admin: adminRule ? new AdminGrant(ruleInWords(adminRule)) : null,
    notes,
  }
}

/**
 * A grant for the person at the machine who holds the Redis URL, and with it every line already. For the command line
 * of `ingest` only; nothing under `app/` may import this.
 */
export function grantOperator(collection: CollectionId): CollectionGrant {
  return new CollectionGrant({
    collection,
    name: `Collection ${collection}`,
    url: null,
    rule: 'the operator at the command line',
  })
}

function grant(collection: CollectionId, file: AccessFile, rule: string): CollectionGrant {
  const entry = file.collections.get(collection)
  return new CollectionGrant({
    collection,
    name: entry?.name ?? `Collection ${collection}`,
    url: entry?.url ?? null,
    rule,
  })
}

function ruleInWords(rule: { readonly group: string; readonly line: number }): string {
  return `the group ${rule.group}, line ${rule.line} of the access file`
}

/** Rules with `maskAddresses` give nothing until addresses can be masked; lines unmasked would be more than was granted. */
function maskedNotes(
  matched: readonly GroupRule[],
  granted: ReadonlyMap<CollectionId, GroupRule>,
): readonly string[] {
  const masked = new Map<CollectionId, GroupRule>()
  for (const rule of matched.filter((rule) => rule.maskAddresses))
    for (const id of rule.collections) if (!granted.has(id)) masked.set(id, rule)
  return [...masked].map(
    ([id, rule]) =>
      `Collection ${id} is yours only with visitors' addresses masked (${ruleInWords(rule)}). This version cannot mask yet, so it grants nothing.`,
  )
}

/** The texts under every path of the access file; what is there in another form is noted instead. */
function groupsOf(claims: unknown, paths: readonly ClaimPath[], notes: string[]): string[] {
  if (!isRecord(claims)) {
    notes.push('Single sign-on sent no claims about you.')
    return []
  }
  return paths.flatMap((path) => {
    const value = valueAt(claims, path)
    if (value === undefined || value === null) {
      notes.push(absenceInWords(claims, path))
      return []
    }
    return textsOf(value, path, notes)
  })
}

function textsOf(value: unknown, path: ClaimPath, notes: string[]): string[] {
  const name = path.join('.')
  if (typeof value === 'string') return value === '' ? [] : [value]
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
  const name = path.join('.')
  const references = own(claims, '_claim_names')
  const referred = isRecord(references) && Object.hasOwn(references, path[0] ?? '')
  const hasGroups = own(claims, 'hasgroups')
  if (referred || hasGroups === true || hasGroups === 'true')
    return `Single sign-on only refers to the claim ${name} instead of sending it, which providers do for people with many groups. It grants nothing.`
  return `Single sign-on did not send the claim ${name}.`
}

function valueAt(claims: Readonly<Record<string, unknown>>, path: ClaimPath): unknown {
  let value: unknown = claims
  for (const step of path) value = isRecord(value) ? own(value, step) : undefined
  return value
}

function own(record: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(record, key) ? record[key] : undefined
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function typeInWords(value: unknown): string {
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
