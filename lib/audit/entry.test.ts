import assert from 'node:assert/strict'
import { test } from 'node:test'
import { collectionId } from '../../e2e/store-server.ts'
import { type AuditEvent, auditEntry, auditFields, auditLine, parseAuditFields } from './entry.ts'

const AT_MS = Date.UTC(2026, 10, 24, 14, 55)
const person = { issuer: 'https://sso.foo.com', subject: 'hr-owner', name: 'HR owner' }

const download: AuditEvent = {
  action: 'download',
  person,
  address: '192.0.2.7',
  collection: collectionId('12345678901234567890'),
  window: { fromMicros: AT_MS * 1000 - 1, toMicros: AT_MS * 1000 },
  filter: 'csv.gz',
  lines: 12,
  bytes: 3456,
  rule: 'the group /hr/owners, line 8 of the access file',
  detail: 'broken off',
}

test('a line of the audit is one JSON object with every field, null where there is none', () => {
  const line = auditLine(auditEntry(download, AT_MS))
  assert.equal(line.endsWith('}\n'), true)
  assert.deepEqual(JSON.parse(line), {
    audit: 'download',
    time: '2026-11-24T14:55:00.000Z',
    person: 'https://sso.foo.com|hr-owner',
    name: 'HR owner',
    address: '192.0.2.7',
    collection: '12345678901234567890',
    from: '2026-11-24T14:54:59.999Z',
    to: '2026-11-24T14:55:00.000Z',
    filter: 'csv.gz',
    lines: 12,
    bytes: 3456,
    rule: 'the group /hr/owners, line 8 of the access file',
    detail: 'broken off',
  })
  const { audit, time, ...others } = JSON.parse(auditLine(auditEntry({ action: 'sign-in' }, 0)))
  assert.deepEqual([audit, time], ['sign-in', '1970-01-01T00:00:00.000Z'])
  assert.deepEqual([...new Set(Object.values(others))], [null])
})

test('attempt 49: whatever is in its texts, it is one line and steers no terminal, and says what was there', () => {
  const name = 'a\r\n{"audit":"view"}\u001b[2J\u0085\u2028\u2029\u202e\u2066\u200b\u0000\u{e0001}\ud800"\\é漢'
  const line = auditLine(auditEntry({ action: 'view', person: { ...person, name }, rule: name }, AT_MS))
  assert.match(line, /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]+\n$/u)
  const { name: read, rule } = JSON.parse(line) as { name: string; rule: string }
  assert.deepEqual([read, rule], [name.toWellFormed(), name.toWellFormed()])
  assert.match(line, /é漢/)
})

test('a text of any length is cut to one that says so', () => {
  const long = '/group'.repeat(10_000)
  const {
    rule,
    name,
    person: key,
  } = auditEntry(
    {
      action: 'view',
      rule: long,
      person: { issuer: 'i', subject: 's'.repeat(255), name: '\u{1f600}'.repeat(400) },
    },
    AT_MS,
  )
  assert.equal(rule, `${long.slice(0, 299)}…`)
  assert.ok(name.isWellFormed() && name.endsWith('…') && name.length <= 300)
  assert.equal(key, `i|${'s'.repeat(255)}`)
})

test('an entry is read back from its fields as it was, and what is no entry is none', () => {
  for (const event of [download, { action: 'denied' }, { action: 'view', lines: 0 }] as const) {
    const entry = auditEntry(event, AT_MS)
    assert.deepEqual(parseAuditFields(auditFields(entry)), entry)
  }
  const fields = auditFields(auditEntry(download, AT_MS))
  assert.equal(parseAuditFields([]), null)
  assert.equal(parseAuditFields(fields.with(fields.indexOf('action') + 1, 'rename')), null)
  assert.equal(parseAuditFields(fields.with(fields.indexOf('lines') + 1, '-1')), null)
})

test('entries have the same fields in the same order, which a stream of Redis stores once', () => {
  const names = (event: AuditEvent) => auditFields(auditEntry(event, AT_MS)).filter((_, at) => at % 2 === 0)
  assert.deepEqual(names(download), names({ action: 'sign-out' }))
})
