import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CollectionId, parseCollectionId } from '../collection-id.ts'
import { parseAccessFile } from './access-file.ts'
import { assertAdminGrant, assertCollectionGrant, decideAccess, grantOperator } from './decide.ts'

const FILE = parseAccessFile(`
collections:
  1824: { name: Human Resources, url: foo.com/hr }
claims: [groups, resource_access.portal.roles]
admins: [/logs/admins]
rules:
  - { group: /it/web, collections: [1824, 762, 12345678901234567890] }
  - { group: /hr/owners, collections: [1824] }
  - { group: /hr/analysts, collections: [1824, 5], maskAddresses: true }
`)

const idsOf = (claims: unknown, file = FILE) => [...decideAccess(claims, file).collections.keys()]

function id(text: string): CollectionId {
  const parsed = parseCollectionId(text)
  assert.ok(parsed)
  return parsed
}

test('a group grants the collections of its rules, in the order of ids, with the rule in words', () => {
  const access = decideAccess({ groups: ['/it/web'] }, FILE)
  assert.deepEqual([...access.collections.keys()], ['762', '1824', '12345678901234567890'])
  const grant = access.collections.get(id('1824'))
  assert.equal(grant?.name, 'Human Resources')
  assert.equal(grant?.url, 'foo.com/hr')
  assert.match(grant?.rule ?? '', /\/it\/web, line 7/)
  assert.equal(access.collections.get(id('762'))?.name, 'Collection 762')
  assert.equal(access.collections.get(id('762'))?.url, null)
  assert.equal(access.admin, null)
})

test('groups of all claims count together, and a text that is no list is none', () => {
  assert.deepEqual(idsOf({ groups: ['/hr/owners'] }), ['1824'])
  assert.deepEqual(idsOf({ groups: '/hr/owners' }), [])
  assert.match(
    decideAccess({ groups: '/hr/owners' }, FILE).notes.join(),
    /groups is a text, not a list of texts/,
  )
  assert.deepEqual(idsOf({ resource_access: { portal: { roles: ['/it/web'] } } }), [
    '762',
    '1824',
    '12345678901234567890',
  ])
})

test('attempt 13: group names are compared as a whole, and by case unless the file says otherwise', () => {
  for (const group of ['/IT/web', '/it/web ', '/it/we', '/it/webs', '/it/web/x', 'it/web'])
    assert.deepEqual(idsOf({ groups: [group] }), [], group)
  const insensitive = parseAccessFile(
    'match: {case: insensitive}\nrules: [{group: /It/Web, collections: [7]}]',
  )
  assert.deepEqual(idsOf({ groups: ['/iT/wEB'] }, insensitive), ['7'])
})

test('an admin gets counts and no raw lines', () => {
  const access = decideAccess({ groups: ['/logs/admins'] }, FILE)
  assert.equal(access.collections.size, 0)
  assertAdminGrant(access.admin)
  assert.match(access.admin.rule, /\/logs\/admins, line 5/)
})

test('a masked rule grants masked and is named, and another without it that grants the same wins', () => {
  const masked = decideAccess({ groups: ['/hr/analysts'] }, FILE)
  assert.deepEqual(
    [...masked.collections.values()].map((grant) => [grant.collection, grant.masked]),
    [
      ['5', true],
      ['1824', true],
    ],
  )
  assert.match(masked.collections.get(id('1824'))?.rule ?? '', /\/hr\/analysts, line 9/)
  const both = decideAccess({ groups: ['/hr/analysts', '/hr/owners'] }, FILE)
  assert.deepEqual(
    [...both.collections.values()].map((grant) => [grant.collection, grant.masked]),
    [
      ['5', true],
      ['1824', false],
    ],
  )
  assert.match(both.collections.get(id('1824'))?.rule ?? '', /\/hr\/owners/)
  assert.equal(grantOperator(id('1824')).masked, false)
})

test('attempt 11: claims of another form grant nothing and leave a note', () => {
  const cases: readonly [unknown, RegExp][] = [
    [undefined, /no claims/],
    [null, /no claims/],
    [['/it/web'], /no claims/],
    ['/it/web', /no claims/],
    [{}, /did not send the claim groups/],
    [{ groups: null }, /did not send the claim groups/],
    [{ groups: 7 }, /is a number/],
    [{ groups: true }, /is a boolean/],
    [{ groups: { '/it/web': true } }, /is an object/],
    [{ groups: [] }, /empty list/],
    [{ groups: [7, { name: '/it/web' }, ['/it/web']] }, /3 of 3 entries/],
    [JSON.parse('{"__proto__": {"groups": ["/it/web"]}}'), /did not send the claim groups/],
    [Object.create({ groups: ['/it/web'] }), /did not send the claim groups/],
    [{ resource_access: { portal: ['/it/web'] } }, /did not send the claim resource_access\.portal\.roles/],
  ]
  for (const [claims, note] of cases) {
    const access = decideAccess(claims, FILE)
    assert.equal(access.collections.size, 0, JSON.stringify(claims))
    assert.equal(access.admin, null)
    assert.ok(
      access.notes.some((text) => note.test(text)),
      `${JSON.stringify(claims)}: ${access.notes.join(' | ')}`,
    )
  }
})

test('attempt 12: a claim that is only referred to grants nothing and says so', () => {
  const overages = [
    { _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint: 'https://foo.com/groups' } } },
    { _claim_sources: { src1: { endpoint: 'https://foo.com/groups' } } },
    { _claim_names: 'groups', _claim_sources: { src1: { JWT: 'a.b.c' } } },
    { hasgroups: true },
    { hasgroups: 'true' },
  ]
  for (const claims of overages)
    assert.ok(decideAccess(claims, FILE).notes.some((note) => /only refers to the claim groups/.test(note)))
})

test('claim values never stand in a note', () => {
  const secret = 'value-of-a-claim'
  const { notes } = decideAccess({ groups: { [secret]: secret }, resource_access: secret }, FILE)
  assert.ok(!notes.join().includes(secret))
})

test('only this module makes grants', () => {
  const grant = grantOperator(id('7'))
  assertCollectionGrant(grant)
  const forgeries = [
    null,
    {},
    { ...grant },
    Object.create(grant),
    Object.setPrototypeOf({ ...grant }, Object.getPrototypeOf(grant)),
  ]
  for (const forged of forgeries) {
    assert.throws(() => assertCollectionGrant(forged), TypeError)
    assert.throws(() => assertAdminGrant(forged), TypeError)
  }
  assert.throws(() => assertAdminGrant(grant), TypeError)
})
