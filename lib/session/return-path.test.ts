import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { returnPath } from './return-path.ts'

const ORIGIN = 'https://logs.foo.com'

test('a page of the portal is where one goes back to', () => {
  for (const [wanted, path] of [
    ['/collections/1824?from=1h&q=a%20b', '/collections/1824?from=1h&q=a%20b'],
    [`${ORIGIN}/admin#top`, '/admin#top'],
    ['/', '/'],
    ['collections/1', '/collections/1'],
    ['/signing', '/signing'],
  ])
    assert.equal(returnPath(wanted, ORIGIN), path)
})

test('attempt 35: every other address leads home', () => {
  const elsewhere = [
    'https://evil',
    '//evil',
    '///evil',
    '/\\evil',
    '\\\\evil',
    '/\t/evil',
    '/\n/evil',
    '\t//evil',
    'https://logs.foo.com@evil',
    'https://user@logs.foo.com/',
    'https://logs.foo.com.evil',
    'https://logs.foo.com:444/',
    'http://logs.foo.com/',
    `${ORIGIN}//evil`,
    '/.//evil',
    'javascript:alert(1)',
    'data:text/html,x',
    'https://',
    '/signin?next=/signin',
    '/signout',
    '/api/auth/signin',
    '',
    `/${'a'.repeat(5_000)}`,
    undefined,
    null,
    ['/a'],
    7,
  ]
  for (const wanted of elsewhere) assert.equal(returnPath(wanted, ORIGIN), '/', String(wanted))
})

test('whatever is asked for, the way back is on the portal and can be asked for again', () => {
  const part = fc.constantFrom(
    '/',
    '\\',
    '@',
    ':',
    '?',
    '#',
    '.',
    '..',
    '%2f',
    'evil',
    ORIGIN,
    'https:',
    '\t',
    ' ',
    '‮',
  )
  const wanted = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(part).map((parts) => parts.join('')),
    fc.webUrl(),
  )
  fc.assert(
    fc.property(wanted, (wanted) => {
      const path = returnPath(wanted, ORIGIN)
      assert.match(path, /^\/(?!\/)/)
      assert.equal(new URL(path, ORIGIN).origin, ORIGIN)
      assert.equal(returnPath(path, ORIGIN), path)
    }),
    { numRuns: 1_000 },
  )
})
