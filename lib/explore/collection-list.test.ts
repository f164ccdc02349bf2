import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CollectionId, parseCollectionId } from '../collection-id.ts'
import { PortalError } from '../errors.ts'
import type { CollectionHits } from '../store/counts.ts'
import { COLLECTION_SORTS, type CollectionSort, listCollections, parseListQuery } from './collection-list.ts'

function idOf(text: string): CollectionId {
  return parseCollectionId(text) ?? assert.fail(text)
}

function hits(id: string, total = 0, today = 0, lastSeen: number | null = null): CollectionHits {
  return { collection: idOf(id), total, today, lastSeen }
}

const NAMES = new Map([
  ['1824', { name: 'Human Resources', url: 'foo.com/hr' }],
  ['762', { name: 'web team', url: 'foo.com/web' }],
  ['3242', { name: 'Änderungen', url: null }],
])
const HITS = [hits('1824', 10, 0, 100), hits('762', 30, 5, 300), hits('3242', 20, 5), hits('9', 20, 1, 0)]

const list = (q = '', sort: CollectionSort = 'name', from = HITS) => listCollections(from, NAMES, { q, sort })
const ids = (q?: string, sort?: CollectionSort, from?: CollectionHits[]) =>
  list(q, sort, from).rows.map((row) => row.collection as string)

test('gives each collection its name and address, or a name made of its id', () => {
  const rows = new Map(list().rows.map(({ collection, name, url }) => [collection as string, [name, url]]))
  assert.deepEqual(rows.get('1824'), ['Human Resources', 'foo.com/hr'])
  assert.deepEqual(rows.get('3242'), ['Änderungen', null])
  assert.deepEqual(rows.get('9'), ['Collection 9', null])
})

test('sorts by name as people do, case and accents aside, numbers by their value', () => {
  assert.deepEqual(ids('', 'name'), ['3242', '9', '1824', '762'])
  assert.deepEqual(ids('', 'name', [hits('10'), hits('9'), hits('100')]), ['9', '10', '100'])
})

test('sorts ids by their number, past what a JavaScript number holds', () => {
  const long = ['9007199254740993', '9007199254740992', '10000000000000000001', '10000000000000000000', '5']
  assert.deepEqual(
    ids(
      '',
      'id',
      long.map((id) => hits(id)),
    ),
    ['5', '9007199254740992', '9007199254740993', '10000000000000000000', '10000000000000000001'],
  )
})

test('sorts counts and times downwards, those never seen last, and equal ones by id', () => {
  assert.deepEqual(ids('', 'total'), ['762', '9', '3242', '1824'])
  assert.deepEqual(ids('', 'today'), ['762', '3242', '9', '1824'])
  assert.deepEqual(ids('', 'last'), ['762', '1824', '9', '3242'])
})

test('finds by a part of the id, the name or the address, whatever the case', () => {
  assert.deepEqual(ids('82'), ['1824'])
  assert.deepEqual(ids('HUMAN'), ['1824'])
  assert.deepEqual(ids('Foo.COM'), ['1824', '762'])
  assert.deepEqual(ids('änder'), ['3242'])
  assert.deepEqual(ids('collection 9'), ['9'])
  assert.deepEqual(ids('nothing like it'), [])
  assert.deepEqual(ids('.*'), [])
})

test('says how many match and how many there are', () => {
  const { rows, matching, all } = list('foo')
  assert.deepEqual([rows.length, matching, all], [2, 2, 4])
})

test('shows a thousand rows at most, and counts the others', () => {
  const many = Array.from({ length: 1500 }, (_, index) => hits(String(1500 - index)))
  const { rows, matching, all } = list('', 'id', many)
  assert.deepEqual([rows.length, rows[0]?.collection, rows.at(-1)?.collection], [1000, '1', '1000'])
  assert.deepEqual([matching, all], [1500, 1500])
})

test('leaves the list it was given as it was', () => {
  const given = Object.freeze([hits('2'), hits('1')])
  listCollections(given, NAMES, { q: '', sort: 'id' })
  assert.equal(given[0]?.collection, '2')
})

test('takes its known orders, and the page’s own where none is given', () => {
  for (const sort of COLLECTION_SORTS)
    assert.deepEqual(parseListQuery({ sort, q: 'x' }, 'name'), { q: 'x', sort })
  assert.deepEqual(parseListQuery({}, 'total'), { q: '', sort: 'total' })
})

test('refuses any other order, naming those it takes', () => {
  for (const sort of ['hits', 'Name', 'toString', ' name'])
    assert.throws(
      () => parseListQuery({ sort }, 'name'),
      (error) =>
        error instanceof PortalError &&
        error.code === 'bad_parameter' &&
        error.detail === 'sort: takes name, id, total, today, last.',
    )
})
