import { type CollectionId, parseCollectionId } from '../collection-id.ts'
import { PortalError } from '../errors.ts'
import { type RawParameters, singleParameters } from '../explore/parameters.ts'
import { AUDIT_ACTIONS, type AuditAction, type AuditEntry } from './entry.ts'

/** Which entries a page of the audit was asked for; its address says all of it. */
export interface AuditQuery {
  readonly collection: CollectionId | null
  /** Stands in the name, or in `<issuer>|<subject>`, in any case; empty for everybody. */
  readonly person: string
  readonly action: AuditAction | null
  /** The id of the entry that the page goes on behind, or null for the newest. */
  readonly before: string | null
  readonly matches: (entry: AuditEntry) => boolean
}

const CURSOR = /^[1-9][0-9]{0,14}-[0-9]{1,15}$/

const isAction = (text: string): text is AuditAction => AUDIT_ACTIONS.some((action) => action === text)

/** @throws PortalError `bad_parameter`, naming the parameter and what it takes */
export function parseAuditQuery(raw: RawParameters): AuditQuery {
  const given = singleParameters(raw, ['collection', 'person', 'action', 'before'])
  const collection = given.collection === undefined ? null : parseCollectionId(given.collection.trim())
  if (given.collection !== undefined && collection === null)
    throw refusal('collection', 'an id of 1 to 20 digits that does not begin with 0')
  const { person = '', action = null } = given
  if (action !== null && !isAction(action)) throw refusal('action', `one of ${AUDIT_ACTIONS.join(', ')}`)
  const wanted = person.trim().toLowerCase()
  return {
    collection,
    person,
    action,
    before: parseAuditCursor(given.before),
    matches: (entry) =>
      (collection === null || entry.collection === collection) &&
      (action === null || entry.action === action) &&
      (entry.name.toLowerCase().includes(wanted) || entry.person.toLowerCase().includes(wanted)),
  }
}

/** @throws PortalError `bad_parameter` */
export function parseAuditCursor(text: string | undefined): string | null {
  if (text !== undefined && !CURSOR.test(text)) throw refusal('before', 'the value of a link of this page')
  return text ?? null
}

/** @returns the address of the same entries, from that one on. */
export function auditHref(path: string, query: AuditQuery, before?: string): string {
  const { collection, person, action } = query
  const search = new URLSearchParams({
    ...(collection === null ? {} : { collection }),
    ...(person === '' ? {} : { person }),
    ...(action === null ? {} : { action }),
    ...(before === undefined ? {} : { before }),
  })
  return search.size === 0 ? path : `${path}?${search}`
}

function refusal(name: string, takes: string): PortalError {
  return new PortalError('bad_parameter', { detail: `${name}: takes ${takes}.`, parameters: [name] })
}
