import assert from 'node:assert/strict'
import { test } from 'node:test'
import { collectionId } from '../../e2e/store-server.ts'
import { type AuditEvent, auditEntry } from './entry.ts'
import { auditHref, parseAuditCursor, parseAuditQuery } from './query.ts'

const owner = { issuer: 'https://sso.foo.com', subject: 'hr-owner', name: 'HR owner' }
const events: Record<string, AuditEvent> = {
  view: { action: 'view', person: owner, collection: collectionId('1824') },
  other: {
    action: 'view',
    person: { ...owner, subject: 'web-owner', name: 'Web owner' },
    collection: collectionId('762'),
  },
  refused: { action: 'sign-in' },
}

function matching(raw: Record<string, string>): string[] {
  const { matches } = parseAuditQuery(raw)
  return Object.entries(events).flatMap(([name, event]) => (matches(auditEntry(event, 0)) ? [name] : []))
}

test('entries are found by collection, action, and a person’s name or key in any case', () => {
  assert.deepEqual(matching({}), ['view', 'other', 'refused'])
  assert.deepEqual(matching({ collection: ' 1824 ' }), ['view'])
  assert.deepEqual(matching({ action: 'view' }), ['view', 'other'])
  assert.deepEqual(matching({ person: 'HR OWN' }), ['view'])
  assert.deepEqual(matching({ person: 'foo.com|w' }), ['other'])
  assert.deepEqual(matching({ person: 'hr own', collection: '762' }), [])
})

test('what is asked for stands in the address of older entries', () => {
  const query = parseAuditQuery({ collection: '1824', person: 'a&b', action: 'session end', before: '1-0' })
  assert.equal(query.before, '1-0')
  assert.equal(auditHref('/x', query, '5-1'), '/x?collection=1824&person=a%26b&action=session+end&before=5-1')
  assert.equal(auditHref('/x', parseAuditQuery({})), '/x')
})

test('a bad value is named together with what is taken', () => {
  const bad: [Record<string, string>, RegExp][] = [
    [{ collection: '0101' }, /collection: takes an id/],
    [{ action: 'rename' }, /action: takes one of sign-in, /],
    [{ before: '-' }, /before: takes/],
    [{ before: '0-0' }, /before: takes/],
    [{ colour: 'red' }, /'colour' is not a parameter/],
  ]
  for (const [raw, detail] of bad)
    assert.throws(() => parseAuditQuery(raw), { code: 'bad_parameter', message: detail })
  assert.throws(() => parseAuditCursor('1-0 +'), { code: 'bad_parameter' })
  assert.equal(parseAuditCursor(undefined), null)
})
