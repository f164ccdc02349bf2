import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type CollectionId, parseCollectionId } from '../collection-id.ts'
import { parseAccessFile } from './access-file.ts'
import { decideAccess } from './decide.ts'
import { explainAccess, MAX_MISSES } from './explain.ts'

function id(text: string): CollectionId {
  const parsed = parseCollectionId(text)
  assert.ok(parsed, text)
  return parsed
}

function explain(claims: unknown, collection: string, ...rules: string[]) {
  const file = parseAccessFile(`claims: [groups]\nrules:\n${rules.map((rule) => `  - ${rule}\n`).join('')}`)
  return explainAccess({ claims, file, collection: id(collection) })
}

function nearest(claims: unknown, collection: string, ...rules: string[]): string {
  const { allowed, rule, misses } = explain(claims, collection, ...rules)
  assert.deepEqual([allowed, rule], [false, null])
  return `${misses[0]?.near ? 'near' : 'far'}, line ${misses[0]?.line}: ${misses[0]?.words}`
}

const GROUP = '{ group: /hr/Owners, collections: [1824] }'
const PATTERN = '{ pattern: "/logs/collection-{id}" }'

test('names the rule and line that grants, the others that would, and the collection as the file does', () => {
  const claims = { groups: ['/logs/collection-1824', '/hr/Owners'], ids: ['1824'] }
  const found = explain(
    claims,
    '1824',
    '{ group: /a, collections: [1824] }',
    GROUP,
    PATTERN,
    '{ claim: ids }',
  )
  assert.equal(found.allowed, true)
  assert.deepEqual(found.rule, {
    words: 'the group /hr/Owners, line 4 of the access file',
    line: 4,
    masked: false,
  })
  assert.deepEqual(
    found.others.map(({ line }) => line),
    [5, 6],
  )
  assert.deepEqual([found.masked, found.misses, found.name], [false, [], null])
})

test('a rule that masks is named as such; an unmasked one goes before it', () => {
  const masked = '{ group: /m, collections: [1], maskAddresses: true }'
  const alone = explain({ groups: ['/m', '/o'] }, '1', masked)
  assert.deepEqual([alone.allowed, alone.masked, alone.rule?.line, alone.misses], [true, true, 3, []])
  const both = explain({ groups: ['/m', '/o'] }, '1', masked, '{ group: /o, collections: [1] }')
  assert.deepEqual([both.allowed, both.masked, both.rule?.line], [true, false, 4])
})

test('of a group, the nearest miss is told', () => {
  const told = (sent: string) => nearest({ groups: ['/x', sent] }, '1824', GROUP)
  assert.match(
    told('/HR/owners'),
    /^near, line 3: It takes the group “\/hr\/Owners”, and “\/HR\/owners” was sent: case differs\.$/,
  )
  assert.match(told('/hr/Owners '), /a blank at its end\.$/)
  assert.match(told(' /hr/Owners'), /a blank at its beginning\.$/)
  assert.match(told('hr/Owners'), /a slash at its beginning or end differs\.$/)
  assert.match(told('HR/owners/ '), /more than one of them\.$/)
  assert.match(told('/hr/Ｏwners'), /characters that look alike\.$/)
  assert.match(told('/hr/Owners/readers'), /begins so, and goes on: the whole name has to match\.$/)
  assert.match(told('/old/hr/Owners'), /ends so, and something stands before/)
  assert.match(told('Owners'), /only the end of that name\.$/)
  assert.equal(told('/sales'), 'far, line 3: It takes the group “/hr/Owners”.')
})

test('a pattern takes the whole string and an id without a leading 0', () => {
  const told = (sent: string) => nearest({ groups: [sent] }, '101', PATTERN)
  assert.match(
    told('/logs/collection-101x'),
    /“\/logs\/collection-101”, and “.*101x” was sent: it begins so, and goes on/,
  )
  assert.match(told('x/logs/collection-101'), /ends so/)
  assert.match(told('/logs/collection-0101'), /an id does not begin with 0\.$/)
  assert.match(told('/logs/collection-１０１'), /look alike/)
  assert.match(told('/logs/Collection-101'), /case differs/)
  assert.equal(told('/logs/collection-102'), 'far, line 3: It takes the group “/logs/collection-101”.')
})

test('of a claim with ids: another form, another place, a number that no longer is the id', () => {
  const told = (ids: unknown, of = '1824') => nearest({ groups: [], ids }, of, '{ claim: ids }')
  const far = '12345678901234567890'
  assert.match(told(JSON.parse(`[${far}]`), far), /^near, .* a number past 2\^53.*send it as a text\.$/)
  assert.match(told(['1824 ']), /“1824 ” for 1824: a blank at its end/)
  assert.match(told(['01824']), /does not begin with 0/)
  assert.match(told('1824'), /the claim ids is that, but not a list\.$/)
  assert.match(told(['762,1824']), /in one text with others/)
  assert.match(told('762 1824'), /in one text with others/)
  assert.match(
    told(undefined),
    /^far, line 3: It takes 1824 in the list of the claim ids \(.*did not send the claim ids\)\.$/,
  )
  assert.match(told({ a: 1 }), /^far, .*is an object, not a list of ids/)
  const referred = { _claim_names: { ids: 's' } }
  assert.match(nearest(referred, '1', '{ claim: ids }'), /only refers to the claim ids/)
})

