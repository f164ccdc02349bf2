import { decode } from 'next-auth/jwt'

/**
 * The browser's half of a session: an encrypted cookie that holds the person's subject and the session's id, and nothing
 * else. The sign-in library writes it; reading it is one decryption.
 */

export interface SessionCookie {
  readonly subject: string
  readonly sid: string
}

/**
 * The name of one of the portal's cookies. Over https it has the prefix with which browsers take a cookie from this very
 * host alone, over a secure connection. The demo runs on plain http, where they would refuse it.
 */
export function cookieName(purpose: string, publicOrigin: string): string {
  return `${publicOrigin.startsWith('https:') ? '__Host-' : ''}log-portal.${purpose}`
}

/** @returns null for whatever this portal did not write, or wrote too long ago. */
export async function readSessionCookie(
  value: string | undefined,
  secret: string,
): Promise<SessionCookie | null> {
  if (!value) return null
  try {
    const token = await decode({ token: value, secret })
    return typeof token?.sub === 'string' && typeof token.sid === 'string'
      ? { subject: token.sub, sid: token.sid }
      : null
  } catch {
    // Forged, cut, expired or encrypted under an earlier secret: all the same as no cookie.
    return null
  }
}
