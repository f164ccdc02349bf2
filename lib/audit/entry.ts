import { z } from 'zod'
import { type CollectionId, parseCollectionId } from '../collection-id.ts'
import type { MicrosWindow } from '../store/reading.ts'

/**
 * One entry of the audit: who did what, when, from where. It holds what the portal made of a request (an id that is one,
 * a window, the rule that granted it), never the request's own text, so that no token, code or search of somebody's is in it.
 */

/** What is written down; an action that is not built is not named. */
export const AUDIT_ACTIONS = [
  'sign-in',
  'sign-out',
  'session end',
  'denied',
  'view',
  'download',
  'token',
  'policy reload',
] as const

export type AuditAction = (typeof AUDIT_ACTIONS)[number]

/** How a person is known, and what they are called. A session is one. */
export interface AuditPerson {
  readonly issuer: string
  readonly subject: string
  readonly name: string
}

/** What happened, as whoever saw it tells it; what is left out is not there. */
export interface AuditEvent {
  readonly action: AuditAction
  /** Null where nobody is known, as at a sign-in that was refused. */
  readonly person?: AuditPerson | null
  /** Where the request came from, see `client-address.ts`. */
  readonly address?: string
  readonly collection?: CollectionId | null
  readonly window?: MicrosWindow | null
  /** The form of a download, such as `csv.gz`. */
  readonly filter?: string
  readonly lines?: number
  /** Of the file that was handed out. */
  readonly bytes?: number
  /** Why it was granted, in the words of the grant. */
  readonly rule?: string
  /** What else there is to say, in the portal's own words. */
  readonly detail?: string
}

export interface AuditEntry {
  /** Epoch milliseconds. */
  readonly atMs: number
  readonly action: AuditAction
  /** `<issuer>|<subject>`, or empty. */
  readonly person: string
  readonly name: string
  readonly address: string
  readonly collection: CollectionId | null
  readonly window: MicrosWindow | null
  readonly filter: string
  readonly lines: number | null
  readonly bytes: number | null
  readonly rule: string
  readonly detail: string
}

/** A group or a name may be of any length, and an entry is kept for long; past it a text ends with `…`. */
const MAX_TEXT_CHARACTERS = 300
/** An issuer and the longest subject there is; two people cut to the same text would be one. */
const MAX_PERSON_CHARACTERS = 1_000
/** Names an admin, or the ids that a token is narrowed to. */
const MAX_DETAIL_CHARACTERS = 2_000

/** @returns the event as it is kept: every text cut to its length and whole characters of Unicode. */
export function auditEntry(event: AuditEvent, atMs: number): AuditEntry {
  const { action, person, collection = null, window = null, lines = null, bytes = null } = event
  return {
    atMs,
    action,
    person: person ? cut(`${person.issuer}|${person.subject}`, MAX_PERSON_CHARACTERS) : '',
    name: cut(person?.name),
    address: cut(event.address),
    collection,
    window,
    filter: cut(event.filter),
    lines,
    bytes,
    rule: cut(event.rule),
    detail: cut(event.detail, MAX_DETAIL_CHARACTERS),
  }
}

function cut(text = '', most = MAX_TEXT_CHARACTERS): string {
  return (text.length > most ? `${text.slice(0, most - 1)}…` : text).toWellFormed()
}

/** Controls, format characters (bidi overrides, zero-width), separators of lines, private use, unassigned. */
const STEERING = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]/gu

/**
 * The entry as one line of JSON with its end, for standard output. Whatever is in it, there is one line break, and no
 * character that would steer a terminal: those are written as `\uXXXX`, which a reader of JSON takes for the same.
 */
export function auditLine({ atMs, window, ...entry }: AuditEntry): string {
  const { action, person, name, address, collection, filter, lines, bytes, rule, detail } = entry
  const text = JSON.stringify({
    audit: action,
    time: new Date(atMs).toISOString(),
    person: person || null,
    name: name || null,
    address: address || null,
    collection,
    from: window && isoMoment(window.fromMicros),
    to: window && isoMoment(window.toMicros),
    filter: filter || null,
    lines,
    bytes,
    rule: rule || null,
    detail: detail || null,
  })
  return `${text.replace(STEERING, unicodeEscapes)}\n`
}

function unicodeEscapes(character: string): string {
  return Array.from(
    { length: character.length },
    (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
  ).join('')
}

/** Past what a date holds, which a window may be, the microseconds themselves. */
function isoMoment(micros: number): string {
  const date = new Date(micros / 1000)
  return Number.isNaN(date.getTime()) ? `${micros} microseconds` : date.toISOString()
}

const whole = z
  .string()
  .regex(/^[0-9]{1,17}$/)
  .transform(Number)
const nothing = z.literal('').transform(() => null)
const text = z.string().default('')

const fieldsSchema = z
  .object({
    at: whole,
    action: z.enum(AUDIT_ACTIONS),
    person: text,
    name: text,
    address: text,
    collection: text.transform(parseCollectionId),
    from: z.union([nothing, whole]),
    to: z.union([nothing, whole]),
    filter: text,
    lines: z.union([nothing, whole]),
    bytes: z.union([nothing, whole]),
    rule: text,
    detail: text,
  })
  .transform(
    ({ at, from, to, ...entry }): AuditEntry => ({
      ...entry,
      atMs: at,
      window: from === null || to === null ? null : { fromMicros: from, toMicros: to },
    }),
  )

/** @returns names and values in turn, as a stream of Redis takes them; always the same names, which it stores once. */
export function auditFields(entry: AuditEntry): string[] {
  const { atMs, window, ...rest } = entry
  const fields = {
    at: atMs,
    action: rest.action,
    person: rest.person,
    name: rest.name,
    address: rest.address,
    collection: rest.collection ?? '',
    from: window?.fromMicros ?? '',
    to: window?.toMicros ?? '',
    filter: rest.filter,
    lines: rest.lines ?? '',
    bytes: rest.bytes ?? '',
    rule: rest.rule,
    detail: rest.detail,
  }
  return Object.entries(fields).flatMap(([name, value]) => [name, String(value)])
}

/** @returns null for what is no entry. */
export function parseAuditFields(fields: readonly string[]): AuditEntry | null {
  const named: Record<string, string> = {}
  for (let at = 0; at < fields.length; at += 2) named[fields[at] ?? ''] = fields[at + 1] ?? ''
  return fieldsSchema.safeParse(named).data ?? null
}
