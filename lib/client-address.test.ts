import assert from 'node:assert/strict'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { clientAddress, parseTrustProxy } from './client-address.ts'

function request(peer: string, forwarded?: string): IncomingMessage {
  const socket = new Socket()
  Object.defineProperty(socket, 'remoteAddress', { value: peer })
  const message = new IncomingMessage(socket)
  if (forwarded !== undefined) message.headers['x-forwarded-for'] = forwarded
  return message
}

function seen(trusted: string, peer: string, forwarded?: string): string {
  const trusts = parseTrustProxy(trusted)
  assert.ok(trusts, trusted)
  return clientAddress(request(peer, forwarded), trusts)
}

test('without trusted proxies the address is that of the connection, whatever a header says', () => {
  assert.equal(seen('', '192.0.2.7', '10.9.9.9'), '192.0.2.7')
  assert.equal(seen('10.0.0.1', '192.0.2.7', '10.9.9.9'), '192.0.2.7')
  assert.equal(seen('', '::ffff:192.0.2.7'), '192.0.2.7')
  assert.equal(seen('', '2001:db8::1'), '2001:db8::1')
})

test('behind trusted proxies it is the nearest address that no trusted proxy has', () => {
  assert.equal(seen('10.0.0.0/24', '10.0.0.9', '192.0.2.7'), '192.0.2.7')
  assert.equal(seen('10.0.0.0/24', '::ffff:10.0.0.9', '192.0.2.7'), '192.0.2.7')
  assert.equal(seen('10.0.0.0/24', '10.0.0.9', '198.51.100.1, 192.0.2.7, 10.0.0.3'), '192.0.2.7')
  assert.equal(seen('loopback, 2001:db8::/32', '::1', '203.0.113.4, 2001:db8::7'), '203.0.113.4')
  assert.equal(seen('loopback', '127.0.0.1'), '127.0.0.1')
})

test('what is no address is never taken for one', () => {
  for (const forwarded of ['unknown', '_hidden', '<b>', '192.0.2.7:443', ''])
    assert.equal(seen('loopback', '127.0.0.1', forwarded), '127.0.0.1', forwarded)
})

test('a setting that is no list of addresses is refused', () => {
  for (const text of ['yes', 'true', '1', '10.0.0.0/40', '10.0.0.1,,10.0.0.2', 'proxy.example.org'])
    assert.equal(parseTrustProxy(text), null, text)
})
