import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCollectionId } from '../collection-id.ts'
import { parseAccessFile } from './access-file.ts'
import { decideAccess } from './decide.ts'

const rules = (...texts: string[]) =>
  parseAccessFile(`rules:\n${texts.map((one) => `  - ${one}\n`).join('')}`)
const PATTERN = rules('{ pattern: "/logs/collection-{id}" }')
const CLAIM = rules('{ claim: collections }')

const idsOf = (claims: unknown, file = PATTERN) => [...decideAccess(claims, file).collections.keys()]
const notesOf = (claims: unknown, file = PATTERN) => decideAccess(claims, file).notes.join('\n')

function ruleOf(claims: unknown, id: string, file = PATTERN): string | undefined {
  const parsed = parseCollectionId(id)
  assert.ok(parsed)
  return decideAccess(claims, file).collections.get(parsed)?.rule
}

test('a pattern grants the ids in the names of one’s groups, in ascending order, past what a number holds', () => {
  const names = ['12345678901234567890', '101', '9007199254740993', '9', '99999999999999999999']
  assert.deepEqual(idsOf({ groups: [...names, '7'].map((id) => `/logs/collection-${id}`) }), [
    '7',
    '9',
    '101',
    '9007199254740993',
    '12345678901234567890',
    '99999999999999999999',
  ])
  assert.deepEqual(idsOf({ groups: ['/logs/collection-5'] }), ['5'])
})

test('attempt 14: the whole name has to be of the pattern’s form: its neighbours grant nothing, it does', () => {
  const neighbours = [
    '/logs/collection-101x',
    'x/logs/collection-101',
    '/logs/collection-0101',
    '/logs/collection-101\n',
    '/logs/collection-101 ',
    '\n/logs/collection-101',
    '/logs/collection-１０１',
    '/logs/collection-١٠١',
    '/logs/collection-123456789012345678901',
    '/logs/collection-',
    '/logs/collection-0',
    '/logs/collection--1',
    '/logs/collection-+1',
    '/logs/collection-1e2',
    '/logs/collection-1.0',
    '/logs/collection-0x1',
    '/logs/collection-1_0',
    '/logs/collection-{id}',
    '/logs/collection-__proto__',
    '/logs/collection-101/sub',
    '/LOGS/collection-101',
    '/logs/collection-1\u200b01',
    '/logs/collection-101\0',
    '/logs/collection-1,2',
    '101',
  ]
  for (const name of neighbours) assert.deepEqual(idsOf({ groups: [name] }), [], JSON.stringify(name))
  assert.deepEqual(idsOf({ groups: [...neighbours, '/logs/collection-101'] }), ['101'])
})

test('what stands around the id is literal, on either side, and may itself end in digits', () => {
  const file = rules(
    '{ pattern: "^.*[a](b+)+$\\\\d{id}|x?" }',
    '{ pattern: "c1{id}1" }',
    '{ pattern: "{id}/readers" }',
    '{ pattern: "$&{2}{id}" }',
  )
  assert.deepEqual(idsOf({ groups: ['^.*[a](b+)+$\\d12|x?'] }, file), ['12'])
  assert.deepEqual(idsOf({ groups: ['zzz[a]bbd12x', 'ab12'] }, file), [])
  assert.deepEqual(idsOf({ groups: ['c1231'] }, file), ['23'])
  assert.deepEqual(idsOf({ groups: ['c1', 'c11', 'c101'] }, file), [])
  assert.deepEqual(idsOf({ groups: ['3/readers', '/readers', '4/readersx'] }, file), ['3'])
  assert.deepEqual(idsOf({ groups: ['$&{2}6'] }, file), ['6'])
  // The two ends of a pattern may not use the same letters of a name.
  assert.deepEqual(idsOf({ groups: ['aba', 'ab1ba'] }, rules('{ pattern: "ab{id}ba" }')), ['1'])
})

test('the literal part follows match.case', () => {
  const file = parseAccessFile('match: { case: insensitive }\nrules:\n  - pattern: /Logs/Collection-{id}/İΣ')
  assert.deepEqual(idsOf({ groups: ['/LOGS/cOLLECTION-7/İΣ'] }, file), ['7'])
  assert.deepEqual(idsOf({ groups: ['/logs/collection-7/i'] }, file), [])
  assert.deepEqual(idsOf({ groups: ['/Logs/collection-7'] }), [])
})

test('a claim grants the ids that it lists, as texts or as exact numbers', () => {
  assert.deepEqual(idsOf({ collections: ['1824', 762, '12345678901234567890', 2 ** 53 - 1, 762] }, CLAIM), [
    '762',
    '1824',
    '9007199254740991',
    '12345678901234567890',
  ])
  assert.deepEqual(idsOf({ portal: { ids: [7] } }, rules('{ claim: portal.ids }')), ['7'])
  const url = 'https://foo.com/ids'
  assert.deepEqual(idsOf({ [url]: [8] }, rules(`{ claim: ["${url}"] }`)), ['8'])
})

test('a number past 2^53 grants nothing and says so: it is no longer the id that was sent', () => {
  const claims = JSON.parse('{"collections": [12345678901234567890, 9007199254740993, 1e999, 5]}')
  assert.deepEqual(idsOf(claims, CLAIM), ['5'])
  assert.match(
    notesOf(claims, CLAIM),
    /3 of 4 entries of the claim collections are numbers too large .* send such ids as texts\. They grant nothing\./,
  )
})

