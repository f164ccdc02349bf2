import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { PROJECT_ROOT } from '../lib/build.ts'
import { endChild, isRunning, spawnBound } from '../lib/child-process.ts'
import { portalArguments, portalEnvironment } from '../lib/portal-command.ts'
import {
  type IdentityProvider,
  type IdentityProviderOptions,
  startIdentityProvider,
} from './demo/identity-provider.ts'
import { freePort, type RedisServer, startRedisServer } from './demo/redis-server.ts'

/** A portal of the tests' own: the production build with a real Redis and a real identity provider, all on free ports. */
export interface RunningPortal {
  /** `http://127.0.0.1:<port>` */
  readonly origin: string
  readonly redis: RedisServer
  readonly provider: IdentityProvider
  /** A copy of the demo's access file, which a test may change. */
  readonly accessFile: string
  /** The portal itself, to measure. */
  readonly pid: number
  /** What the portal wrote to standard error so far. */
  readonly log: () => string
  stop(): Promise<void>
}

export const TEST_BUILD = '.next-test'
const READY_MS = 60_000
const POLL_MS = 50

/** Starts Redis, the provider and `next start` on the build in {@link TEST_BUILD}; resolves when `/healthz` says 200. */
export async function startPortal(
  options: { provider?: Partial<IdentityProviderOptions>; env?: Record<string, string> } = {},
): Promise<RunningPortal> {
  const directory = await mkdtemp(join(tmpdir(), 'portal-test-'))
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const client = { clientId: 'portal', clientSecret: randomBytes(32).toString('hex') }
  const redis = await startRedisServer({})
  const provider = await startIdentityProvider({
    ...client,
    redirectUris: [`${origin}/api/auth/callback/oidc`],
    postLogoutRedirectUris: [`${origin}/signin`],
    backchannelLogoutUri: `${origin}/signout/backchannel`,
    ...options.provider,
  })
  const accessFile = join(directory, 'access.yaml')
  await copyFile(join(PROJECT_ROOT, 'e2e/demo/access.yaml'), accessFile)
  let log = ''
  const portal = spawnBound(process.execPath, portalArguments({ host: '127.0.0.1', port }), {
    cwd: PROJECT_ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    deathSignal: 'KILL',
    env: portalEnvironment(
      {
        PATH: process.env.PATH,
        TZ: 'UTC',
        REDIS_URL: redis.url,
        OIDC_ISSUER: provider.issuer,
        OIDC_CLIENT_ID: client.clientId,
        OIDC_CLIENT_SECRET: client.clientSecret,
        NEXTAUTH_URL: origin,
        NEXTAUTH_SECRET: randomBytes(32).toString('hex'),
        ACCESS_FILE: accessFile,
        ...options.env,
      },
      TEST_BUILD,
    ),
  })
  for (const stream of [portal.stdout, portal.stderr])
    stream?.on('data', (chunk: Buffer) => {
      log += chunk
    })
  const stop = async () => {
    await endChild(portal)
    await provider.close()
    await redis.stop()
    await rm(directory, { recursive: true, force: true })
  }
  try {
    await whenHealthy(origin, portal)
  } catch (error) {
    await stop()
    throw new Error(`the portal did not start:\n${log}`, { cause: error })
  }
  return { origin, redis, provider, accessFile, pid: portal.pid ?? 0, log: () => log, stop }
}

async function whenHealthy(origin: string, portal: ChildProcess): Promise<void> {
  const deadline = Date.now() + READY_MS
  for (;;) {
    const answer = await fetch(`${origin}/healthz`).catch(() => null)
    if (answer?.ok) return
    if (!isRunning(portal)) throw new Error('it ended')
    if (Date.now() > deadline) throw new Error(`no answer within ${READY_MS} ms`)
    await delay(POLL_MS)
  }
}
