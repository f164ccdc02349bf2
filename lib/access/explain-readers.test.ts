import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCollectionId } from '../collection-id.ts'
import { parseAccessFile } from './access-file.ts'
import { readersOf, ungranted } from './explain-readers.ts'

const FILE = parseAccessFile(`collections:
  5: { name: Nobody's }
  1824: { name: Human Resources }
rules:
  - { group: /hr, collections: [1824, 1824, 762] }
  - { group: /m, collections: [9], maskAddresses: true }
  - { pattern: "/c-{id}" }
  - { group: /boss, collections: [1824] }`)

const PEOPLE = [
  { key: 'i|a', name: 'A', claims: { groups: ['/hr', '/boss'] } },
  { key: 'i|b', name: 'B', claims: { groups: ['/m', '/c-77'] } },
  { key: 'i|c', name: 'C', claims: null },
]

test('each collection has the rules that list it, and the people who read it with the rule they read it by', () => {
  const { collections, openRules } = readersOf(FILE, PEOPLE)
  assert.deepEqual(
    collections.map(({ collection, name, rules, readers }) => [
      collection,
      name,
      rules.map(({ line, masked }) => [line, masked]),
      readers.map((reader) => [reader.name, /line \d+/.exec(reader.rule)?.[0]]),
    ]),
    [
      ['5', "Nobody's", [], []],
      ['9', null, [[6, true]], [['B', 'line 6']]],
      ['77', null, [], [['B', 'line 7']]],
      ['762', null, [[5, false]], [['A', 'line 5']]],
      [
        '1824',
        'Human Resources',
        [
          [5, false],
          [8, false],
        ],
        [['A', 'line 5']],
      ],
    ],
  )
  assert.deepEqual(openRules, [
    { words: 'the group pattern /c-{id}, line 7 of the access file', line: 7, masked: false },
  ])
})

test('ungranted are the ids that no rule lists and nobody reads', () => {
  const all = ['5', '9', '77', '762', '1824', '4'].flatMap((text) => {
    const collection = parseCollectionId(text)
    return collection ? [{ collection }] : []
  })
  assert.deepEqual(
    ungranted(all, readersOf(FILE, PEOPLE)).map(({ collection }) => collection),
    ['5', '4'],
  )
})
