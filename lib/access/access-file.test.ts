import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PortalError } from '../errors.ts'
import { parseAccessFile } from './access-file.ts'

function faultsOf(text: string): string[] {
  try {
    parseAccessFile(text)
  } catch (error) {
    assert.ok(error instanceof PortalError)
    assert.equal(error.code, 'bad_access_file')
    return (error.detail ?? '').split('\n')
  }
  return []
}

function assertFaults(text: string, expected: readonly RegExp[]): void {
  const faults = faultsOf(text)
  assert.equal(faults.length, expected.length, faults.join('\n'))
  for (const [index, pattern] of expected.entries()) assert.match(faults[index] ?? '', pattern)
}

test('a file with everything in it is read with lines and texts as they stand', () => {
  const file = parseAccessFile(`# who reads what
collections:
  1824: { name: Human Resources, url: foo.com/hr, retentionDays: 90 }
  "762": { name: Web }
claims: [groups, resource_access.portal.roles, ["https://foo.com/groups"]]
match: { case: insensitive }
admins: [/logs/admins]
rules:
  - { group: /it/web, collections: [1824, 762] }
  - group: 4711
    collections: ["99"]
    maskAddresses: true
  - pattern: /logs/collection-{id}
  - { pattern: "{id}/readers", maskAddresses: true }
  - { claim: portal.collections, maskAddresses: false }
  - { claim: ["https://foo.com/ids"], maskAddresses: true }
`)
  assert.deepEqual(Object.fromEntries(file.collections), {
    '762': { name: 'Web', url: null, retentionDays: null },
    '1824': { name: 'Human Resources', url: 'foo.com/hr', retentionDays: 90 },
  })
  assert.deepEqual(file.claims, [
    ['groups'],
    ['resource_access', 'portal', 'roles'],
    ['https://foo.com/groups'],
  ])
  assert.equal(file.match, 'insensitive')
  assert.deepEqual(file.admins, [{ group: '/logs/admins', line: 7 }])
  assert.deepEqual(file.rules, [
    { kind: 'group', group: '/it/web', collections: ['1824', '762'], maskAddresses: false, line: 9 },
    { kind: 'group', group: '4711', collections: ['99'], maskAddresses: true, line: 10 },
    {
      kind: 'pattern',
      pattern: '/logs/collection-{id}',
      before: '/logs/collection-',
      after: '',
      maskAddresses: false,
      line: 13,
    },
    {
      kind: 'pattern',
      pattern: '{id}/readers',
      before: '',
      after: '/readers',
      maskAddresses: true,
      line: 14,
    },
    { kind: 'claim', claim: ['portal', 'collections'], maskAddresses: false, line: 15 },
    { kind: 'claim', claim: ['https://foo.com/ids'], maskAddresses: true, line: 16 },
  ])
})

test('what is left out takes its default', () => {
  const file = parseAccessFile('rules: []')
  assert.deepEqual(file, {
    collections: new Map(),
    claims: [['groups']],
    match: 'sensitive',
    admins: [],
    rules: [],
  })
})

test('JSON is read alike, indented with tabs or not', () => {
  const file = parseAccessFile('{"rules": [\n\t{"group": "\\ud83d\\ude00", "collections": [1, "2"]}\n]}')
  assert.deepEqual(file.rules, [
    { kind: 'group', group: '😀', collections: ['1', '2'], maskAddresses: false, line: 2 },
  ])
})

test('an id past what a number holds stays the id it is', () => {
  const file = parseAccessFile(`
collections:
  12345678901234567890: { name: Far }
rules: [{ group: a, collections: [12345678901234567890, 9007199254740993] }]`)
  assert.deepEqual([...file.collections.keys()], ['12345678901234567890'])
  const [rule] = file.rules
  assert.deepEqual(rule?.kind === 'group' && rule.collections, ['12345678901234567890', '9007199254740993'])
})

