import { isAlias, isMap, isScalar, isSeq, LineCounter, type ParsedNode, parseDocument } from 'yaml'
import { z } from 'zod'
import { type CollectionId, parseCollectionId } from '../collection-id.ts'
import { PortalError } from '../errors.ts'

/**
 * The access file: which groups read which collections, in YAML or JSON (which YAML contains).
 *
 * It is read with YAML's failsafe schema, in which every scalar is text: an id of 20 digits is past what a JavaScript
 * number holds, and YAML's usual schema would silently turn 12345678901234567890 into 12345678901234567000, which may be
 * another person's collection. Numbers and booleans are then parsed here, where they are wanted.
 *
 * The document becomes a plain tree beside a map from each path to its line, zod checks the tree, and every fault is
 * named with its line and what is accepted. Whatever is not understood makes the file broken; nothing is skipped.
 */

/** A claim's place in the claims, outermost property first. */
export type ClaimPath = readonly string[]

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

export interface GroupRule extends AdminRule {
  readonly collections: readonly CollectionId[]
  readonly maskAddresses: boolean
}

export interface AccessFile {
  readonly collections: ReadonlyMap<CollectionId, CollectionEntry>
  /** Where groups are looked for; the groups of all paths count together. */
  readonly claims: readonly ClaimPath[]
  readonly match: 'sensitive' | 'insensitive'
  readonly admins: readonly AdminRule[]
  readonly rules: readonly GroupRule[]
}

/** Ten years; a larger figure is more likely a slip than a wish. */
const MAX_RETENTION_DAYS = 3650
const MAX_NAME_CHARACTERS = 200

const FORMS = {
  file: 'takes the keys collections, claims, match, admins and rules',
  collections: 'takes ids, each with {name, url, retentionDays}',
  entry: 'takes {name, url, retentionDays}',
  id: 'takes an id of 1 to 20 digits that does not begin with 0',
  ids: 'takes a list of at least one id',
  name: `takes a text of 1 to ${MAX_NAME_CHARACTERS} characters without control characters`,
  days: `takes a whole number of days from 1 to ${MAX_RETENTION_DAYS}`,
  claims: 'takes a list of at least one claim',
  claim: 'takes a dotted path such as resource_access.portal.roles, or a path as a list of texts',
  match: 'takes {case: sensitive} or {case: insensitive}',
  admins: 'takes a list of groups',
  group: 'takes the name of a group',
  boolean: 'takes true or false',
  rules: 'takes a list of rules; an empty list is []',
  rule: 'takes {group, collections, maskAddresses}',
  later:
    'is a rule of kind pattern or claim; these are not available in this version, which takes {group, collections}',
} as const

const collectionId = z.string(FORMS.id).transform((text, context) => {
  const id = parseCollectionId(text)
  if (id) return id
  context.issues.push({ code: 'custom', input: text, message: FORMS.id })
  return z.NEVER
})

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

const pathStep = z.string(FORMS.claim).min(1, FORMS.claim)
const claimPath = z.union(
  [
    z
      .string()
      .transform((text) => text.split('.'))
      .pipe(z.array(pathStep)),
    z.array(pathStep).min(1),
  ],
  FORMS.claim,
)

const group = z.string(FORMS.group).min(1, FORMS.group)

const groupRule = z
  .unknown()
  .refine((rule) => !isLaterRule(rule), { message: FORMS.later, abort: true })
  .pipe(
    z.strictObject(
      {
        group,
        collections: z.array(collectionId, FORMS.ids).min(1, FORMS.ids),
        maskAddresses: z.enum(['true', 'false'], FORMS.boolean).default('false'),
      },
      { error: (issue) => (issue.code === 'unrecognized_keys' ? undefined : FORMS.rule) },
    ),
  )

const accessSchema = z.strictObject(
  {
    collections: z
      .record(
        z.string().refine((text) => parseCollectionId(text) !== null),
        z.strictObject(
          { name: shownText, url: shownText.optional(), retentionDays: days.optional() },
          { error: (issue) => (issue.code === 'unrecognized_keys' ? undefined : FORMS.entry) },
        ),
        FORMS.collections,
      )
      .default({}),
    claims: z
      .array(claimPath, FORMS.claims)
      .min(1, FORMS.claims)
      .default([['groups']]),
    match: z
      .strictObject({ case: z.enum(['sensitive', 'insensitive'], FORMS.match) }, FORMS.match)
      .default({ case: 'sensitive' }),
    admins: z.array(group, FORMS.admins).default([]),
    rules: z.array(groupRule, FORMS.rules),
  },
  { error: (issue) => (issue.code === 'unrecognized_keys' ? undefined : FORMS.file) },
)

function isLaterRule(rule: unknown): boolean {
  return typeof rule === 'object' && rule !== null && ('pattern' in rule || 'claim' in rule)
}

/**
 * @param text the whole file
 * @throws PortalError `bad_access_file`, its detail one line for each fault, in the order of the file:
 * `line 7: rules[0].collections[1] takes an id …`
 */
