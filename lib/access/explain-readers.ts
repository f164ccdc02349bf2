import { type CollectionId, compareCollectionIds } from '../collection-id.ts'
import type { AccessFile } from './access-file.ts'
import { decideAccess } from './decide.ts'
import { type RuleFound, ruleFound } from './explain.ts'

/** Who can read each collection, by rule and among people one knows; decided for each of them by `decideAccess`. */

export interface Person {
  readonly key: string
  readonly name: string
  readonly claims: unknown
}

export interface Reader {
  readonly key: string
  readonly name: string
  /** Why, in words. */
  readonly rule: string
}

export interface CollectionReaders {
  readonly collection: CollectionId
  /** As the access file names it, or null where it has no entry. */
  readonly name: string | null
  /** The rules that list its id, in the order of the file. */
  readonly rules: readonly RuleFound[]
  readonly readers: readonly Reader[]
}

export interface Readers {
  /** Every collection that the file names, and every one that somebody here reads; in ascending order of id. */
  readonly collections: readonly CollectionReaders[]
  /** Rules that take ids from what single sign-on sends, and can grant any collection. */
  readonly openRules: readonly RuleFound[]
}

export function readersOf(file: AccessFile, people: readonly Person[]): Readers {
  const rules = new Map<CollectionId, RuleFound[]>()
  for (const rule of file.rules)
    if (rule.kind === 'group') for (const id of new Set(rule.collections)) add(rules, id, ruleFound(rule))
  const readers = new Map<CollectionId, Reader[]>()
  for (const { key, name, claims } of people)
    for (const { collection, rule } of decideAccess(claims, file).collections.values())
      add(readers, collection, { key, name, rule })
  const ids = new Set([...file.collections.keys(), ...rules.keys(), ...readers.keys()])
  return {
    collections: [...ids].sort(compareCollectionIds).map((collection) => ({
      collection,
      name: file.collections.get(collection)?.name ?? null,
      rules: rules.get(collection) ?? [],
      readers: readers.get(collection) ?? [],
    })),
    openRules: file.rules.filter((rule) => rule.kind !== 'group').map(ruleFound),
  }
}

/** The ids that no rule lists and nobody here reads. Rules that take ids from claims may grant them still. */
export function ungranted<T extends { readonly collection: CollectionId }>(
  all: readonly T[],
  { collections }: Readers,
): readonly T[] {
  const granted = new Set(
    collections
      .filter(({ rules, readers }) => readers.length > 0 || rules.length > 0)
      .map(({ collection }) => collection),
  )
  return all.filter(({ collection }) => !granted.has(collection))
}

function add<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const values = map.get(key)
  if (values) values.push(value)
  else map.set(key, [value])
}