test('what is no id makes the file broken, named by its line', () => {
  assertFaults(
    `collections:
  01824: { name: a }
rules:
  - { group: a, collections: [0x10, 1e2, -1, 0, 1_000, 123456789012345678901, "", "1 "] }`,
    [
      /^line 2: collections\.01824 is no id/,
      ...Array(8).fill(/^line 4: rules\[0\]\.collections\[\d\] takes an id/),
    ],
  )
})

test('every fault is named at once, in the order of the file', () => {
  assertFaults(
    `collections:
  1: { name: "" }
  2: { nam: b }
  3: null
  4: { name: n, url: null, retentionDays: 0 }
claims: groups
match: { case: no }
admins: /logs/admins
extra: 1
rules:
  - { group: a }
  - { group: a, collections: [] }
  - { group: [a], collections: [1], foo: 2 }
  - text
  - { group: a, collections: [1], maskAddresses: maybe }`,
    [
      /^line 2: collections\.1\.name takes a text of 1 to 200/,
      /^line 3: collections\.2\.name .* missing$/,
      /^line 3: collections\.2\.nam is not known; a collection takes \{name, url, retentionDays\}/,
      /^line 4: collections\.3 takes/,
      /^line 5: collections\.4\.url takes a text/,
      /^line 5: collections\.4\.retentionDays takes a whole number of days/,
      /^line 6: claims takes a list/,
      /^line 7: match\.case takes \{case: sensitive\}/,
      /^line 8: admins takes a list/,
      /^line 9: extra is not known; the file takes the keys collections, claims, match, admins and rules/,
      /^line 11: rules\[0\]\.collections takes a list .* missing$/,
      /^line 12: rules\[1\]\.collections takes a list of at least one id/,
      /^line 13: rules\[2\]\.group takes the name of a group/,
      /^line 13: rules\[2\]\.foo is not known; a rule with a group takes \{group, collections, maskAddresses\}/,
      /^line 14: rules\[3\] takes \{group, collections\}, \{pattern\} or \{claim\}/,
      /^line 15: rules\[4\]\.maskAddresses takes true or false/,
    ],
  )
})

test('a rule is of one kind and takes what that kind takes, each fault named by its line', () => {
  assertFaults(
    `rules:
  - { collections: [1] }
  - { group: a, pattern: "b-{id}", collections: [1], who: me }
  - { pattern: "a-{id}", claim: b }
  - { pattern: "a-{id}", collections: [1] }
  - { claim: a, collections: [1], group_: x }
  - { Pattern: "a-{id}", maskAddresses: true }
  - { claim: { a: b } }
  - { claim: a..b }
  - { claim: a, maskAddresses: "yes" }
  - { pattern: , maskAddresses: true }
  - [pattern, claim]
  - null
  - { constructor: 1, hasOwnProperty: 2 }`,
    [
      /^line 2: rules\[0\] takes \{group, collections\}, \{pattern\} or \{claim\}, each with maskAddresses or without$/,
      /^line 3: rules\[1\] is a rule with group and pattern; one takes \{group, collections\}, /,
      /^line 3: rules\[1\]\.who is not known; a rule takes /,
      /^line 4: rules\[2\] is a rule with pattern and claim; /,
      /^line 5: rules\[3\]\.collections is not known; a rule with a pattern takes \{pattern, maskAddresses\}$/,
      /^line 6: rules\[4\]\.collections is not known; a rule with a claim takes \{claim, maskAddresses\}$/,
      /^line 6: rules\[4\]\.group_ is not known; a rule with a claim/,
      /^line 7: rules\[5\] takes \{group, collections\}, /,
      /^line 7: rules\[5\]\.Pattern is not known; a rule takes /,
      /^line 8: rules\[6\]\.claim takes a dotted path/,
      /^line 9: rules\[7\]\.claim takes a dotted path/,
      /^line 10: rules\[8\]\.maskAddresses takes true or false/,
      /^line 11: rules\[9\]\.pattern takes the name of a group with \{id\}/,
      /^line 12: rules\[10\] takes \{group, collections\}, /,
      /^line 13: rules\[11\] takes \{group, collections\}, /,
      /^line 14: rules\[12\] takes \{group, collections\}, /,
      /^line 14: rules\[12\]\.constructor is not known/,
      /^line 14: rules\[12\]\.hasOwnProperty is not known/,
    ],
  )
})

