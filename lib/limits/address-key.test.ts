import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressKey } from './address-key.ts'

test('an IPv4 address counts as itself', () => {
  assert.equal(addressKey('192.0.2.7'), '192.0.2.7')
})

test('the addresses of one IPv6 network count as one, however they are written, and those of the next do not', () => {
  const same = ['2001:db8:0:1::1', '2001:DB8::1:ffff:0:0:2', '2001:db8:0:1:2:3:4:5', '2001:db8:0:1::%eth0']
  for (const address of same) assert.equal(addressKey(address), '2001:db8:0:1::/64', address)
  assert.equal(addressKey('2001:db8:0:2::1'), '2001:db8:0:2::/64')
  assert.equal(addressKey('::1'), '0:0:0:0::/64')
  assert.equal(addressKey('fe80::1'), 'fe80:0:0:0::/64')
})
