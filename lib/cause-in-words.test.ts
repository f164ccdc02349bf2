import assert from 'node:assert/strict'
import { test } from 'node:test'
import { causeInWords } from './cause-in-words.ts'

const SECRET = '192.0.2.7 - - [secret line]'

test('a cause is told with its code, its place and its own causes', () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:6379'), { code: 'ECONNREFUSED' })
  const words = causeInWords(new TypeError('fetch failed', { cause: refused }))
  assert.match(words, /TypeError, fetch failed, at .*ECONNREFUSED 127\.0\.0\.1:6379/)
  assert.equal(causeInWords(undefined), '')
})

test('what a command to Redis carried is left out', () => {
  const reply = Object.assign(new Error(`ERR unknown command 'X', with args beginning with: '${SECRET}'`), {
    name: 'ReplyError',
    command: { name: 'zadd', args: [SECRET] },
  })
  assert.match(causeInWords(reply), /ReplyError, ERR/)
  const failed = Object.assign(new Error(`failed at ${SECRET}`), { command: { name: 'set', args: [SECRET] } })
  for (const error of [reply, failed, new Error('wrapped', { cause: reply })])
    assert.ok(!causeInWords(error).includes('secret'))
})

test('what could not be parsed is left out', () => {
  try {
    JSON.parse(SECRET)
    assert.fail('that was JSON')
  } catch (error) {
    assert.match(causeInWords(error), /SyntaxError/)
    assert.ok(!causeInWords(error).includes('192'))
  }
})

test('a thrown value that is no error is told by its type alone', () => {
  assert.equal(causeInWords(SECRET), ' (string)')
})
