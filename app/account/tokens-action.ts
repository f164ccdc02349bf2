'use server'

import { refresh } from 'next/cache'
import { headers } from 'next/headers'
import { audit, requestAddress } from '#app/audit.ts'
import { context } from '#app/context.ts'
import { reportFault } from '#app/fault-report.ts'
import { isSameOrigin } from '#app/form-request.ts'
import { requireViewer, sessionCookieValue, sessionDeps, type Viewer } from '#app/viewer.ts'
import { splitIds } from '#lib/access/narrow.ts'
import { type CollectionId, parseCollectionId } from '#lib/collection-id.ts'
import { PortalError } from '#lib/errors.ts'
import {
  issueToken,
  MAX_TOKEN_DAYS,
  NAME_TAKEN,
  tokenDays,
  tokenHolder,
  tokenName,
} from '#lib/session/token.ts'

/** What the form holds and what came of it. */
export interface Making {
  readonly name: string
  readonly days: string
  readonly isAll: boolean
  /** Ids that are ticked. */
  readonly ticked: readonly string[]
  /** The new token in plain; it is in this one answer and nowhere else. */
  readonly made: { readonly token: string; readonly expiresAtMs: number } | null
  readonly problem: string | null
}

/** Makes a token for the person who asks. The token is in the answer to this POST: in no address, no log and no store. */
export async function makeToken(_before: Making, form: FormData): Promise<Making> {
  const entered = {
    name: textOf(form, 'name'),
    days: textOf(form, 'days'),
    isAll: textOf(form, 'which') !== 'some',
    ticked: form.getAll('collection').filter((value) => typeof value === 'string'),
  }
  try {
    if (!isSameOrigin(await headers(), context().settings.publicOrigin)) throw new PortalError('cross_site')
    // An action is a route of its own, whatever page its form stands on.
    const viewer = await requireViewer('/account')
    const asked = wanted(entered, viewer)
    const holder = await tokenHolder(await sessionCookieValue(), sessionDeps())
    const made = holder && (await issueToken(holder.sid, { ...asked, origin: 'account' }, sessionDeps()))
    if (!made) throw new PortalError('unauthenticated')
    const { name, collections } = asked
    audit({
      action: 'token',
      person: viewer.session,
      address: await requestAddress(),
      detail: `made until ${new Date(made.expiresAtMs).toISOString()}, ${JSON.stringify(name)}: ${collections?.join(' ') ?? 'all that may be read'}`,
    })
    refresh()
    const { token, expiresAtMs } = made
    return { ...entered, made: { token, expiresAtMs }, problem: null }
  } catch (thrown) {
    const { error, reference } = reportFault(thrown)
    const problem = error.code === 'bad_parameter' ? error.detail : null
    return { ...entered, made: null, problem: problem ?? `${error.publicMessage} (ref ${reference})` }
  }
}

function wanted(entered: Pick<Making, 'name' | 'days' | 'isAll' | 'ticked'>, viewer: Viewer) {
  const name = tokenName(entered.name)
  if (name === null) throw refusal(`The name ${NAME_TAKEN}.`)
  const days = tokenDays(entered.days.trim())
  if (days === null) throw refusal(`The days take a whole number from 1 to ${MAX_TOKEN_DAYS}.`)
  return { name, days, collections: chosen(entered, viewer) }
}

/** @returns null for all that the person may read */
function chosen({ isAll, ticked }: Pick<Making, 'isAll' | 'ticked'>, { access }: Viewer) {
  if (isAll && ticked.length > 0)
    throw refusal(
      'Some collections are ticked, but all are chosen. Choose “only those ticked”, or tick none.',
    )
  if (isAll) return null
  const ids = ticked.flatMap((text): CollectionId[] => {
    const id = parseCollectionId(text)
    return id ? [id] : []
  })
  const { own, others } = splitIds(access, ids)
  if (others.length > 0 || ids.length < ticked.length)
    throw refusal('Some of the collections are no longer yours to read. Choose again.')
  if (own.length === 0) throw refusal('Tick at least one collection.')
  return own
}

function refusal(detail: string): PortalError {
  return new PortalError('bad_parameter', { detail })
}

function textOf(form: FormData, name: string): string {
  const value = form.get(name)
  return typeof value === 'string' ? value : ''
}
