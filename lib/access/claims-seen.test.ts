import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAccessFile } from './access-file.ts'
import { claimsSeen } from './claims-seen.ts'

const FILE = parseAccessFile(`
claims: [groups, resource_access.portal.roles]
rules:
  - { claim: collections }
  - { claim: groups }
  - { claim: ["https://foo.com/ids"] }
`)

test('names all claims in order, and the texts only where the access file looks', () => {
  const claims = {
    preferred_username: 'secret-name',
    groups: ['/b', '/a', '/b', '', 7, { x: 'secret' }],
    email: 'secret@foo.com',
    collections: ['12', 7, -1.5],
    resource_access: { portal: { roles: 'reader' }, other: { roles: ['secret'] } },
  }
  const seen = claimsSeen(claims, FILE)
  assert.deepEqual(seen, {
    names: { texts: ['collections', 'email', 'groups', 'preferred_username', 'resource_access'], more: 0 },
    found: [
      { claim: 'groups', texts: ['/a', '/b', '7'], more: 0 },
      { claim: 'resource_access.portal.roles', texts: ['reader'], more: 0 },
      { claim: 'collections', texts: ['12', '7'], more: 0 },
      { claim: 'https://foo.com/ids', texts: [], more: 0 },
    ],
    morePaths: 0,
  })
  assert.doesNotMatch(JSON.stringify(seen), /secret/)
})

test('claims that are none, or of strange names, are listed as what they are', () => {
  for (const claims of [undefined, null, 'groups', ['groups'], 7])
    assert.deepEqual(claimsSeen(claims, FILE).names, { texts: [], more: 0 })
  const strange = JSON.parse('{"__proto__": ["x"], "<b>": 1, "constructor": 2}')
  assert.deepEqual(claimsSeen(strange, FILE).names.texts, ['<b>', '__proto__', 'constructor'])
  assert.deepEqual(claimsSeen(Object.create({ groups: ['x'] }), FILE).found[0]?.texts, [])
})

test('what is too much is counted, and a long text is cut between characters', () => {
  const many = Array.from({ length: 500 }, (_, index) => `n${String(index).padStart(3, '0')}`)
  const claims = { ...Object.fromEntries(many.map((name) => [name, name])), groups: many }
  const seen = claimsSeen(claims, FILE)
  assert.deepEqual([seen.names.texts.length, seen.names.more], [100, 401])
  assert.deepEqual([seen.found[0]?.texts.length, seen.found[0]?.more], [50, 450])
  const file = parseAccessFile(`rules: []\nclaims: [${many.join(', ')}]`)
  assert.deepEqual([claimsSeen({}, file).found.length, claimsSeen({}, file).morePaths], [20, 480])
  const [long = ''] = claimsSeen({ groups: ['😀'.repeat(300)] }, FILE).found[0]?.texts ?? []
  assert.equal(long, `${'😀'.repeat(200)}…`)
  assert.deepEqual(claimsSeen({ groups: ['é'.repeat(200)] }, FILE).found[0]?.texts, ['é'.repeat(200)])
})