export function parseAccessFile(text: string): AccessFile {
  const source = readSource(text)
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
    rules: rules.map((rule, index) => ({
      group: rule.group,
      collections: rule.collections,
      maskAddresses: rule.maskAddresses === 'true',
      line: source.lineOf(['rules', index]),
    })),
  }
}

interface FileFault {
  readonly line: number
  readonly words: string
}

type Path = readonly PropertyKey[]

interface Source {
  /** Objects without prototype, arrays, texts, and null for what is empty. */
  readonly value: unknown
  readonly faults: readonly FileFault[]
  /** The line of a path, or of the nearest path above it that is in the file. */
  lineOf(path: Path): number
}

function broken(faults: readonly FileFault[]): PortalError {
  const lines = [...faults]
    .sort((a, b) => a.line - b.line)
    .map((fault) => `line ${fault.line}: ${fault.words}`)
  return new PortalError('bad_access_file', { detail: [...new Set(lines)].join('\n') })
}

/** @throws PortalError when the text is no YAML at all: what zod would say about the rest of it would be noise. */
function readSource(text: string): Source {
  const counter = new LineCounter()
  const document = parseDocument(text, {
    schema: 'failsafe',
    lineCounter: counter,
    prettyErrors: false,
    uniqueKeys: false,
  })
  const lineAt = (offset: number) => Math.max(1, counter.linePos(offset).line)
  const errors = [...document.errors, ...document.warnings]
  if (errors.length > 0)
    throw broken(errors.map((error) => ({ line: lineAt(error.pos[0]), words: `not YAML: ${error.message}` })))
  if (!document.contents) throw broken([{ line: 1, words: 'the file is empty' }])

  const lines = new Map<string, number>()
  const faults: FileFault[] = []
  const value = plain(document.contents, [], { lines, faults, lineAt })
  return {
    value,
    faults,
    lineOf(path) {
      for (let length = path.length; length > 0; length--) {
        const line = lines.get(pathKey(path.slice(0, length)))
        if (line !== undefined) return line
      }
      return 1
    },
  }
}

interface Walk {
  readonly lines: Map<string, number>
  readonly faults: FileFault[]
  lineAt(offset: number): number
}

/** The node as plain values; on the way notes the line of every path and the faults that plain values cannot show. */
function plain(node: ParsedNode | null, path: Path, walk: Walk): unknown {
  if (node && !walk.lines.has(pathKey(path))) walk.lines.set(pathKey(path), walk.lineAt(node.range[0]))
  if (isSeq<ParsedNode>(node)) return node.items.map((item, index) => plain(item, [...path, index], walk))
  if (isScalar(node)) return isEmpty(node) ? null : node.value
  if (!isMap<ParsedNode, ParsedNode | null>(node)) {
    const line = walk.lines.get(pathKey(path)) ?? 1
    if (isAlias(node))
      walk.faults.push({ line, words: `${pathInWords(path)} takes values, not references (*${node.source})` })
    return null
  }
  const record: Record<string, unknown> = Object.create(null)
  for (const { key, value } of node.items) {
    const line = walk.lineAt(key.range[0])
    const name = isScalar(key) && typeof key.value === 'string' ? key.value : null
    if (name === null || name === '__proto__') {
      walk.faults.push({ line, words: `${pathInWords(path)} takes keys that are plain texts` })
      continue
    }
    if (name in record) {
      walk.faults.push({ line, words: `${pathInWords([...path, name])} is there twice` })
      continue
    }
    walk.lines.set(pathKey([...path, name]), line)
    record[name] = plain(value, [...path, name], walk)
  }
  return record
}

/** Unquoted null, ~ and nothing at all; the failsafe schema would take them for texts. */
function isEmpty(node: { readonly type?: string; readonly value: unknown }): boolean {
  return node.type === 'PLAIN' && ['', '~', 'null', 'Null', 'NULL'].includes(String(node.value))
}

function faultsOf(issue: z.core.$ZodIssue, source: Source): FileFault[] {
  const line = source.lineOf(issue.path)
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({
      line: source.lineOf([...issue.path, key]),
      words: `${pathInWords([...issue.path, key])} is not known; ${keysInWords(issue.path)}`,
    }))
  if (issue.code === 'invalid_key')
    return [{ line, words: `${pathInWords(issue.path)} is no id; ${FORMS.id}` }]
  const words = `${pathInWords(issue.path)} ${issue.message}`
  return [
    {
      line,
      words: issue.code === 'invalid_type' && isMissing(issue, source) ? `${words}; it is missing` : words,
    },
  ]
}

function isMissing(issue: z.core.$ZodIssue, source: Source): boolean {
  let value = source.value
  for (const step of issue.path) value = (value as Record<PropertyKey, unknown> | null)?.[step]
  return value === undefined
}

function keysInWords(path: Path): string {
  if (path.length === 0) return `the file ${FORMS.file}`
  if (path[0] === 'rules') return `a rule ${FORMS.rule}`
  if (path[0] === 'match') return `match ${FORMS.match}`
  return `a collection ${FORMS.entry}`
}

function pathKey(path: Path): string {
  return JSON.stringify(path.map(String))
}

function pathInWords(path: Path): string {
  if (path.length === 0) return 'the file'
  return path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
    .join('')
    .slice(1)
}
