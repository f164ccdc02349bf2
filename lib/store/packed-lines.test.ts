import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { collectionId } from '../../e2e/store-server.ts'
import { PackedLines } from './packed-lines.ts'
import { LATEST_MICROS, scoreText } from './score.ts'

const newGroup = () => new PackedLines(collectionId('1824'), 'web1', '20261124')

function add(group: PackedLines, text: string, micros = 0): void {
  const from = Buffer.from(text)
  group.add({ from, start: 0, end: from.length, tag: '\tweb1', micros, statusClass: 2 })
}

test('a score is packed as its text, from 1970 to the latest there is', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: LATEST_MICROS }), (micros) => {
      const group = newGroup()
      add(group, 'a', micros)
      assert.equal(group.bytes.toString('latin1', 6, 23), scoreText(micros))
      assert.equal(group.lastSecond, Math.floor(micros / 1e6))
    }),
    { examples: [[0], [999_999], [1_000_000], [LATEST_MICROS]] },
  )
})

test('a command is what stands in front, the packed lines, their status classes and the ends of these', () => {
  const group = newGroup()
  // As many as the first buffers hold and more, so that what comes behind sometimes finds no room.
  for (let line = 0; line < 300; line++) {
    add(group, 'x'.repeat(line))
    const front = `$${group.bytes.length}\r\n`
    const classes = '2'.repeat(line + 1)
    const behind = `\r\n$${classes.length}\r\n${classes}\r\n`
    const expected = Buffer.concat([Buffer.from(front), group.bytes, Buffer.from(behind)])
    assert.ok(group.command(front).equals(expected))
  }
  assert.throws(() => group.command('x'.repeat(2000)), /2000 bytes/)
})

test('each line keeps its status class, also of those that are chosen, and they are counted', () => {
  const group = newGroup()
  const from = Buffer.from('a')
  for (let line = 0; line < 200; line++)
    group.add({ from, start: 0, end: 1, tag: `\tweb1#${line}`, micros: 0, statusClass: line % 6 })
  assert.equal(group.classes.toString('latin1', 0, 8), '01234501')
  assert.deepEqual([...group.byClass], [34, 34, 33, 33, 33, 33])
  const chosen = group.select((place) => place % 3 === 2)
  assert.deepEqual([...chosen.byClass], [0, 0, 33, 0, 0, 33])
  assert.equal(chosen.classes.toString('latin1'), '25'.repeat(33))
  group.release()
  assert.deepEqual([...group.byClass], [0, 0, 0, 0, 0, 0])
  add(group, 'again')
  assert.deepEqual([group.classes.toString(), [...group.members()].map(String)], ['2', ['again\tweb1']])
})

test('the length of a member is written in full, up to the longest line', () => {
  const group = newGroup()
  for (const length of [0, 255, 256, 65_536, 1024 * 1024]) add(group, 'y'.repeat(length))
  assert.deepEqual(
    [...group.members()].map(({ length }) => length - '\tweb1'.length),
    [0, 255, 256, 65_536, 1024 * 1024],
  )
})

test('memory that was released is used again and shows nothing of what was in it', () => {
  const first = newGroup()
  for (let line = 0; line < 100; line++) add(first, 'secret')
  first.release()
  assert.deepEqual([first.count, first.bytes.length], [0, 0])
  const second = newGroup()
  const other = newGroup()
  add(second, 'mine')
  add(other, 'yours')
  assert.deepEqual(
    [second, other].map((group) => group.bytes.toString('latin1', 28)),
    ['mine\tweb1', 'yours\tweb1'],
  )
})
