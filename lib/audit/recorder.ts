import type { Redis } from 'ioredis'
import { asPortalError } from '../errors.ts'
import { addressKey } from '../limits/address-key.ts'
import { appendAudit } from '../store/audit.ts'
import { type AuditEvent, auditEntry, auditLine } from './entry.ts'
import { createFloodGate, type FloodGate } from './flood-gate.ts'

/**
 * Writes the audit: one line on standard output at once, and the same entry to Redis behind it.
 *
 * The line goes out first, whatever becomes of Redis. An entry that Redis did not take is said in the log, and the request
 * goes on: nothing is read without Redis anyway, so it can only be the entry of a read that was answered just before Redis
 * went away, of a refusal, or of a change of the access file, and the line tells of all these. To refuse what was read
 * already would take the wait for one more answer of Redis from every page.
 */

export interface AuditRecorder {
  /**
   * A refusal, and a sign-in that was refused, are counted past the first few (see `flood-gate.ts`).
   * @returns when Redis has the entry or did not take it; never rejects, so nobody has to wait for it
   */
  record(event: AuditEvent): Promise<void>
}

export interface AuditRecorderOptions {
  readonly redis: Redis
  /** Days that entries are kept. */
  readonly keepDays: number
  /** Takes one line with its end. */
  readonly print: (line: string) => void
  /** Takes one line for the log. */
  readonly log: (line: string) => void
  readonly now?: () => number
  readonly later?: (work: () => void, ms: number) => void
}

/** Of somebody who is signed in, by person. */
const DENIED = { each: 20, inAll: 100, kinds: 50 } as const
/**
 * Pages of lines, by person and collection: past these the line is printed alone, or whoever reloads a page all day would
 * push out what others did.
 */
const VIEWS = { each: 1_000, inAll: Number.POSITIVE_INFINITY, kinds: 10_000 } as const
/** Of anybody, by address. */
const REFUSED_SIGN_INS = { each: 10, inAll: 30, kinds: 20 } as const

export function createAuditRecorder(options: AuditRecorderOptions): AuditRecorder {
  const { redis, keepDays, print, log, now = Date.now, later } = options

  async function write(event: AuditEvent): Promise<void> {
    const entry = auditEntry(event, now())
    print(auditLine(entry))
    try {
      await appendAudit(redis, entry, keepDays)
    } catch (thrown) {
      const { code } = asPortalError(thrown)
      log(`audit: Redis did not take the entry of a ${entry.action} (${code}); it stands on standard output`)
    }
  }

  const gate = (limits: { each: number; inAll: number; kinds: number }, words: HeldWords) =>
    createFloodGate<AuditEvent>({
      ...limits,
      ...(later ? { later } : {}),
      onHeldBack: (first, held) => void write(heldBack(first, held, words)),
    })
  const gates = {
    denied: gate(DENIED, { action: 'denied', others: ' of other people' }),
    views: gate(VIEWS, { action: 'view', others: ' of other people' }),
    refusedSignIns: gate(REFUSED_SIGN_INS, {
      action: 'sign-in',
      before: 'refused: ',
      others: ' from other addresses',
    }),
  }

  return {
    async record(event) {
      const bound = boundOf(event, gates)
      const admission = bound ? bound.gate.admit(bound.kind, event) : 'admitted'
      if (admission === 'held back') {
        if (event.action === 'view') print(auditLine(auditEntry(event, now())))
        return
      }
      const more = admission === 'last' ? 'more within the hour are only counted' : ''
      await write({ ...event, detail: [event.detail, more].filter(Boolean).join('; ') })
    },
  }
}

/** What the entry about those that were held back says. */
interface HeldWords {
  readonly action: AuditEvent['action']
  readonly before?: string
  /** Whose they are that were not told apart. */
  readonly others: string
}

interface Gates {
  readonly views: FloodGate<AuditEvent>
  readonly denied: FloodGate<AuditEvent>
  readonly refusedSignIns: FloodGate<AuditEvent>
}

function boundOf(event: AuditEvent, { denied, views, refusedSignIns }: Gates) {
  const { action, person, address = '' } = event
  const who = `${person?.issuer}|${person?.subject}`
  if (action === 'denied') return { gate: denied, kind: who }
  if (action === 'view') return { gate: views, kind: `${who}|${event.collection ?? event.detail}` }
  // Nobody is known at a sign-in that was refused.
  return action === 'sign-in' && !person ? { gate: refusedSignIns, kind: addressKey(address) } : null
}

function heldBack(first: AuditEvent | null, held: number, words: HeldWords): AuditEvent {
  const { action, before = '', others } = words
  const where = action === 'view' ? ', on standard output alone' : ', not listed one by one'
  return {
    action,
    ...(first?.person ? { person: first.person } : {}),
    ...(first?.address ? { address: first.address } : {}),
    ...(first?.collection && action === 'view' ? { collection: first.collection } : {}),
    detail: `${before}${held} more${first ? '' : others} within an hour${where}`,
  }
}
