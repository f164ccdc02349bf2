import { z } from 'zod'
import { type CollectionId, parseCollectionId } from '../collection-id.ts'

/**
 * The rules of the access file, in their three kinds:
 *
 *     { group: /it/web, collections: [1824, 762] }   a group that reads these collections
 *     { pattern: "/logs/collection-{id}" }           every group so named reads the collection whose id is in its name
 *     { claim: collections }                         a claim that lists the ids one reads
 *
 * Which kind a rule is shows in the key it has. Each kind takes `maskAddresses`.
 */

/** A claim's place in the claims, outermost property first. */
export type ClaimPath = readonly string[]

interface AnyRule {
  readonly maskAddresses: boolean
  /** Where it stands in the file, from 1. */
  readonly line: number
}

export interface GroupRule extends AnyRule {
  readonly kind: 'group'
  readonly group: string
  readonly collections: readonly CollectionId[]
}

export interface PatternRule extends AnyRule {
  readonly kind: 'pattern'
  /** As the file has it, such as `/logs/collection-{id}`. */
  readonly pattern: string
  /** What a group's name begins and ends with, around the id; one of the two may be empty. */
  readonly before: string
  readonly after: string
}

export interface ClaimRule extends AnyRule {
  readonly kind: 'claim'
  readonly claim: ClaimPath
}

export type Rule = GroupRule | PatternRule | ClaimRule

type WithoutLine<T> = T extends Rule ? Omit<T, 'line'> : never

const PLACEHOLDER = '{id}'

export const FORMS = {
  id: 'takes an id of 1 to 20 digits that does not begin with 0',
  ids: 'takes a list of at least one id',
  claim: 'takes a dotted path such as resource_access.portal.roles, or a path as a list of texts',
  group: 'takes the name of a group',
  pattern: `takes the name of a group with ${PLACEHOLDER} where the id stands, in quotes: "/logs/collection-${PLACEHOLDER}"`,
  boolean: 'takes true or false',
  rule: 'takes {group, collections}, {pattern} or {claim}, each with maskAddresses or without',
} as const

/** What a rule takes, by the key that says its kind. */
const KIND_FORMS = {
  group: 'a rule with a group takes {group, collections, maskAddresses}',
  pattern: 'a rule with a pattern takes {pattern, maskAddresses}',
  claim: 'a rule with a claim takes {claim, maskAddresses}',
} as const

type Kind = keyof typeof KIND_FORMS

const KINDS: readonly Kind[] = ['group', 'pattern', 'claim']
const RULE_KEYS: readonly string[] = [...KINDS, 'collections', 'maskAddresses']

/**
 * A strict object whose faults say what it takes: of a key that is not known too, as the end of a sentence.
 * @param form what stands after the object's name: "takes …"
 * @param keysForm what it takes, as a sentence of its own
 */
export function strictRecord<T extends z.core.$ZodShape>(form: string, keysForm: string, shape: T) {
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? keysForm : form),
  })
}

const collectionId = z.string(FORMS.id).transform((text, context) => {
  const id = parseCollectionId(text)
  if (id) return id
  context.issues.push({ code: 'custom', input: text, message: FORMS.id })
  return z.NEVER
})

export const groupName = z.string(FORMS.group).min(1, FORMS.group)

const pathStep = z.string(FORMS.claim).min(1, FORMS.claim)
export const claimPath = z.union(
  [
    z
      .string()
      .refine((text) => text.split('.').every((step) => step !== ''), FORMS.claim)
      .transform((text) => text.split('.')),
    z.array(pathStep).min(1, FORMS.claim),
  ],
  FORMS.claim,
)

/** The pattern's text in its three parts. Never a regular expression: what stands around the id is literal. */
const pattern = z.string(FORMS.pattern).transform((text, context) => {
  const [before = '', after = '', ...more] = text.split(PLACEHOLDER)
  const fault = patternFault(text, before + after, more.length)
  if (fault === null) return { pattern: text, before, after }
  context.issues.push({ code: 'custom', input: text, message: `${FORMS.pattern}; ${fault}` })
  return z.NEVER
})

function patternFault(text: string, around: string, further: number): string | null {
  if (!text.includes(PLACEHOLDER)) return `${PLACEHOLDER} is missing`
  if (further > 0) return `${PLACEHOLDER} is there ${further + 1} times`
  // A right for every group that happens to be a number is nothing to fall into; as a claim rule it is said outright.
  if (around === '')
    return `${PLACEHOLDER} alone is no name; where groups are bare ids, write {claim: …} with the claim they stand in`
  return null
}

const maskAddresses = z
  .enum(['true', 'false'], FORMS.boolean)
  .default('false')
  .transform((text) => text === 'true')

const SCHEMAS: Readonly<Record<Kind, z.ZodType<WithoutLine<Rule>>>> = {
  group: strictRecord(FORMS.rule, KIND_FORMS.group, {
    group: groupName,
    collections: z.array(collectionId, FORMS.ids).min(1, FORMS.ids),
    maskAddresses,
  }).transform((rule) => ({ kind: 'group' as const, ...rule })),
  pattern: strictRecord(FORMS.rule, KIND_FORMS.pattern, { pattern, maskAddresses }).transform(
    ({ pattern, maskAddresses }) => ({ kind: 'pattern' as const, ...pattern, maskAddresses }),
  ),
  claim: strictRecord(FORMS.rule, KIND_FORMS.claim, { claim: claimPath, maskAddresses }).transform(
    (rule) => ({ kind: 'claim' as const, ...rule }),
  ),
}

/** One rule. Its kind is told by its keys first, so that what is wrong is said of the kind that was meant. */
export const ruleSchema = z.unknown().transform((value, context): WithoutLine<Rule> => {
  const keys = typeof value === 'object' && value !== null ? Object.keys(value) : []
  const kinds = KINDS.filter((kind) => keys.includes(kind))
  const [kind] = kinds
  if (kind && kinds.length === 1) {
    const result = SCHEMAS[kind].safeParse(value)
    if (result.success) return result.data
    // The same faults on their way up; only their type differs, which no longer names what was read.
    context.issues.push(...(result.error.issues as z.core.$ZodRawIssue[]))
    return z.NEVER
  }
  const message = kind ? `is a rule with ${kinds.join(' and ')}; one ${FORMS.rule}` : FORMS.rule
  context.issues.push({ code: 'custom', input: value, message })
  const strays = Array.isArray(value) ? [] : keys.filter((key) => !RULE_KEYS.includes(key))
  if (strays.length > 0)
    context.issues.push({
      code: 'unrecognized_keys',
      keys: strays,
      input: { ...Object(value) },
      message: `a rule ${FORMS.rule}`,
    })
  return z.NEVER
})
