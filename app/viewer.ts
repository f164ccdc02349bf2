import 'server-only'
import { cookies, headers } from 'next/headers'
import { redirect } from 'next/navigation'
import { cache } from 'react'
import { type Access, type AdminGrant, type CollectionGrant, decideAccess } from '#lib/access/decide.ts'
import { narrowAccess } from '#lib/access/narrow.ts'
import { parseCollectionId } from '#lib/collection-id.ts'
import { PortalError } from '#lib/errors.ts'
import { currentSession, type Session, type SessionDeps } from '#lib/session/current.ts'
import { cookieName } from '#lib/session/session-cookie.ts'
import { tokenUse } from '#lib/session/token.ts'
import { audit, requestAddress } from './audit.ts'
import { context } from './context.ts'
import { logLine } from './fault-report.ts'
import { admitSession, admitStranger } from './limits.ts'
import { isHead } from './page-status.ts'

/**
 * The gate that every page and route passes: from the request's cookie to the person and what they may read, decided
 * anew each time on the access file as it is now.
 *
 * A collection that is not there, one of somebody else and an id that is none take the same path: the id is looked up
 * among one's own grants, and no key of Redis is ever named after it.
 */

export interface Viewer {
  readonly session: Session
  readonly access: Access
  /** The name of the token that stands for the person, where it is one. */
  readonly token?: string
}

export function sessionDeps(): SessionDeps {
  const { settings, redis, provider } = context()
  return {
    redis,
    provider,
    secret: settings.secret,
    idleSeconds: settings.sessionIdleSeconds,
    log: logLine,
    onRevoked: ({ issuer, subject, name }) =>
      audit({
        action: 'session end',
        person: { issuer, subject, name },
        detail: 'single sign-on ended it',
      }),
    now: Date.now,
  }
}

/** The value of the cookie that names the session, as the browser sent it. */
export async function sessionCookieValue(): Promise<string | undefined> {
  const jar = await cookies()
  return jar.get(cookieName('session', context().settings.publicOrigin))?.value
}

/**
 * Who is asking, once for each request.
 * @returns null for somebody who is not signed in
 * @throws PortalError when Redis or the provider does not tell; `too_many`
 */
export const viewer = cache(async (): Promise<Viewer | null> => {
  const asked = { headers: await headers() }
  const admit = (sid: string) => admitSession(asked, sid)
  const session = await currentSession(await sessionCookieValue(), { ...sessionDeps(), admit })
  if (!session) await admitStranger(asked)
  return session && { session, access: decideAccess(session.claims, context().access.current()) }
})

/**
 * Who comes with a token for programs, for routes that answer with data; pages take cookies alone. It sees what its owner
 * may see now, narrowed to what it was made for, and nothing of an admin.
 * @returns null for a text that is no token, or one that opens nothing now
 * @throws PortalError when Redis or the provider does not tell; `too_many`
 */
export async function tokenViewer(text: string): Promise<Viewer | null> {
  const asked = { headers: await headers() }
  const use = await tokenUse(text, sessionDeps())
  if (!use) {
    await admitStranger(asked)
    return null
  }
  const refusal = await admitSession(asked, use.sid)
  if (refusal) throw refusal
  const access = decideAccess(use.session.claims, context().access.current())
  return { session: use.session, access: narrowAccess(access, use.collections), token: use.name }
}

/**
 * For pages: the person, or the way to sign-in and back.
 * @param path of the page with its query, such as `/collections/1824?q=404`
 */
export async function requireViewer(path: string): Promise<Viewer> {
  return (await viewer()) ?? redirect(`/signin?next=${encodeURIComponent(path)}`)
}

/**
 * For pages about one collection.
 * @param rawId as it stands in the address
 * @throws PortalError `not_found`, which the page shows with its status
 */
export async function requireCollection(
  rawId: string,
  path: string,
): Promise<{ viewer: Viewer; grant: CollectionGrant }> {
  const viewer = await requireViewer(path)
  const grant = grantOf(viewer, rawId)
  if (!grant) throw await denied(viewer, { rawId })
  return { viewer, grant }
}

/**
 * For pages of admins.
 * @throws PortalError `not_found` for everybody else
 */
export async function requireAdmin(path: string): Promise<{ viewer: Viewer; grant: AdminGrant }> {
  const viewer = await requireViewer(path)
  const grant = viewer.access.admin
  const [detail = ''] = path.split('?', 1)
  if (!grant) throw await denied(viewer, { detail })
  if (!(await isHead()))
    audit({
      action: 'view',
      person: viewer.session,
      address: await requestAddress(),
      rule: grant.rule,
      detail,
    })
  return { viewer, grant }
}

/**
 * The one refusal of everything that is not this person's, and its entry in the audit. Of an id it says the same whether
 * there is such a collection or not, and text that is no id is not repeated.
 */
export async function denied(
  { session, token }: Viewer,
  asked: { readonly rawId?: string; readonly detail?: string },
): Promise<PortalError> {
  const collection = parseCollectionId(asked.rawId)
  const words = asked.detail ?? (collection ? '' : 'what was asked for is no id')
  const detail = token === undefined ? words : [words, byToken(token)].filter(Boolean).join('; ')
  audit({ action: 'denied', person: session, address: await requestAddress(), collection, detail })
  return new PortalError('not_found')
}

/** The token that somebody came with, in the audit: quoted, since its owner may call it anything. */
export const byToken = (token: string) => `by the token ${JSON.stringify(token)}`

/** @returns null alike for an id that is none, one that nobody has, and one that is not this person's. */
export function grantOf({ access }: Viewer, rawId: string): CollectionGrant | null {
  const id = parseCollectionId(rawId)
  return (id && access.collections.get(id)) ?? null
}
