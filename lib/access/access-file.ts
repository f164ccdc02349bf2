import { z } from 'zod'
import { type CollectionId, parseCollectionId } from '../collection-id.ts'
import {
  type ClaimPath,
  claimPath,
  groupName,
  FORMS as RULE_FORMS,
  type Rule,
  ruleSchema,
  strictRecord,
} from './rules.ts'
import { broken, type FileFault, pathInWords, readYaml, type YamlSource } from './yaml-source.ts'

/**
 * The access file: who reads which collections, in YAML or JSON (which YAML contains). Its rules are in rules.ts.
 *
 * Every scalar arrives as the text it was written as (yaml-source.ts), so that no id is ever a number; what is wanted as
 * a number or a boolean is parsed here.
 *
 * zod checks the tree, and every fault is named with its line and what is accepted. Whatever is not understood makes the
 * file broken; nothing is skipped.
 */

export interface CollectionEntry {
  readonly name: string
  /** The part of the site that the collection covers; text to show, not a link. */
  readonly url: string | null
  /** Days that lines are kept, or null for the portal's own setting. */
  readonly retentionDays: number | null
}

export interface AdminRule {
  readonly group: string
  /** Where it stands in the file, from 1. */
  readonly line: number
}

export interface AccessFile {
  readonly collections: ReadonlyMap<CollectionId, CollectionEntry>
  /** Where groups are looked for; the groups of all paths count together. */
  readonly claims: readonly ClaimPath[]
  readonly match: 'sensitive' | 'insensitive'
  readonly admins: readonly AdminRule[]
  readonly rules: readonly Rule[]
}

/** Ten years; a larger figure is more likely a slip than a wish. */
const MAX_RETENTION_DAYS = 3650
const MAX_NAME_CHARACTERS = 200

const FORMS = {
  file: 'takes the keys collections, claims, match, admins and rules',
  collections: 'takes ids, each with {name, url, retentionDays}',
  entry: 'takes {name, url, retentionDays}',
  name: `takes a text of 1 to ${MAX_NAME_CHARACTERS} characters without control characters`,
  days: `takes a whole number of days from 1 to ${MAX_RETENTION_DAYS}`,
  claims: 'takes a list of at least one claim',
  match: 'takes {case: sensitive} or {case: insensitive}',
  admins: 'takes a list of groups',
  rules: 'takes a list of rules; an empty list is []',
} as const

const shownText = z
  .string(FORMS.name)
  .min(1, FORMS.name)
  .max(MAX_NAME_CHARACTERS, FORMS.name)
  .regex(/^\P{Cc}*$/u, FORMS.name)

const days = z
  .string(FORMS.days)
  .regex(/^[1-9][0-9]{0,4}$/, { message: FORMS.days, abort: true })
  .transform(Number)
  .pipe(z.number().max(MAX_RETENTION_DAYS, FORMS.days))

const entry = strictRecord(FORMS.entry, `a collection ${FORMS.entry}`, {
  name: shownText,
  url: shownText.optional(),
  retentionDays: days.optional(),
})

const accessSchema = strictRecord(FORMS.file, `the file ${FORMS.file}`, {
  collections: z
    .record(
      z.string().refine((text) => parseCollectionId(text) !== null),
      entry,
      FORMS.collections,
    )
    .default({}),
  claims: z
    .array(claimPath, FORMS.claims)
    .min(1, FORMS.claims)
    .default([['groups']]),
  match: strictRecord(FORMS.match, `match ${FORMS.match}`, {
    case: z.enum(['sensitive', 'insensitive'], FORMS.match),
  }).default({ case: 'sensitive' }),
  admins: z.array(groupName, FORMS.admins).default([]),
  rules: z.array(ruleSchema, FORMS.rules),
})

/**
 * @param text the whole file
 * @throws PortalError `bad_access_file`, its detail one line for each fault, in the order of the file:
 * `line 7: rules[0].collections[1] takes an id …`
 */
export function parseAccessFile(text: string): AccessFile {
  const source = readYaml(text)
  const result = accessSchema.safeParse(source.value)
  const faults = [
    ...source.faults,
    ...(result.success ? [] : result.error.issues.flatMap((issue) => faultsOf(issue, source))),
  ]
  if (faults.length > 0 || !result.success) throw broken(faults)
  const { collections, claims, match, admins, rules } = result.data
  return {
    collections: new Map(
      Object.entries(collections).map(([id, entry]) => [
        id as CollectionId,
        { name: entry.name, url: entry.url ?? null, retentionDays: entry.retentionDays ?? null },
      ]),
    ),
    claims,
    match: match.case,
    admins: admins.map((name, index) => ({ group: name, line: source.lineOf(['admins', index]) })),
    rules: rules.map((rule, index) => ({ ...rule, line: source.lineOf(['rules', index]) })),
  }
}

function faultsOf(issue: z.core.$ZodIssue, source: YamlSource): FileFault[] {
  const line = source.lineOf(issue.path)
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({
      line: source.lineOf([...issue.path, key]),
      words: `${pathInWords([...issue.path, key])} is not known; ${issue.message}`,
    }))
  if (issue.code === 'invalid_key')
    return [{ line, words: `${pathInWords(issue.path)} is no id; ${RULE_FORMS.id}` }]
  const words = `${pathInWords(issue.path)} ${issue.message}`
  return [
    {
      line,
      words: issue.code === 'invalid_type' && isMissing(issue, source) ? `${words}; it is missing` : words,
    },
  ]
}

function isMissing(issue: z.core.$ZodIssue, source: YamlSource): boolean {
  let value = source.value
  for (const step of issue.path) value = (value as Record<PropertyKey, unknown> | null)?.[step]
  return value === undefined
}
