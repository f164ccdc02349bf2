import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  asPortalError,
  ERRORS,
  type ErrorCode,
  errorBody,
  errorReference,
  PortalError,
  RETRY_AFTER_SECONDS,
} from './errors.ts'

const CODES = Object.keys(ERRORS) as ErrorCode[]

for (const code of CODES)
  test(`${code} has a status, a fault and a text, and an error of it gives them`, () => {
    const { status, fault, text } = ERRORS[code]
    assert.ok(Number.isInteger(status) && status >= 400 && status <= 599)
    assert.ok(['user', 'environment', 'ours'].includes(fault))
    assert.match(text, /^[A-Z].*\.$/, 'sentences')
    const error = new PortalError(code)
    assert.deepEqual(
      [error.code, error.status, error.fault, error.publicMessage],
      [code, status, fault, text],
    )
  })

test('what a request did wrong is answered with 4xx, what is around the portal with 503, what is ours with 500', () => {
  const requestCodes: ErrorCode[] = ['bad_parameter', 'unauthenticated', 'cross_site', 'not_found']
  for (const code of requestCodes) assert.ok(ERRORS[code].status < 500 && ERRORS[code].fault === 'user', code)
  for (const code of CODES) {
    const { status, fault } = ERRORS[code]
    if (fault === 'environment') assert.equal(status, 503, code)
    if (fault === 'ours') assert.equal(status, 500, code)
    if (status < 500) assert.equal(fault, 'user', code)
  }
})

test('the statuses that the contract fixes are those', () => {
  const statuses = {
    bad_parameter: 400,
    unauthenticated: 401,
    not_found: 404,
    too_many: 429,
    store_unavailable: 503,
  } as const
  for (const [code, status] of Object.entries(statuses))
    assert.equal(ERRORS[code as ErrorCode].status, status)
})

test('no two codes share a text', () => {
  assert.equal(new Set(CODES.map((code) => ERRORS[code].text)).size, CODES.length)
})

test('the public message is the text and the detail, never the cause', () => {
  const cause = new Error('connect ECONNREFUSED redis://user:hunter2@10.0.0.9', { cause: 'deeper hunter2' })
  for (const code of CODES) {
    const error = new PortalError(code, { detail: 'limit: takes a number.', cause })
    assert.equal(error.publicMessage, `${ERRORS[code].text} limit: takes a number.`)
    const bare = new PortalError(code, { cause })
    assert.equal(bare.publicMessage, ERRORS[code].text)
    for (const shown of [bare.publicMessage, bare.message, JSON.stringify(errorBody(bare, '00ff'))])
      assert.doesNotMatch(shown, /hunter2|ECONNREFUSED/)
    assert.equal(bare.cause, cause)
  }
})

test('the message for logs leads with the code', () => {
  assert.equal(new PortalError('bad_parameter', { detail: 'from=x' }).message, 'bad_parameter: from=x')
  assert.equal(new PortalError('internal').message, 'internal')
  assert.match(String(new PortalError('internal')), /^PortalError: internal/)
})

test('anything thrown becomes an error of ours that keeps it as its cause, unless it is one of the table already', () => {
  const own = new PortalError('not_found')
  assert.equal(asPortalError(own), own)
  for (const thrown of [
    new TypeError('secret text'),
    'secret text',
    null,
    undefined,
    { code: 'not_found' },
  ]) {
    const error = asPortalError(thrown)
    assert.deepEqual([error.code, error.cause], ['internal', thrown])
    assert.doesNotMatch(error.publicMessage, /secret/)
  }
})

test('a body is the code, the public message and the reference', () => {
  assert.deepEqual(errorBody(new PortalError('not_found'), '0a1b'), {
    error: 'not_found',
    message: ERRORS.not_found.text,
    ref: '0a1b',
  })
})

test('a reference is always four hexadecimal digits', () => {
  assert.deepEqual(
    [0, 0.00002, 0.5, 0.9999999].map((value) => errorReference(() => value)),
    ['0000', '0001', '8000', 'ffff'],
  )
  assert.match(errorReference(), /^[0-9a-f]{4}$/)
})

test('a client is told to wait whole seconds', () => {
  assert.ok(Number.isInteger(RETRY_AFTER_SECONDS) && RETRY_AFTER_SECONDS > 0)
  assert.equal(new PortalError('store_unavailable').retryAfterSeconds, RETRY_AFTER_SECONDS)
  assert.equal(new PortalError('too_many', { retryAfterSeconds: 34 }).retryAfterSeconds, 34)
})
