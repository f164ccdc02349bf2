import { type CollectionId, compareCollectionIds, parseCollectionId } from '../collection-id.ts'
import type { AccessFile } from './access-file.ts'
import { claimInWords, groupsOf, listedIds } from './claim-values.ts'
import type { Rule } from './rules.ts'

/**
 * Who may read what: one pure function from a person's claims and the access file to grants.
 *
 * Deny by default. A verb of the store takes a grant, and only this module can make one: the classes carry a `#issued`
 * field, which TypeScript compares by declaration and JavaScript cannot forge, and they are exported as types alone. So
 * a page that forgot to ask for access does not compile, and an object made to look like a grant throws.
 *
 * Claims come from outside; how they are read is in claim-values.ts. What is of another form than the access file wants
 * gives nothing and leaves a note.
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
  /** Whether addresses in its lines are shown as their networks. Whoever reads lines sees to it, not whoever asks for them. */
  readonly masked: boolean
  /** Why it is granted, in words. */
  readonly rule: string

  constructor(fields: {
    collection: CollectionId
    name: string
    url: string | null
    masked: boolean
    rule: string
  }) {
    this.collection = fields.collection
    this.name = fields.name
    this.url = fields.url
    this.masked = fields.masked
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
  /**
   * What gave nothing and why, in sentences for the person concerned, none of them twice. Of what claims hold, only ids
   * of collections are repeated.
   */
  readonly notes: readonly string[]
}

interface Person {
  readonly claims: unknown
  /** As they are compared, {@link fold}. */
  readonly groups: ReadonlySet<string>
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
 * collection like anybody else. Where several rules grant the same collection, the first one without `maskAddresses`
 * counts and is named, else the first.
 *
 * Takes time in proportion to the claims for each pattern, since a person may be in thousands of groups.
 */
export function decideAccess(claims: unknown, file: AccessFile): Access {
  const notes: string[] = []
  const person = {
    claims,
    groups: new Set(groupsOf(claims, file.claims, notes).map((group) => fold(group, file))),
  }
  const granted = new Map<CollectionId, Rule>()
  for (const rule of file.rules)
    for (const id of idsOf(rule, person, file, notes)) {
      const other = granted.get(id)
      if (!other || (other.maskAddresses && !rule.maskAddresses)) granted.set(id, rule)
    }

  const ids = [...granted].sort(([a], [b]) => compareCollectionIds(a, b))
  const adminRule = file.admins.find((rule) => person.groups.has(fold(rule.group, file)))
  return {
    collections: new Map(ids.map(([id, rule]) => [id, grant(id, file, rule)])),
    admin: adminRule ? new AdminGrant(groupInWords(adminRule)) : null,
    notes: [...new Set(notes)],
  }
}

/** The ids that one rule gives this person, in no order and perhaps repeated. */
function idsOf(rule: Rule, person: Person, file: AccessFile, notes: string[]): readonly CollectionId[] {
  switch (rule.kind) {
    case 'group':
      return person.groups.has(fold(rule.group, file)) ? rule.collections : []
    case 'pattern': {
      const before = fold(rule.before, file)
      const after = fold(rule.after, file)
      return [...person.groups].flatMap((group) => idBetween(group, before, after) ?? [])
    }
    case 'claim':
      return listedIds(person.claims, rule.claim, notes)
  }
}

/** @returns the id that stands in `name` where a pattern has `{id}`, or null when the whole name is not of that form. */
function idBetween(name: string, before: string, after: string): CollectionId | null {
  if (!name.startsWith(before) || !name.endsWith(after)) return null
  // Where the two overlap in the name, the ends cross and nothing is left between them.
  return parseCollectionId(name.slice(before.length, name.length - after.length))
}

/**
 * A name as it is compared. Folding a pattern's two ends apart is the same as folding the whole name: between them stand
 * digits, which have no case and end every context that the case of a letter depends on.
 */
function fold(name: string, { match }: AccessFile): string {
  return match === 'insensitive' ? name.toLowerCase() : name
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
    masked: false,
    rule: 'the operator at the command line',
  })
}

function grant(collection: CollectionId, file: AccessFile, rule: Rule): CollectionGrant {
  const entry = file.collections.get(collection)
  return new CollectionGrant({
    collection,
    name: entry?.name ?? `Collection ${collection}`,
    url: entry?.url ?? null,
    masked: rule.maskAddresses,
    rule: ruleInWords(rule),
  })
}

/** A rule as grants and notes name it. */
export function ruleInWords(rule: Rule): string {
  switch (rule.kind) {
    case 'group':
      return groupInWords(rule)
    case 'pattern':
      return `the group pattern ${rule.pattern}, line ${rule.line} of the access file`
    case 'claim':
      return `the claim ${claimInWords(rule.claim)}, line ${rule.line} of the access file`
  }
}

function groupInWords(rule: { readonly group: string; readonly line: number }): string {
  return `the group ${rule.group}, line ${rule.line} of the access file`
}
