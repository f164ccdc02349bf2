import { randomBytes } from 'node:crypto'
import { BuildError, buildPortal } from '../../lib/build.ts'
import { endChild, ended, shellExitCode } from '../../lib/child-process.ts'
import { PortalError } from '../../lib/errors.ts'
import { parseListenSettings } from '../../lib/settings.ts'
import { stopExitCode, watchForStop } from '../../lib/stop-signal.ts'
import { ensureProgram, MissingProgramError } from '../../lib/system-package.ts'
import { AddressError, chooseAddresses, type DemoAddresses } from './addresses.ts'
import {
  keepProviderState,
  keptProviderKeys,
  keptProviderState,
  keptSecret,
  markRunning,
  prepareDataFolder,
  REDIS_FOLDER,
  runningDemo,
  unmarkRunning,
} from './data-folder.ts'
import { feedLive, loadHistory } from './feed.ts'
import { type IdentityProvider, startIdentityProvider } from './identity-provider.ts'
import { type KeptRedis, keepRedis } from './kept-redis.ts'
import { keepMaintained } from './maintenance.ts'
import { DIST_DIR, startPortal, untilHealthy } from './portal-process.ts'
import { DEMO_SOURCES } from './traffic.ts'
import { historyLine, welcome } from './welcome.ts'

/**
 * The demo: everything that the portal needs, made up on this machine. Private Redis, identity provider, a day of
 * traffic and then a live one through the real `ingest`, and the portal itself as it runs in production.
 *
 * Whatever is started puts its end onto one stack, which is unwound last in, first out, however the demo ends.
 */

const USAGE_EXIT = 2
const HISTORY_SECONDS = 86_400
const PORTAL_GRACE_MS = 4_000
const CLIENT_ID = 'log-portal-demo'

/** Nothing to be done but to tell the person; exit code 2. */
class RunningAlreadyError extends Error {
  override readonly name = 'RunningAlreadyError'
}

function log(line: string): void {
  process.stderr.write(`${line}\n`)
}

async function openRedis(
  { redisPort, portal }: DemoAddresses,
  stack: AsyncDisposableStack,
): Promise<KeptRedis> {
  const redis = await keepRedis({ port: redisPort, directory: REDIS_FOLDER, persist: true }, log)
  stack.defer(() => redis.stop())
  await markRunning({ redisUrl: redis.url, pid: process.pid, address: portal })
  stack.defer(unmarkRunning)
  return redis
}

async function openProvider(
  { providerPort, portal }: DemoAddresses,
  clientSecret: string,
  stack: AsyncDisposableStack,
): Promise<IdentityProvider> {
  const savedState = await keptProviderState()
  const provider = await startIdentityProvider({
    port: providerPort,
    clientId: CLIENT_ID,
    clientSecret,
    redirectUris: [`${portal}/api/auth/callback/oidc`],
    postLogoutRedirectUris: [`${portal}/signin`],
    backchannelLogoutUri: `${portal}/signout/backchannel`,
    jwks: await keptProviderKeys(),
    ...(savedState === undefined ? {} : { savedState }),
  })
  stack.defer(async () => {
    await provider.close()
    await keepProviderState(provider.saveState())
  })
  return provider
}

/** Builds the portal and stores the last day's lines at once; when one fails the other is ended too. */
async function prepare(redisUrl: string, untilSecond: number, signal: AbortSignal): Promise<void> {
  const failed = new AbortController()
  const either = AbortSignal.any([signal, failed.signal])
  const history = DEMO_SOURCES.map(async (source) => {
    const fromSecond = untilSecond - HISTORY_SECONDS
    log(historyLine(source, await loadHistory({ source, redisUrl, fromSecond, untilSecond, signal: either })))
  })
  const tasks = [buildPortal({ distDir: DIST_DIR, log, signal: either }), ...history]
  // The first to fail is the cause; the others end because of it.
  let cause: unknown
  for (const task of tasks)
    task.catch((error) => {
      cause ??= error
      failed.abort()
    })
  await Promise.allSettled(tasks)
  signal.throwIfAborted()
  if (cause !== undefined) throw cause
}

/**
 * Runs the demo until the portal ends or the signal is aborted.
 * @returns the portal's exit code
 */
async function run(stack: AsyncDisposableStack, signal: AbortSignal): Promise<number> {
  const addresses = await chooseAddresses(parseListenSettings(process.env))
  await prepareDataFolder()
  const other = await runningDemo()
  if (other)
    throw new RunningAlreadyError(`The demo runs already, at ${other.address} (process ${other.pid}).`)
  await ensureProgram({ program: 'redis-server', aptPackage: 'redis-server', log })
  signal.throwIfAborted()

  const clientSecret = randomBytes(32).toString('base64url')
  const redis = await openRedis(addresses, stack)
  const provider = await openProvider(addresses, clientSecret, stack)
  const nowSecond = Math.floor(Date.now() / 1000)
  await prepare(redis.url, nowSecond, signal)

  const ending = new AbortController()
  const either = AbortSignal.any([signal, ending.signal])
  const running = [
    ...DEMO_SOURCES.map((source) =>
      feedLive({ source, redisUrl: redis.url, fromSecond: nowSecond, signal: either, log }),
    ),
    keepMaintained({ redisUrl: redis.url, signal: either, log }),
  ]
  stack.defer(async () => {
    ending.abort()
    await Promise.all(running)
  })
  const secret = await keptSecret()
  const portal = startPortal({
    addresses,
    redisUrl: redis.url,
    issuer: provider.issuer,
    clientId: CLIENT_ID,
    clientSecret,
    secret,
  })
  stack.defer(async () => {
    await endChild(portal, { graceMs: PORTAL_GRACE_MS })
  })
  const portalEnd = ended(portal)
  await untilHealthy(portal, addresses, signal)
  process.stdout.write(welcome(addresses, provider.issuer, redis.url))

  const stopped = new Promise<null>((resolve) => signal.addEventListener('abort', () => resolve(null)))
  const end = await Promise.race([portalEnd, stopped])
  if (end === null) return 0
  log(`The portal ended by itself (exit code ${shellExitCode(end)}).`)
  return shellExitCode(end) || 1
}

/** What to say about a demo that did not start, and its exit code. */
function report(error: unknown): number {
  if (error instanceof PortalError && error.code === 'bad_settings') log(error.detail ?? error.message)
  else if (
    error instanceof AddressError ||
    error instanceof RunningAlreadyError ||
    error instanceof MissingProgramError
  )
    log(error.message)
  else {
    const detail = error instanceof BuildError ? error.message : ((error as Error)?.stack ?? String(error))
    log(`The demo did not start: ${detail}`)
    return 1
  }
  return USAGE_EXIT
}

const stop = watchForStop()
const stack = new AsyncDisposableStack()
let exitCode: number
try {
  exitCode = await run(stack, stop.signal)
} catch (error) {
  exitCode = stop.signal.aborted ? 0 : report(error)
} finally {
  await stack.disposeAsync()
}
process.exitCode = stop.signal.aborted ? stopExitCode(await stop.requested) : exitCode
