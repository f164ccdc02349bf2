import type { Redis } from 'ioredis'
import type { AccessSource } from '#lib/access/access-source.ts'
import type { AuditRecorder } from '#lib/audit/recorder.ts'
import type { Provider } from '#lib/session/provider.ts'
import type { PortalSettings } from '#lib/settings.ts'

/**
 * Where the process keeps what there is one of: settings, the connection to Redis, the access file, the provider.
 *
 * It is on `globalThis`, because the bundler gives pages, routes, the proxy and start-up each a copy of every module. For
 * the same reason what is kept here hands out plain values and throws nothing after start: an error of one copy is no
 * `instanceof` the class of another. This module alone imports nothing at run time, so that the proxy stays light.
 */
export interface PortalContext {
  readonly settings: PortalSettings
  readonly redis: Redis
  readonly access: AccessSource
  readonly provider: Provider
  readonly audit: AuditRecorder
  /** Why the store as it is set up may lose lines, or null; looked at with every connection to it. */
  storeRisk: string | null
}

const SHARED = Symbol.for('log-portal.context')

/** @returns undefined before start is through. */
export function sharedContext(): PortalContext | undefined {
  return (globalThis as { [SHARED]?: PortalContext })[SHARED]
}

export function shareContext(context: PortalContext): PortalContext {
  const shared = globalThis as { [SHARED]?: PortalContext }
  shared[SHARED] = context
  return context
}
