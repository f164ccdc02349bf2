import assert from 'node:assert/strict'
import { test } from 'node:test'
import { claimsAsKept, combineClaims, personName, refreshedClaims } from './claims.ts'

test('claims of both places are put together, the signed ones first, without those about the token', () => {
  const combined = combineClaims({
    idToken: { iss: 'i', sub: 's', nonce: 'n', exp: 1, roles: ['a'], groups: ['signed'] },
    userinfo: { sub: 's', groups: ['plain'], name: 'HR' },
  })
  assert.deepEqual(combined.claims, { groups: ['signed'], name: 'HR', roles: ['a'] })
  assert.deepEqual(combined.idTokenOnly, ['roles'])
})

test('claims that were pasted are those that a session would hold', () => {
  assert.deepEqual(claimsAsKept({ amr: ['staff'], iss: 'i', groups: ['a'] }), { groups: ['a'] })
  for (const none of [null, 'x', 1, ['groups']]) assert.deepEqual(claimsAsKept(none), none)
})

test('a refresh replaces everything: a claim taken away at the provider is gone', () => {
  const refreshed = refreshedClaims({ idToken: { sub: 's' }, userinfo: { sub: 's', name: 'HR' } }, ['groups'])
  assert.deepEqual(refreshed?.claims, { name: 'HR' })
})

test('userinfo alone settles claims that came from userinfo', () => {
  const refreshed = refreshedClaims({ idToken: null, userinfo: { sub: 's', groups: ['b'] } }, [])
  assert.deepEqual(refreshed?.claims, { groups: ['b'] })
})

test('without a new ID token, claims that only it carried are not settled', () => {
  assert.equal(refreshedClaims({ idToken: null, userinfo: { sub: 's' } }, ['groups']), null)
  assert.equal(refreshedClaims({ idToken: null, userinfo: null }, []), null)
  const moved = refreshedClaims({ idToken: null, userinfo: { sub: 's', groups: ['b'] } }, ['groups'])
  assert.deepEqual(moved?.claims, { groups: ['b'] })
})

test('a person is called by name, else by user name, else by subject', () => {
  assert.equal(personName({ name: 'HR', preferred_username: 'hr' }, 's'), 'HR')
  assert.equal(personName({ name: ' ', preferred_username: 'hr' }, 's'), 'hr')
  assert.equal(personName({ name: { toString: 'x' } }, 's'), 's')
})