test('a pattern has its id once and a name around it; forgotten quotes are told', () => {
  assertFaults(
    `rules:
  - { pattern: /logs/all }
  - { pattern: "/logs/{ID}" }
  - { pattern: "{id}-{id}" }
  - { pattern: "{id}" }
  - { pattern: "" }
  - { pattern: {id} }`,
    [
      /^line 2: rules\[0\]\.pattern takes .*in quotes: "\/logs\/collection-\{id\}"; \{id\} is missing$/,
      /^line 3: .*; \{id\} is missing$/,
      /^line 4: .*; \{id\} is there 2 times$/,
      /^line 5: .*; \{id\} alone is no name; where groups are bare ids, write \{claim: …\}/,
      /^line 6: .*; \{id\} is missing$/,
      /^line 7: rules\[5\]\.pattern takes the name of a group with \{id\} where the id stands, in quotes/,
    ],
  )
  const faults = faultsOf('rules:\n  - { pattern: /logs/collection-{id} }')
  assert.match(faults[0] ?? '', /^line 2: not YAML: .* \(a text with \{ or \} in it takes quotes\)$/)
})

test('a file with very many faults names the first and counts the rest', () => {
  const faults = faultsOf(`rules:\n${'  - { group: a, collections: [007] }\n'.repeat(10_000)}`)
  assert.equal(faults.length, 51)
  assert.match(faults[49] ?? '', /^line 51: rules\[49\]/)
  assert.equal(faults[50], 'and 9,950 more faults')
})

test('what stands in the file steers no log and no page: controls in a fault are escaped, long ones cut', () => {
  const [fault = '', ...others] = faultsOf(
    `{"rules": [], "a\\nline 1: all is well\\u001b[2J\\u202e${'x'.repeat(9_000)}": 1}`,
  )
  assert.deepEqual(others, [])
  assert.match(fault, /^line 1: a\\u\{a\}line 1: all is well\\u\{1b\}\[2J\\u\{202e\}xxx/)
  assert.ok(fault.length < 1_000)
})

test('a key that is there twice is a fault, also written differently', () => {
  assertFaults('collections:\n  1: { name: a }\n  "1": { name: b }\nrules: []\nrules: []', [
    /^line 3: collections\.1 is there twice/,
    /^line 5: rules is there twice/,
  ])
})

test('keys that are names of JavaScript objects do nothing but fail', () => {
  assertFaults('__proto__: { rules: [] }\nconstructor: 1\nrules: []', [
    /^line 1: .* plain texts/,
    /^line 2: constructor is not known/,
  ])
})

test('claims take paths without empty steps', () => {
  assertFaults('rules: []\nclaims:\n  - a..b\n  - []\n  - [x, ""]\n  - { a: b }', [
    /^line 3: claims\[0\]/,
    /^line 4: claims\[1\] takes a dotted path/,
    /^line 5: claims\[2\]/,
    /^line 6: claims\[3\]/,
  ])
})

test('what YAML has beyond plain values is refused: references, tags, several documents', () => {
  assertFaults('rules: &all []\nadmins: *all', [/^line 2: admins takes values, not references/, /^line 2/])
  assertFaults('rules: !!int 3', [/^line 1: not YAML/])
  assertFaults('rules: []\n---\nrules: []', [/^line 2: not YAML/])
})

test('an empty or cut file is broken', () => {
  assertFaults('', [/^line 1: the file is empty/])
  assertFaults('# nothing yet\n', [/empty/])
  assertFaults('rules:', [/^line 1: rules takes a list of rules/])
  assertFaults('claims: [groups]\n', [/rules takes a list .* missing/])
  assertFaults('rules:\n  - { group: a, coll', [/^line 2: not YAML/])
})
