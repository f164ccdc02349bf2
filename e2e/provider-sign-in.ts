import * as oidc from 'openid-client'
import type { OidcSettings } from '../lib/settings.ts'
import type { IdentityProvider } from './demo/identity-provider.ts'

/** A sign-in at the test's provider without the portal and without a browser, for tests of what comes after it. */

export const CALLBACK = 'http://127.0.0.1:1/callback'
/** With the characters that ways of encoding it differ in. */
export const CLIENT_SECRET = 'secret-with.odd_characters~'

/**
 * The code flow as a browser goes through it, cookies and login form included.
 * @param name of an account, which is its password too
 */
export async function signInAt(idp: IdentityProvider, name: string) {
  const config = await oidc.discovery(new URL(idp.issuer), 'portal', CLIENT_SECRET, undefined, {
    execute: [oidc.allowInsecureRequests],
  })
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier()
  const start = oidc.buildAuthorizationUrl(config, {
    redirect_uri: CALLBACK,
    scope: 'openid profile email',
    code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
  })
  const cookies = new Map<string, string>()
  let url = start
  let form: URLSearchParams | null = null
  while (!url.href.startsWith(CALLBACK)) {
    const cookie = [...cookies].map(([key, value]) => `${key}=${value}`).join('; ')
    const response: Response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie },
      ...(form ? { method: 'POST', body: form } : {}),
    })
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';')
      cookies.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1))
    }
    const location = response.headers.get('location')
    form = location ? null : new URLSearchParams({ login: name, password: name })
    if (location) url = new URL(location, url)
  }
  const tokens = await oidc.authorizationCodeGrant(config, url, { pkceCodeVerifier, idTokenExpected: true })
  const idToken = tokens.claims()
  if (!idToken) throw new Error('the provider sent no ID token')
  const userinfo = await oidc.fetchUserInfo(config, tokens.access_token, idToken.sub)
  return { tokens, sources: { idToken: { ...idToken }, userinfo } }
}

/** @returns settings of a portal that signs people in at that provider. */
export const settingsFor = ({ issuer }: IdentityProvider): OidcSettings => ({
  issuer,
  clientId: 'portal',
  clientSecret: CLIENT_SECRET,
  authMethod: 'client_secret_basic',
  scope: 'openid profile email',
  name: 'the test',
})
