import { generateKeyPairSync } from 'node:crypto'
import { z } from 'zod'

/** Glewlwyd's administration API, as far as a test needs it: the provider, its clients and its users. */

export interface GlewlwydClient {
  readonly clientId: string
  readonly clientSecret: string
  readonly redirectUri: string
  readonly postLogoutRedirectUri: string
  readonly backchannelLogoutUri: string
}

export interface GlewlwydUser {
  readonly username: string
  readonly password: string
  readonly name: string
  /** Without any there is no claim. */
  readonly groups: readonly string[]
}

export interface Registrations {
  registerClient(client: GlewlwydClient): Promise<void>
  addUser(user: GlewlwydUser): Promise<void>
  changeGroups(username: string, groups: readonly string[]): Promise<void>
}

/** Whom the package's schema brings along. */
const ADMINISTRATOR = { username: 'admin', password: 'password' }
/** What the portal asks for when nothing is set. */
const SCOPES = ['openid', 'profile', 'email']

/** A call of the administration API: path, JSON in, JSON out. */
export type Api = (method: 'GET' | 'POST' | 'PUT', path: string, body?: unknown) => Promise<unknown>

/** Signs the administrator in. A call that is not answered 200 throws, with what was said. */
export async function administration(address: string): Promise<Api> {
  let cookie = ''
  const call: Api = async (method, path, body) => {
    const answer = await fetch(`${address}${path}`, {
      method,
      headers: { cookie, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    cookie ||= answer.headers
      .getSetCookie()
      .map((line) => line.split(';')[0])
      .join('; ')
    return text === '' ? null : JSON.parse(text)
  }
  await call('POST', '/auth/', ADMINISTRATOR)
  return call
}

const moduleSchema = z.looseObject({
  parameters: z.looseObject({ 'data-format': z.record(z.string(), z.unknown()) }),
})

async function addField(api: Api, path: string, name: string): Promise<void> {
  const module = moduleSchema.parse(await api('GET', path))
  module.parameters['data-format'][name] = { multiple: true, read: true, write: true }
  await api('PUT', path, module)
  await api('PUT', `${path}/reset`)
}

/** Adds the sign-in with OpenID Connect, with a key of its own, and what users and clients have besides the defaults. */
export async function setUp(
  api: Api,
  { name: plugin, issuer }: { readonly name: string; readonly issuer: string },
): Promise<void> {
  await addField(api, '/mod/user/database', 'groups')
  await addField(api, '/mod/client/database', 'post_logout_redirect_uris')
  for (const name of SCOPES)
    if (name !== 'openid')
      await api('POST', '/scope/', { name, display_name: name, password_required: false })
  await api('POST', '/mod/plugin/', {
    module: 'oidc',
    name: plugin,
    display_name: 'Single sign-on',
    enabled: true,
    parameters: pluginParameters(issuer),
  })
}

function pluginParameters(issuer: string): Record<string, unknown> {
  const keys = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  return {
    iss: issuer,
    'jwt-type': 'rsa',
    'jwt-key-size': '256',
    key: keys.privateKey,
    cert: keys.publicKey,
    'access-token-duration': 3600,
    'refresh-token-duration': 86_400,
    'code-duration': 60,
    'refresh-token-one-use': 'always',
    'auth-type-code-enabled': true,
    'auth-type-refresh-enabled': true,
    'jwks-show': true,
    'pkce-allowed': true,
    'pkce-required': true,
    'allowed-scope': SCOPES,
    'name-claim': 'mandatory',
    claims: [{ name: 'groups', 'user-property': 'groups', type: 'string', mandatory: true }],
    'introspection-revocation-allowed': true,
    'introspection-revocation-allow-target-client': true,
    'session-management-allowed': true,
    'session-cookie-name': 'GLEWLWYD2_OIDC_SID',
    'session-cookie-expiration': 86_400,
    // Without the first its page that ends a session fails, also when all clients take the second.
    'front-channel-logout-allowed': true,
    'back-channel-logout-allowed': true,
  }
}

export function registrations(api: Api): Registrations {
  return {
    async registerClient(client) {
      await api('POST', '/client/', {
        client_id: client.clientId,
        name: 'Log Portal',
        enabled: true,
        confidential: true,
        client_secret: client.clientSecret,
        redirect_uri: [client.redirectUri],
        authorization_type: ['code', 'refresh_token'],
        token_endpoint_auth_method: ['client_secret_basic'],
        post_logout_redirect_uris: [client.postLogoutRedirectUri],
        backchannel_logout_uri: client.backchannelLogoutUri,
        backchannel_logout_session_required: 'true',
      })
    },
    async addUser({ username, password, name, groups }) {
      const scope = ['g_profile', ...SCOPES]
      await api('POST', '/user/', { username, password, name, enabled: true, scope, groups })
    },
    async changeGroups(username, groups) {
      const path = `/user/${encodeURIComponent(username)}`
      const user = z.looseObject({}).parse(await api('GET', path))
      await api('PUT', path, { ...user, groups })
    },
  }
}
