import 'server-only'
import { headers } from 'next/headers'
import type { AuditEvent } from '#lib/audit/entry.ts'
import { context } from './context.ts'
import { clientAddressOf } from './page-status.ts'

/**
 * Writes an entry of the audit: on standard output before this returns, and to Redis behind it. Nobody has to wait for
 * that: a page that did would be later by the time of one answer, and what Redis does not take is said in the log.
 *
 *     audit({ action: 'token', person: viewer.session, address: await requestAddress(), detail: 'made' })
 */
export function audit(event: AuditEvent): void {
  void context().audit.record(event)
}

/** The address that the page or route being made was asked for from; for {@link audit}. */
export async function requestAddress(): Promise<string> {
  return clientAddressOf({ headers: await headers() })
}
