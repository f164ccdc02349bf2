import assert from 'node:assert/strict'
import { test } from 'node:test'
import { badValue } from './bad-value.ts'

const detail = (value: string) => badValue('from', value, 'takes T').detail

test('names the parameter, the value and why', () => {
  assert.equal(badValue('from', 'soon', 'takes T').code, 'bad_parameter')
  assert.equal(detail('soon'), 'from=soon: takes T.')
})

test('repeats at most 60 characters, and cuts none in two', () => {
  assert.equal(detail('x'.repeat(60)), `from=${'x'.repeat(60)}: takes T.`)
  assert.equal(detail('x'.repeat(65_536)), `from=${'x'.repeat(60)}…: takes T.`)
  assert.equal(detail('😀'.repeat(61)), `from=${'😀'.repeat(60)}…: takes T.`)
})

test('what would steer a terminal or a page is spelled out', () => {
  assert.equal(detail('a\u001b[31m\u202e\n\ud800'), 'from=a\\u{1b}[31m\\u{202e}\\u{a}\\u{d800}: takes T.')
})
