import type { Redis } from 'ioredis'
import { PortalError } from '../errors.ts'
import { endSessionsOf, isLogoutTokenUsed, markLogoutTokenUsed, personOf } from '../store/sessions.ts'
import { LOGOUT_TOKEN_SECONDS, type LogoutTokenTyp, verifyLogoutToken } from './logout-token.ts'
import type { Provider } from './provider.ts'

/** Sign-outs that begin at the provider: it posts a token, and the sessions that the token names end here at once. */

export interface BackchannelLogoutDeps {
  readonly redis: Redis
  readonly provider: Provider
  readonly clientId: string
  readonly typ: LogoutTokenTyp
  readonly now: () => number
}

export type BackchannelLogout =
  /** How many sessions ended; none is no fault, since they may have ended before. Whose, where one was there. */
  | {
      readonly kind: 'ended'
      readonly sessions: number
      readonly person: { readonly issuer: string; readonly subject: string; readonly name: string } | null
    }
  /** `reason` goes on after "the token" and holds nothing out of it. */
  | { readonly kind: 'refused'; readonly reason: string }

/**
 * Ends what the token names, once for each token.
 * @param token as it was posted; from anybody
 * @throws PortalError `provider_unavailable` when its keys cannot be had, `store_unavailable` or `store_refused` when Redis
 * does not confirm that the sessions ended; then the same token is taken again
 */
export async function backchannelLogout(
  token: string,
  { redis, provider, clientId, typ, now }: BackchannelLogoutDeps,
): Promise<BackchannelLogout> {
  const signing = await provider.signing()
  if (!signing) throw new PortalError('provider_unavailable')
  const outcome = await verifyLogoutToken(token, { ...signing, clientId, typ, now })
  if (outcome.kind === 'unavailable') throw new PortalError('provider_unavailable', { cause: outcome.cause })
  if (outcome.kind === 'refused') return outcome
  const { jti, loggedOut } = outcome
  const { issuer } = signing
  if (await isLogoutTokenUsed(redis, issuer, jti)) return { kind: 'refused', reason: 'was used before' }
  const person = await personOf(redis, { issuer, ...loggedOut })
  const sessions = await endSessionsOf(redis, { issuer, ...loggedOut })
  // Last, so that a token whose sessions did not end is good for another try. Ending them twice does no more than once.
  await markLogoutTokenUsed(redis, { issuer, jti, ttlSeconds: LOGOUT_TOKEN_SECONDS })
  return { kind: 'ended', sessions, person }
}
