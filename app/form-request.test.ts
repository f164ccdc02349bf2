import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSameOrigin, readForm } from './form-request.ts'

const ORIGIN = 'https://logs.foo.com'

test('a request counts as one of our pages only when the browser says so and nothing speaks against it', () => {
  const cases: readonly [Record<string, string>, boolean][] = [
    [{ origin: ORIGIN }, true],
    [{ 'sec-fetch-site': 'same-origin' }, true],
    [{ origin: ORIGIN, 'sec-fetch-site': 'same-origin' }, true],
    [{}, false],
    [{ origin: 'null' }, false],
    [{ origin: 'https://evil' }, false],
    [{ origin: 'https://logs.foo.com.evil' }, false],
    [{ origin: 'http://logs.foo.com' }, false],
    [{ 'sec-fetch-site': 'cross-site' }, false],
    [{ 'sec-fetch-site': 'same-site' }, false],
    [{ 'sec-fetch-site': 'none' }, false],
    [{ origin: ORIGIN, 'sec-fetch-site': 'cross-site' }, false],
    [{ origin: 'https://evil', 'sec-fetch-site': 'same-origin' }, false],
  ]
  for (const [headers, expected] of cases)
    assert.equal(isSameOrigin(new Headers(headers), ORIGIN), expected, JSON.stringify(headers))
})

const post = (body: string, type: string) =>
  new Request(ORIGIN, { method: 'POST', body, headers: { 'content-type': type } })

test('fields of forms and of flat JSON are read', async () => {
  const form = 'application/x-www-form-urlencoded;charset=UTF-8'
  assert.deepEqual(await readForm(post('next=%2Fa%26b&x=1', form)), { next: '/a&b', x: '1' })
  assert.deepEqual(await readForm(post('{"a":"b","n":7}', 'application/json')), { a: 'b' })
  assert.deepEqual(await readForm(new Request(ORIGIN, { method: 'POST' })), {})
})

test('other bodies and long ones are not', async () => {
  assert.equal(await readForm(post('[1]', 'application/json')), null)
  assert.equal(await readForm(post('{', 'application/json')), null)
  assert.equal(await readForm(post('a=b', 'text/plain')), null)
  assert.equal(await readForm(post(`a=${'x'.repeat(20_000)}`, 'application/x-www-form-urlencoded')), null)
})
