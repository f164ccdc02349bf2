import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type CollectionId, parseCollectionId } from '../collection-id.ts'
import { parseAccessFile } from './access-file.ts'
import { decideAccess } from './decide.ts'
import { narrowAccess, splitIds } from './narrow.ts'

const FILE = parseAccessFile(
  `{ admins: [/admins], rules: [
     { group: /a, collections: [1, 2, 3] }, { group: /masked, collections: [4], maskAddresses: true } ] }`,
)
const EVERYTHING = decideAccess({ groups: ['/a', '/masked', '/admins'] }, FILE)

function ids(...texts: string[]): CollectionId[] {
  return texts.map((text) => {
    const id = parseCollectionId(text)
    assert.ok(id)
    return id
  })
}

test('what is narrowed holds the chosen collections with their own grants, and no right of an admin', () => {
  assert.ok(EVERYTHING.admin)
  const narrowed = narrowAccess(EVERYTHING, ids('2', '4', '99'))
  assert.deepEqual([...narrowed.collections.keys()], ['2', '4'])
  for (const [id, grant] of narrowed.collections) assert.equal(grant, EVERYTHING.collections.get(id))
  assert.equal([...narrowed.collections.values()].at(-1)?.masked, true)
  assert.equal(narrowed.admin, null)
})

test('narrowed to all keeps every collection, and still takes the right of an admin', () => {
  const narrowed = narrowAccess(EVERYTHING, null)
  assert.deepEqual([...narrowed.collections], [...EVERYTHING.collections])
  assert.equal(narrowed.admin, null)
  assert.equal(narrowAccess(EVERYTHING, []).collections.size, 0)
})

test('it never gives what was not there, whatever the groups and ids', () => {
  fc.assert(
    fc.property(
      fc.subarray(['/a', '/masked', '/admins']),
      fc.option(fc.subarray(['1', '2', '3', '4', '5'])),
      (groups, chosen) => {
        const access = decideAccess({ groups }, FILE)
        const narrowed = narrowAccess(access, chosen && ids(...chosen))
        assert.equal(narrowed.admin, null)
        for (const [id, grant] of narrowed.collections) {
          assert.equal(grant, access.collections.get(id))
          assert.ok(chosen === null || chosen.includes(id))
        }
      },
    ),
  )
})

test('ids asked for are split into those that may be read now and all others', () => {
  assert.deepEqual(splitIds(EVERYTHING, ids('99', '2', '4')), { own: ['2', '4'], others: ['99'] })
})