test('entries of a claim that are no ids grant nothing and are counted', () => {
  const others = [
    '01',
    '',
    ' 1',
    '1\n',
    '１',
    'x',
    0,
    -1,
    1.5,
    Number.NaN,
    true,
    null,
    ['1'],
    { id: '1' },
    undefined,
  ]
  assert.deepEqual(idsOf({ collections: [...others, '4'] }, CLAIM), ['4'])
  assert.match(
    notesOf({ collections: [...others, '4'] }, CLAIM),
    /15 of 16 entries of the claim collections are not ids/,
  )
})

test('a claim of another form, or only referred to, grants nothing and leaves a note', () => {
  const cases: readonly [unknown, RegExp][] = [
    [undefined, /no claims/],
    [{}, /did not send the claim collections\./],
    [{ collections: null }, /did not send the claim collections\./],
    [{ collections: '1' }, /is a text, not a list of ids/],
    [{ collections: 1 }, /is a number, not a list/],
    [{ collections: { 0: '1', length: 1 } }, /is an object, not a list/],
    [{ collections: [] }, /is an empty list/],
    [{ collections: [['1'], ['2']] }, /2 of 2 entries/],
    [JSON.parse('{"__proto__": {"collections": ["1"]}}'), /did not send/],
    [Object.create({ collections: ['1'] }), /did not send/],
    [
      { _claim_names: { collections: 's' }, _claim_sources: { s: { endpoint: 'https://foo.com' } } },
      /only refers/,
    ],
    [{ _claim_sources: { s: { endpoint: 'https://foo.com' } } }, /only refers to the claim collections/],
    [{ hasgroups: true }, /did not send the claim collections/],
  ]
  for (const [claims, note] of cases) {
    assert.deepEqual(idsOf(claims, CLAIM), [], JSON.stringify(claims))
    assert.match(notesOf(claims, CLAIM), note)
  }
})

test('attempt 11: names of what every JavaScript object has are names like others', () => {
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    const file = rules(
      `{ claim: ${name} }`,
      `{ claim: [a, ${name}] }`,
      `{ group: ${name}, collections: [3] }`,
    )
    assert.deepEqual(idsOf({ a: {} }, file), [], name)
    const sent = JSON.parse(`{"${name}": ["1"], "a": {"${name}": ["2"]}, "groups": ["${name}"]}`)
    assert.deepEqual(idsOf(sent, file), ['1', '2', '3'], name)
  }
})

test('attempt 12: no URL out of a claim is fetched', (t) => {
  const fetch = t.mock.method(globalThis, 'fetch', () => assert.fail('fetched'))
  const sources = { s: { endpoint: 'http://127.0.0.1:1/groups', access_token: 'x' } }
  const claims = { _claim_names: { groups: 's', collections: 's' }, _claim_sources: sources }
  decideAccess(claims, PATTERN)
  decideAccess(claims, CLAIM)
  assert.equal(fetch.mock.callCount(), 0)
})

test('a grant names the kind and the line of its rule, the first unmasked one', () => {
  const file = rules(
    '{ pattern: "/m-{id}", maskAddresses: true }',
    '{ claim: a.b }',
    '{ pattern: "/m-{id}" }',
    '{ group: /m-1, collections: [1] }',
  )
  assert.equal(
    ruleOf({ groups: ['/m-1'] }, '1', file),
    'the group pattern /m-{id}, line 4 of the access file',
  )
  assert.equal(
    ruleOf({ groups: ['/m-1'], a: { b: [1] } }, '1', file),
    'the claim a.b, line 3 of the access file',
  )
})

test('masked rules of every kind grant masked, unless a rule without it grants the same', () => {
  const file = rules(
    '{ pattern: "/m-{id}", maskAddresses: true }',
    '{ claim: ids, maskAddresses: true }',
    '{ group: /some, collections: [5], maskAddresses: true }',
    '{ group: /open, collections: [3] }',
  )
  const { collections, notes } = decideAccess(
    { groups: ['/m-1', '/m-3', '/some', '/open'], ids: ['3', '1', '77'] },
    file,
  )
  assert.deepEqual(
    [...collections.values()].map(({ collection, masked, rule }) => [collection, masked, rule]),
    [
      ['1', true, 'the group pattern /m-{id}, line 2 of the access file'],
      ['3', false, 'the group /open, line 5 of the access file'],
      ['5', true, 'the group /some, line 4 of the access file'],
      ['77', true, 'the claim ids, line 3 of the access file'],
    ],
  )
  assert.deepEqual(notes, [])
})

test('a hundred thousand groups and ids are decided in well under the time of a page', () => {
  const many = Array.from({ length: 100_000 }, (_, index) => String(index + 1))
  const file = rules(
    '{ pattern: "/logs/collection-{id}" }',
    '{ pattern: "/m-{id}", maskAddresses: true }',
    '{ claim: ids }',
  )
  const claims = { groups: many.flatMap((id) => [`/logs/collection-${id}`, `/m-9${id}`]), ids: many }
  const started = performance.now()
  assert.equal(decideAccess(claims, file).collections.size, 190_001)
  // Some hundred milliseconds; anything that looks at pairs of them takes minutes.
  assert.ok(performance.now() - started < 5_000)
})
