import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import * as client from 'openid-client'
import {
  type IdentityProvider,
  type IdentityProviderOptions,
  startIdentityProvider,
} from './identity-provider.ts'
import { providerVisitor } from './provider-visitor.ts'

const CALLBACK = 'http://127.0.0.1:9/api/auth/callback/oidc'
const SIGNED_OUT = 'http://127.0.0.1:9/signin'
const SCOPE = 'openid profile email'

async function provider(
  context: TestContext,
  options: Partial<IdentityProviderOptions> = {},
): Promise<IdentityProvider> {
  const started = await startIdentityProvider({
    clientId: 'portal',
    clientSecret: 'a secret: with/signs+',
    redirectUris: [CALLBACK],
    postLogoutRedirectUris: [SIGNED_OUT],
    ...options,
  })
  context.after(() => started.close())
  return started
}

function discover({ issuer }: IdentityProvider): Promise<client.Configuration> {
  return client.discovery(
    new URL(issuer),
    'portal',
    undefined,
    client.ClientSecretBasic('a secret: with/signs+'),
    {
      execute: [client.allowInsecureRequests],
    },
  )
}

async function signIn(config: client.Configuration, visitor = providerVisitor('hr-owner')) {
  const verifier = client.randomPKCECodeVerifier()
  const nonce = client.randomNonce()
  const callback = await visitor.authorize(
    client.buildAuthorizationUrl(config, {
      redirect_uri: CALLBACK,
      scope: SCOPE,
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      nonce,
    }),
  )
  return client.authorizationCodeGrant(config, callback, { pkceCodeVerifier: verifier, expectedNonce: nonce })
}

test('signs a person in and gives the groups in userinfo only', async (context) => {
  const started = await provider(context)
  const config = await discover(started)
  const tokens = await signIn(config)
  const claims = tokens.claims()
  assert.equal(claims?.sub, 'hr-owner')
  assert.equal(claims?.groups, undefined)
  assert.ok(tokens.refresh_token)
  const userinfo = await client.fetchUserInfo(config, tokens.access_token, 'hr-owner')
  assert.deepEqual(userinfo.groups, ['/hr/owners'])
  assert.equal(started.events.tokenCalls('authorization_code'), 1)
  assert.equal(started.events.tokenCalls('refresh_token'), 0)
  assert.equal(started.events.userinfoCalls(), 1)
  assert.deepEqual(started.events.errors, [])
})

test('puts the groups into the ID token on request and leaves the refresh token out on request', async (context) => {
  const config = await discover(await provider(context, { claimsInIdToken: true, refreshTokens: false }))
  const tokens = await signIn(config)
  assert.deepEqual(tokens.claims()?.groups, ['/hr/owners'])
  assert.equal(tokens.refresh_token, undefined)
})

test('a wrong password shows the form again with a message, and cancel goes back with an error', async (context) => {
  const started = await provider(context)
  const config = await discover(started)
  await assert.rejects(signIn(config, providerVisitor('hr-owner', 'wrong')), /answered 422/)

  const visitor = providerVisitor('hr-owner')
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: CALLBACK,
    scope: SCOPE,
    code_challenge: 'x'.repeat(43),
    code_challenge_method: 'S256',
  })
  const start = await visitor.request(url)
  const page = new URL(start.headers.get('location') ?? '', started.issuer)
  const rejected = await visitor.request(page, {
    method: 'POST',
    body: new URLSearchParams({ login: '"><b>', password: 'x' }),
  })
  const html = await rejected.text()
  assert.match(html, /Name and password do not match/)
  assert.match(html, /value="&quot;&gt;&lt;b&gt;"/)
  const resume = await visitor.request(page, {
    method: 'POST',
    body: new URLSearchParams({ cancel: 'yes' }),
  })
  const back = await visitor.request(new URL(resume.headers.get('location') ?? '', started.issuer))
  assert.match(back.headers.get('location') ?? '', /error=access_denied/)
})

test('refuses an authorization request without PKCE', async (context) => {
  const config = await discover(await provider(context))
  const url = client.buildAuthorizationUrl(config, { redirect_uri: CALLBACK, scope: SCOPE })
  const callback = await providerVisitor('hr-owner').authorize(url)
  assert.equal(callback.searchParams.get('error'), 'invalid_request')
})

