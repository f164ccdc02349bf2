import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compareCollectionIds } from '../collection-id.ts'
import { parseAccessFile } from './access-file.ts'
import { claimsSeen } from './claims-seen.ts'
import { assertCollectionGrant, decideAccess } from './decide.ts'

/**
 * The decision against a twin that is as naive as can be: for each collection it asks every rule and every group whether
 * the one grants the other, and puts an id into a pattern rather than reading it out of a name.
 */

interface TwinRule {
  group?: string
  pattern?: string
  claim?: string | string[]
  collections?: string[]
  maskAddresses?: boolean
}

interface TwinFile {
  claims: (string | string[])[]
  match: { case: 'sensitive' | 'insensitive' }
  rules: TwinRule[]
}

const steps = (path: string | string[]) => (typeof path === 'string' ? path.split('.') : path)

function at(claims: unknown, path: string | string[]): unknown {
  let value = claims
  for (const step of steps(path)) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    value = Object.getOwnPropertyDescriptor(value, step)?.value
  }
  return value
}

/** From each id granted to whether addresses are masked: every rule that grants it says so. */
function twin(claims: unknown, file: TwinFile): Map<string, boolean> {
  const same = (a: string, b: string) =>
    file.match.case === 'sensitive' ? a === b : a.toLowerCase() === b.toLowerCase()
  const groups = file.claims
    .map((path) => at(claims, path))
    .flatMap((value) => (Array.isArray(value) ? (value as unknown[]) : []))
    .filter((group): group is string => typeof group === 'string')
  const digits = groups.flatMap((group) => {
    const found: string[] = []
    for (let from = 0; from < group.length; from++)
      for (let to = from + 1; to <= group.length; to++) found.push(group.slice(from, to))
    return found.filter((text) => /^[123456789][0123456789]*$/.test(text) && text.length <= 20)
  })
  const granted = new Map<string, boolean>()
  for (const { group, pattern, claim, collections = [], maskAddresses } of file.rules) {
    const add = (id: string) => granted.set(id, maskAddresses === true && granted.get(id) !== false)
    if (group !== undefined && groups.some((one) => same(one, group))) for (const id of collections) add(id)
    if (pattern !== undefined)
      for (const id of digits) if (groups.some((one) => same(one, pattern.split('{id}').join(id)))) add(id)
    const listed = claim === undefined ? undefined : at(claims, claim)
    for (const entry of Array.isArray(listed) ? listed : []) {
      const isNumber = typeof entry === 'number' && Number.isInteger(entry) && Math.abs(entry) < 2 ** 53
      const id = isNumber ? BigInt(entry).toString() : entry
      if (typeof id === 'string' && /^[123456789][0123456789]{0,19}$/.test(id) && !id.includes('\n')) add(id)
    }
  }
  return granted
}

const PATTERNS = [
  '/logs/collection-{id}',
  '/Logs/COLLECTION-{id}',
  '{id}(a+)+',
  '.*1{id}1',
  'ΑΣ{id}ΑΣ',
  'İ{id}',
]
const IDS = ['1', '101', '9007199254740993', '12345678901234567890']
const NEARLY_IDS = ['', '0', '0101', '123456789012345678901', '１０１', '1e2', '+1']

const claimName = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('groups', 'ids') },
  fc.constantFrom('__proto__', 'constructor', 'toString'),
)
const path = fc.oneof(
  { weight: 4, arbitrary: claimName },
  fc.tuple(claimName, claimName).map(([a, b]) => `${a}.${b}`),
  fc.array(claimName, { minLength: 1, maxLength: 3 }),
)
const pattern = fc.constantFrom(...PATTERNS)
const id = fc.constantFrom(...IDS)
const group = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(pattern, id).map(([name, id]) => name.replace('{id}', id)) },
  fc
    .tuple(
      fc.constantFrom('x', ''),
      pattern,
      fc.constantFrom(...IDS, ...NEARLY_IDS),
      fc.constantFrom('x', '\n', ' ', ''),
    )
    .map(([before, name, id, after]) => before + name.replace('{id}', id) + after),
  fc.constantFrom('__proto__', 'constructor', '/a', '/A'),
)
const maskAddresses = fc.boolean()
const rule: fc.Arbitrary<TwinRule> = fc.oneof(
  fc.record({ group, collections: fc.array(id, { minLength: 1 }), maskAddresses }),
  fc.record({ pattern, maskAddresses }),
  fc.record({ claim: path, maskAddresses }),
)
const file: fc.Arbitrary<TwinFile> = fc.record({
  claims: fc.array(path, { minLength: 1, maxLength: 3 }),
  match: fc.record({ case: fc.constantFrom('sensitive' as const, 'insensitive' as const) }),
  rules: fc.array(rule, { maxLength: 6 }),
})
const number = fc.constantFrom(1, 101, -1, 0, -0, 1.5, 2 ** 53 - 1, 2 ** 53, 1e21, Number.NaN, Infinity)
const entry = fc.oneof(group, fc.constantFrom(...IDS, ...NEARLY_IDS), number, fc.anything())
const value = fc.oneof(fc.array(entry), fc.array(group), entry)
const claims = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      groups: fc.array(group, { minLength: 1 }),
      ids: fc.array(entry, { minLength: 1 }),
    }),
  },
  { weight: 4, arbitrary: fc.dictionary(claimName, fc.oneof(value, fc.dictionary(claimName, value))) },
  fc.dictionary(fc.constantFrom('_claim_names', '_claim_sources', 'hasgroups', 'groups'), fc.anything()),
  fc.anything({ key: claimName }),
)

test('whatever the claims and the rules, the ids granted are those of the naive twin, in ascending order', () => {
  const grants = { group: 0, 'group pattern': 0, claim: 0 }
  fc.assert(
    fc.property(file, claims, (file, claims) => {
      const parsed = parseAccessFile(JSON.stringify(file))
      const { collections, notes } = decideAccess(claims, parsed)
      assert.deepEqual(
        [...collections.values()].map((grant) => [grant.collection, grant.masked]),
        [...twin(claims, file)].sort(([a], [b]) => compareCollectionIds(a, b)),
      )
      assert.equal(new Set(notes).size, notes.length)
      claimsSeen(claims, parsed)
      for (const grant of collections.values()) {
        assertCollectionGrant(grant)
        const [, kind] =
          /^the (group pattern|group|claim) .*, line 1 of the access file$/su.exec(grant.rule) ?? []
        assert.ok(kind === 'group' || kind === 'group pattern' || kind === 'claim', grant.rule)
        grants[kind]++
      }
    }),
    { numRuns: 3_000 },
  )
  for (const [kind, count] of Object.entries(grants))
    assert.ok(count > 50, `only ${count} grants by ${kind}: the claims and the rules hardly ever meet`)
})
