import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before, test } from 'node:test'
import { connect, getCACertificates, setDefaultCACertificates } from 'node:tls'
import { startTlsProxy, type TlsProxy } from '../../e2e/tls-proxy.ts'
import { createProvider } from './provider.ts'

/** What a provider on https publishes; each test says where its keys are. */
let jwksAddress: string
let proxy: TlsProxy

const behind = createServer((_, response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(JSON.stringify({ issuer: proxy.origin, jwks_uri: jwksAddress }))
})
const trusted = getCACertificates('default')

before(async () => {
  proxy = await startTlsProxy()
  await new Promise<void>((resolve) => behind.listen(0, '127.0.0.1', resolve))
  const address = behind.address()
  proxy.passTo(`http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`)
  setDefaultCACertificates([...trusted, await certificateAt(proxy.origin)])
})

after(async () => {
  setDefaultCACertificates(trusted)
  await proxy.stop()
  behind.closeAllConnections()
  behind.close()
})

/** @returns as PEM, so that it can be trusted. */
async function certificateAt(origin: string): Promise<string> {
  const { hostname: host, port } = new URL(origin)
  const socket = connect({ host, port: Number(port), rejectUnauthorized: false })
  await new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve).once('error', reject)
  })
  const { raw } = socket.getPeerCertificate()
  socket.destroy()
  return `-----BEGIN CERTIFICATE-----\n${raw.toString('base64')}\n-----END CERTIFICATE-----\n`
}

async function signing() {
  const provider = createProvider(
    {
      issuer: proxy.origin,
      clientId: 'portal',
      clientSecret: 'a secret of the tests, long enough',
      authMethod: 'client_secret_basic',
      scope: 'openid',
      name: 'the test',
    },
    () => undefined,
  )
  assert.ok(await provider.metadata(), 'the provider itself is known')
  return provider.signing()
}

test('keys of a provider on https are taken over https alone: whoever is on the way could put in others', async () => {
  for (const address of ['http://127.0.0.1/jwks', 'data:application/json,{}', 'no address']) {
    jwksAddress = address
    assert.equal(await signing(), null, address)
  }
  jwksAddress = `${proxy.origin}/jwks`
  assert.equal((await signing())?.issuer, proxy.origin)
})
