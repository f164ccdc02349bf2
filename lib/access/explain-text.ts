import type { Shown } from './claims-seen.ts'
import type { Explanation } from './explain.ts'

/** An explanation in words, the same for the command line and the page. */

/** Whether it may be read, as a sentence. */
export function answerInWords({ collection, name, allowed, masked }: Explanation): string {
  const what = name === null ? `Collection ${collection}` : `${name} ${collection}`
  if (!allowed) return `${what} may not be read.`
  return `${what} may be read${masked ? ', with addresses masked' : ''}.`
}

/** What made it so: the rule that matches and the others, or what the rules would take. */
export function reasonsInWords(found: Explanation): readonly string[] {
  const { rule, others, misses, moreMisses } = found
  if (rule)
    return [
      `The rule: ${rule.words}${rule.masked ? ' (masks addresses)' : ''}.`,
      ...others.map((other) => `Also: ${other.words}${other.masked ? ' (masks addresses)' : ''}.`),
    ]
  if (misses.length === 0) return ['No rule of the access file grants this collection to anybody.']
  return [
    ...misses.map(({ line, words, near }) => `${near ? 'Nearly, line' : 'Line'} ${line}: ${words}`),
    ...(moreMisses > 0 ? [`And ${moreMisses.toLocaleString('en-US')} more rules that do not match.`] : []),
  ]
}

/** A list that may have been cut. */
export function shownInWords({ texts, more }: Shown): string {
  if (texts.length === 0) return 'nothing'
  return `${texts.join(', ')}${more > 0 ? ` and ${more.toLocaleString('en-US')} more` : ''}`
}
