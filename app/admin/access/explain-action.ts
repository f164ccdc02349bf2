'use server'

import { headers } from 'next/headers'
import { context } from '#app/context.ts'
import { reportFault } from '#app/fault-report.ts'
import { isSameOrigin } from '#app/form-request.ts'
import { requireAdmin, sessionDeps } from '#app/viewer.ts'
import type { AdminGrant } from '#lib/access/decide.ts'
import { type Explanation, explainAccess } from '#lib/access/explain.ts'
import { parseCollectionId } from '#lib/collection-id.ts'
import { PortalError } from '#lib/errors.ts'
import { claimsAsKept } from '#lib/session/claims.ts'
import { listPeople } from '#lib/store/people.ts'

/** What the form holds and what came of it. */
export interface Explained {
  readonly collection: string
  /** The key of one of the people signed in, or empty for pasted claims. */
  readonly person: string
  readonly claims: string
  readonly answer: Answer | null
  /** What is wrong with what was entered, or why there is no answer. */
  readonly problem: string | null
}

export interface Answer {
  readonly explanation: Explanation
  /** The person's name, or null for pasted claims. */
  readonly whose: string | null
  /** When single sign-on confirmed the claims, epoch milliseconds; null for pasted ones. */
  readonly checkedAtMs: number | null
}

/** Claims are a few kilobytes; a person in ten thousand groups has some hundred. */
const MAX_CLAIMS_CHARACTERS = 500_000

/**
 * Explains whether a person may read a collection. The claims are in the body of a POST and in the answer to it: in no
 * address, no log and no store.
 */
export async function explainInForm(_before: Explained, form: FormData): Promise<Explained> {
  const entered = {
    collection: textOf(form, 'collection').trim(),
    person: textOf(form, 'person'),
    claims: textOf(form, 'claims'),
  }
  try {
    if (!isSameOrigin(await headers(), context().settings.publicOrigin)) throw new PortalError('cross_site')
    // An action is a route of its own, whatever page its form stands on.
    const { grant } = await requireAdmin('/admin/access')
    return { ...entered, answer: await answerOf(entered, grant), problem: null }
  } catch (thrown) {
    const { error, reference } = reportFault(thrown)
    const problem = error.code === 'bad_parameter' ? error.detail : null
    return { ...entered, answer: null, problem: problem ?? `${error.publicMessage} (ref ${reference})` }
  }
}

async function answerOf(
  entered: Pick<Explained, 'collection' | 'person' | 'claims'>,
  grant: AdminGrant,
): Promise<Answer> {
  const collection = parseCollectionId(entered.collection)
  if (!collection) throw refusal('The collection takes an id of 1 to 20 digits that does not begin with 0.')
  const { redis, access, settings } = context()
  const file = access.current()
  if (entered.person === '') {
    const explanation = explainAccess({
      claims: claimsAsKept(parsedClaims(entered.claims)),
      file,
      collection,
    })
    return { explanation, whose: null, checkedAtMs: null }
  }
  const nowMs = sessionDeps().now()
  const { people } = await listPeople(redis, grant, { nowMs, idleSeconds: settings.sessionIdleSeconds })
  const person = people.find(({ key }) => key === entered.person)
  if (!person) throw refusal('That person is no longer signed in. Choose another, or paste their claims.')
  const { claims, name, checkedAtMs } = person
  return { explanation: explainAccess({ claims, file, collection }), whose: name, checkedAtMs }
}

function parsedClaims(text: string): unknown {
  if (text.trim() === '') throw refusal('Choose a person, or paste the claims as JSON.')
  if (text.length > MAX_CLAIMS_CHARACTERS)
    throw refusal(`The claims take at most ${MAX_CLAIMS_CHARACTERS.toLocaleString('en-US')} characters.`)
  try {
    return JSON.parse(text)
  } catch {
    // The parser's own words repeat a piece of the claims.
    throw refusal(
      'The claims are not JSON. They take the claims of an ID token or of userinfo, decoded: {"groups": […]}.',
    )
  }
}

function refusal(detail: string): PortalError {
  return new PortalError('bad_parameter', { detail })
}

function textOf(form: FormData, name: string): string {
  const value = form.get(name)
  return typeof value === 'string' ? value : ''
}