test('a change of groups shows at the next refresh, and a removed person cannot refresh', async (context) => {
  const started = await provider(context)
  const config = await discover(started)
  const { refresh_token: refreshToken = '' } = await signIn(config)
  started.accounts.set('hr-owner', { name: 'HR', groups: '/not/a/list' })
  const refreshed = await client.refreshTokenGrant(config, refreshToken)
  const userinfo = await client.fetchUserInfo(config, refreshed.access_token, 'hr-owner')
  assert.equal(userinfo.groups, '/not/a/list')
  assert.equal(refreshed.refresh_token ?? refreshToken, refreshToken)
  started.accounts.delete('hr-owner')
  await assert.rejects(client.refreshTokenGrant(config, refreshToken), { error: 'invalid_grant' })
  assert.equal(started.events.tokenCalls('refresh_token'), 2)
})

test('rotation makes a used refresh token and all of its grant worthless', async (context) => {
  const config = await discover(await provider(context, { rotateRefreshTokens: true }))
  const { refresh_token: first = '' } = await signIn(config)
  const { refresh_token: second = '' } = await client.refreshTokenGrant(config, first)
  assert.notEqual(second, first)
  await assert.rejects(client.refreshTokenGrant(config, first), { error: 'invalid_grant' })
  await assert.rejects(client.refreshTokenGrant(config, second), { error: 'invalid_grant' })
})

test('revocation ends a refresh token', async (context) => {
  const config = await discover(await provider(context))
  const { refresh_token: refreshToken = '' } = await signIn(config)
  await client.tokenRevocation(config, refreshToken)
  await assert.rejects(client.refreshTokenGrant(config, refreshToken), { error: 'invalid_grant' })
})

test('sign-out at the provider goes through one button back to the portal, and notifies it', async (context) => {
  const logoutTokens: string[] = []
  const portal = createServer(async (request, response) => {
    logoutTokens.push(new URLSearchParams(await text(request)).get('logout_token') ?? '')
    response.end()
  })
  await new Promise<void>((resolve) => portal.listen(0, '127.0.0.1', resolve))
  context.after(() => portal.close())
  const address = portal.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const started = await provider(context, { backchannelLogoutUri: `http://127.0.0.1:${port}/logout` })
  const config = await discover(started)
  const visitor = providerVisitor('hr-owner')
  const tokens = await signIn(config, visitor)
  const back = await visitor.signOut(
    client.buildEndSessionUrl(config, {
      id_token_hint: tokens.id_token ?? '',
      post_logout_redirect_uri: SIGNED_OUT,
    }),
  )
  assert.equal(back.href, SIGNED_OUT)
  assert.deepEqual(started.events.errors, [])
  assert.equal(logoutTokens.length, 1)
  const payload = JSON.parse(Buffer.from(logoutTokens[0]?.split('.')[1] ?? '', 'base64url').toString())
  assert.equal(payload.sid, tokens.claims()?.sid)
  await assert.rejects(client.refreshTokenGrant(config, tokens.refresh_token ?? ''), {
    error: 'invalid_grant',
  })
  await started.backchannelLogout('hr-owner', 'some-sid')
  assert.equal(logoutTokens.length, 2)
})

test('faults by path: a status with an empty body, and no answer; both are counted', async (context) => {
  const started = await provider(context)
  const config = await discover(started)
  const { refresh_token: refreshToken = '' } = await signIn(config)
  started.events.clear()
  started.faults.set('/token', 400)
  await assert.rejects(client.refreshTokenGrant(config, refreshToken))
  started.faults.set('/token', 'hang')
  const init = { method: 'POST', body: new URLSearchParams({ grant_type: 'refresh_token' }) }
  await assert.rejects(
    fetch(`${started.issuer}/token`, { ...init, signal: AbortSignal.timeout(100) }),
    /timeout/i,
  )
  assert.equal(started.events.tokenCalls('refresh_token'), 2)
  assert.deepEqual(
    started.events.requests.map(({ status }) => status),
    [400, undefined],
  )
  started.faults.clear()
  assert.ok((await client.refreshTokenGrant(config, refreshToken)).access_token)
})

test('a provider that is started again with its keys and state knows its sessions and refresh tokens', async (context) => {
  const first = await provider(context)
  const visitor = providerVisitor('hr-owner')
  const tokens = await signIn(await discover(first), visitor)
  await first.close()
  const second = await provider(context, {
    jwks: first.jwks,
    savedState: first.saveState(),
  })
  const config = await discover(second)
  assert.ok((await client.refreshTokenGrant(config, tokens.refresh_token ?? '')).access_token)
  await signIn(config, visitor)
  const forms = second.events.requests.filter(({ method }) => method === 'POST')
  assert.deepEqual(
    forms.map(({ path }) => path),
    ['/token', '/token'],
  )
})