test('a group sent as a text, or as a number, is told', () => {
  assert.match(nearest({ groups: '/hr/Owners' }, '1824', GROUP), /the claim groups is that, but not a list/)
  assert.match(
    nearest({ groups: [4711] }, '1', '{ group: 4711, collections: [1] }'),
    /as a number, not as a text/,
  )
})

test('near ones stand before far ones, and those that are not listed are counted', () => {
  const far = Array.from({ length: 30 }, (_, n) => `{ group: /far/${n}, collections: [1824] }`)
  const { misses, moreMisses } = explain({ groups: ['/hr/owners'] }, '1824', ...far, GROUP)
  assert.equal(misses.length, MAX_MISSES)
  assert.deepEqual([misses[0]?.line, misses[1]?.line, moreMisses], [33, 3, 11])
})

test('where no rule could ever grant a collection there is no miss', () => {
  const { allowed, misses } = explain({ groups: ['/hr/Owners'] }, '7', GROUP)
  assert.deepEqual([allowed, misses], [false, []])
})

test('a value is repeated only where the file looks', () => {
  const claims = {
    groups: ['/hr/owners'],
    email: 'canary-mail',
    phone: ['canary-phone'],
    deep: { groups: 'canary' },
  }
  const text = JSON.stringify(explain(claims, '1824', GROUP, '{ claim: ids }'))
  assert.doesNotMatch(text, /canary/)
  assert.match(text, /"email"/)
})

const IDS = ['1', '101', '9007199254740993', '12345678901234567890'] as const
const someId = fc.constantFrom(...IDS)
const claimName = fc.constantFrom('groups', 'ids', '__proto__', 'constructor')
const path = fc.oneof(
  claimName,
  fc.tuple(claimName, claimName).map(([a, b]) => `${a}.${b}`),
)
const pattern = fc.constantFrom('/c-{id}', '/C-{id}', '{id}1', 'ΑΣ{id}ΑΣ', 'İ{id}')
const group = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(pattern, someId).map(([name, one]) => name.replace('{id}', one)) },
  fc
    .tuple(pattern, someId, fc.constantFrom(' ', 'x', '0', '\n'))
    .map(([name, one, odd]) => name.replace('{id}', one) + odd),
  fc.constantFrom('/a', '/A', '/a ', 'a', '__proto__'),
)
const maskAddresses = fc.boolean()
const rule = fc.oneof(
  fc.record({ group, collections: fc.array(someId, { minLength: 1 }), maskAddresses }),
  fc.record({ pattern, maskAddresses }),
  fc.record({ claim: path, maskAddresses }),
)
const accessFile = fc.record({
  claims: fc.array(path, { minLength: 1, maxLength: 2 }),
  match: fc.record({ case: fc.constantFrom('sensitive', 'insensitive') }),
  admins: fc.array(group, { maxLength: 2 }),
  rules: fc.array(rule, { maxLength: 6 }),
})
const entry = fc.oneof(
  group,
  someId,
  fc.constantFrom(1, 101, 2 ** 53, Number('12345678901234567890'), 1.5),
  fc.anything(),
)
const value = fc.oneof({ weight: 3, arbitrary: fc.array(entry) }, entry)
const anyClaims = fc.oneof(
  { weight: 4, arbitrary: fc.record({ groups: fc.array(group, { minLength: 1 }), ids: fc.array(entry) }) },
  { weight: 2, arbitrary: fc.dictionary(claimName, fc.oneof(value, fc.dictionary(claimName, value))) },
  fc.dictionary(fc.constantFrom('_claim_names', '_claim_sources', 'hasgroups'), fc.anything()),
  fc.anything(),
)

test('attempt 60: on random claims and files the explanation says what enforcement does, both ways, and names its rule', () => {
  const seen = { granted: 0, masked: 0, near: 0, far: 0 }
  fc.assert(
    fc.property(accessFile, anyClaims, (text, claims) => {
      const file = parseAccessFile(JSON.stringify(text, null, 1))
      const access = decideAccess(claims, file)
      for (const collection of [...IDS, '7'].map(id)) {
        const grant = access.collections.get(collection)
        const found = explainAccess({ claims, file, collection })
        assert.equal(found.allowed, grant !== undefined)
        assert.equal(found.admin, access.admin !== null)
        assert.deepEqual(found.notes, access.notes)
        assert.deepEqual([found.rule?.words, found.masked ?? undefined], [grant?.rule, grant?.masked])
        if (found.rule) assert.deepEqual(found.misses, [])
        if (grant) seen[grant.masked ? 'masked' : 'granted']++
        else if (found.misses[0]?.near) seen.near++
        else if (found.misses[0]) seen.far++
      }
    }),
    { numRuns: 2_000 },
  )
  for (const [kind, count] of Object.entries(seen)) assert.ok(count > 100, `only ${count} ${kind}`)
})
