import type { CollectionId } from '../collection-id.ts'
import type { AccessFile } from './access-file.ts'
import { claimInWords, groupsOf, listedIds, valueAt } from './claim-values.ts'
import type { ClaimPath, ClaimRule, Rule } from './rules.ts'

/**
 * Why a rule that could have granted a collection did not: what comes closest to it in the claims, in words. It decides
 * nothing and is asked only about rules of which `decideAccess` said that they grant nothing here.
 */

export interface Miss {
  /** Of the rule, in the access file. */
  readonly line: number
  /** A sentence. Of what claims hold, only texts that stand where the access file looks are repeated. */
  readonly words: string
  /** Whether something in the claims comes close; else the sentence says only what the rule takes. */
  readonly near: boolean
}

const MAX_TEXT_CHARACTERS = 200
/** Between entries of a list that was sent as one text. */
const SEPARATORS = /[\s,;|]+/

/** @param rule one that does not grant `collection` to a person with `claims` */
export function missOf(options: {
  rule: Rule
  claims: unknown
  file: AccessFile
  collection: CollectionId
}): Miss {
  const { rule, claims, file, collection } = options
  const { line } = rule
  const close =
    rule.kind === 'claim'
      ? idMiss(rule, claims, collection)
      : groupMiss(wanted(rule, collection), claims, file)
  if (close !== null) return { line, words: `${close}.`, near: true }
  return { line, words: `${needOf(rule, claims, collection)}.`, near: false }
}

function needOf(rule: Rule, claims: unknown, collection: CollectionId): string {
  if (rule.kind === 'group') return `It takes the group ${quoted(rule.group)}`
  if (rule.kind === 'pattern') return `It takes the group ${quoted(wanted(rule, collection))}`
  const notes: string[] = []
  listedIds(claims, rule.claim, notes)
  const why = notes.length === 0 ? '' : ` (${notes.join(' ').replace(/\.$/, '')})`
  return `It takes ${collection} in the list of the claim ${claimInWords(rule.claim)}${why}`
}

/** The group that would have matched. */
function wanted(rule: Exclude<Rule, ClaimRule>, collection: CollectionId): string {
  return rule.kind === 'group' ? rule.group : `${rule.before}${collection}${rule.after}`
}

type Difference = readonly [isSo: (sent: string, wanted: string) => boolean, words: string]

const lower = (text: string) => text.toLowerCase()
const plain = (text: string) => text.normalize('NFKC')
const bare = (text: string) => text.replace(/^\/+|\/+$/g, '')
const unpadded = (text: string) => text.replace(/(^|[^0-9])0+(?=[1-9])/g, '$1')

/** From the closest on. */
const DIFFERENCES: readonly Difference[] = [
  [(a, b) => lower(a) === lower(b), 'case differs'],
  [(a, b) => a.trimEnd() === b, 'a blank at its end'],
  [(a, b) => a.trimStart() === b, 'a blank at its beginning'],
  [(a, b) => a.trim() === b, 'blanks around it'],
  [(a, b) => a === b.trim(), 'the rule has a blank around the name'],
  [(a, b) => plain(a) === plain(b), 'it is written with other characters that look alike'],
  [(a, b) => bare(a) === bare(b), 'a slash at its beginning or end differs'],
  [(a, b) => unpadded(a) === b, 'an id does not begin with 0'],
  [
    (a, b) => lower(bare(plain(a).trim())) === lower(bare(plain(b).trim())),
    'case, blanks, slashes or look-alike characters differ, more than one of them',
  ],
]

const WHOLE: readonly Difference[] = [
  [(a, b) => a.startsWith(b), 'it begins so, and goes on: the whole name has to match'],
  [(a, b) => a.endsWith(b), 'it ends so, and something stands before: the whole name has to match'],
  [(a, b) => a.includes(b), 'it has that within it: the whole name has to match'],
  [(a, b) => b.endsWith(`/${a}`), 'it is only the end of that name'],
  [(a, b) => b.startsWith(`${a}/`), 'it is only the beginning of that name'],
]

function groupMiss(name: string, claims: unknown, file: AccessFile): string | null {
  const groups = groupsOf(claims, file.claims, [])
  for (const [isSo, words] of [...DIFFERENCES, ...WHOLE]) {
    const group = groups.find((sent) => isSo(sent, name))
    if (group !== undefined)
      return `It takes the group ${quoted(name)}, and ${quoted(group)} was sent: ${words}`
  }
  for (const path of file.claims) {
    const where = elsewhere(claims, path, name)
    if (where !== null) return `It takes the group ${quoted(name)}, and ${where}`
  }
  return null
}

function idMiss({ claim }: ClaimRule, claims: unknown, id: CollectionId): string | null {
  const value = valueAt(claims, claim)
  const entries: readonly unknown[] = Array.isArray(value) ? value : []
  const name = claimInWords(claim)
  if (
    entries.some((entry) => typeof entry === 'number' && !Number.isSafeInteger(entry) && entry === Number(id))
  )
    return `The claim ${name} has ${id} or an id close to it as a number past 2^53, which no longer is the id that was sent: single sign-on has to send it as a text`
  const texts = entries.filter((entry): entry is string => typeof entry === 'string')
  for (const [isSo, words] of DIFFERENCES) {
    const text = texts.find((sent) => isSo(sent, id))
    if (text !== undefined) return `The claim ${name} has ${quoted(text)} for ${id}: ${words}`
  }
  const where = elsewhere(claims, claim, id)
  return where === null ? null : `It takes ${id} in a list, and ${where}`
}

/** @returns how `wanted` stands at the path in another form than as an entry of a list, or null. */
function elsewhere(claims: unknown, path: ClaimPath, wanted: string): string | null {
  const value = valueAt(claims, path)
  if (value === undefined || value === null) return null
  const name = claimInWords(path)
  if (String(typeof value === 'object' ? '' : value) === wanted)
    return `the claim ${name} is that, but not a list`
  const texts = Array.isArray(value) ? (value as readonly unknown[]) : [value]
  const joined = texts.find((text) => typeof text === 'string' && text.split(SEPARATORS).includes(wanted))
  if (joined !== undefined)
    return `the claim ${name} has it in one text with others, where each has to be an entry of its own`
  const numbers = texts.some((entry) => typeof entry === 'number' && String(entry) === wanted)
  return numbers ? `the claim ${name} has it as a number, not as a text` : null
}

function quoted(text: string): string {
  const points = [...text.slice(0, 2 * MAX_TEXT_CHARACTERS)]
  const kept = points.slice(0, MAX_TEXT_CHARACTERS).join('')
  return `“${kept}${kept.length < text.length ? '…' : ''}”`
}
