import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { PROJECT_ROOT } from '../../lib/build.ts'
import { isRunning, spawnBound } from '../../lib/child-process.ts'
import { portalArguments, portalEnvironment } from '../../lib/portal-command.ts'
import type { DemoAddresses } from './addresses.ts'

/** The portal of the demo: the production server with production settings, all made up here. */

export const DIST_DIR = '.next'
const ACCESS_FILE = join(PROJECT_ROOT, 'e2e/demo/access.yaml')
const READY_TIMEOUT_MS = 60_000
const RETRY_MS = 100

export interface PortalProcessOptions {
  readonly addresses: DemoAddresses
  readonly redisUrl: string
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  readonly secret: string
}

/** Starts `next start`; {@link untilHealthy} waits for it. */
export function startPortal(options: PortalProcessOptions): ChildProcess {
  const { host, portalPort, portal } = options.addresses
  const settings = {
    ...process.env,
    REDIS_URL: options.redisUrl,
    OIDC_ISSUER: options.issuer,
    OIDC_CLIENT_ID: options.clientId,
    OIDC_CLIENT_SECRET: options.clientSecret,
    OIDC_NAME: "the demo's sign-in",
    NEXTAUTH_URL: portal,
    NEXTAUTH_SECRET: options.secret,
    ACCESS_FILE,
  }
  return spawnBound(process.execPath, portalArguments({ host, port: portalPort }), {
    cwd: PROJECT_ROOT,
    // Standard output is where the portal writes its audit, as in production.
    stdio: ['ignore', 'inherit', 'inherit'],
    ownGroup: true,
    deathSignal: 'KILL',
    env: portalEnvironment(settings, DIST_DIR),
  })
}

/**
 * Resolves when `/healthz` answers 200.
 * @throws Error when the portal ends before, does not get there within a minute, or the signal is aborted
 */
export async function untilHealthy(
  child: ChildProcess,
  { portal }: DemoAddresses,
  signal: AbortSignal,
): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS
  let last = 'no answer'
  while (Date.now() < deadline) {
    signal.throwIfAborted()
    if (!isRunning(child)) throw new Error('the portal ended before it was ready')
    try {
      const response = await fetch(`${portal}/healthz`, { signal: AbortSignal.timeout(5_000) })
      if (response.status === 200) return
      last = `${response.status} ${await response.text()}`
    } catch (error) {
      // Not listening yet.
      last = String(error)
    }
    await delay(RETRY_MS)
  }
  throw new Error(`the portal was not ready within ${READY_TIMEOUT_MS / 1000} s; /healthz: ${last}`)
}
