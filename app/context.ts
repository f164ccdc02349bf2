import 'server-only'
import { openAccessSource } from '#lib/access/access-source.ts'
import { createAuditRecorder } from '#lib/audit/recorder.ts'
import { asPortalError } from '#lib/errors.ts'
import { createProvider } from '#lib/session/provider.ts'
import { parsePortalSettings } from '#lib/settings.ts'
import { connectRedis, refuseEvictingRedis } from '#lib/store/redis.ts'
import { logLine } from './fault-report.ts'
import { type PortalContext, shareContext, sharedContext } from './shared-context.ts'

/** A page answers within two seconds when Redis hangs; this leaves room for rendering the state in words. */
const COMMAND_TIMEOUT_MS = 1_500
/** While Redis is down the client tries again several times a second; the log says so once in this time. */
const REDIS_LOG_INTERVAL_MS = 30_000
const EXIT_STORE = 3

/**
 * What the whole process shares, made at start.
 * @throws PortalError `bad_settings` or `bad_access_file`, at start only
 */
export function context(): PortalContext {
  return sharedContext() ?? shareContext(createContext())
}

function createContext(): PortalContext {
  const settings = parsePortalSettings(process.env)
  const redis = connectRedis({
    url: settings.redisUrl,
    commandTimeoutMs: COMMAND_TIMEOUT_MS,
    onError: throttled((error) => logLine(`redis: ${(error as NodeJS.ErrnoException).code ?? error.name}`)),
  })
  // Without a listener a reader of standard output that went away would end the portal.
  process.stdout.on(
    'error',
    throttled((error) =>
      logLine(`audit: standard output: ${(error as NodeJS.ErrnoException).code ?? error.name}`),
    ),
  )
  const audit = createAuditRecorder({
    redis,
    keepDays: settings.auditDays,
    print: (line) => process.stdout.write(line),
    log: logLine,
  })
  const access = openAccessSource({
    path: settings.accessFile,
    log: logLine,
    onChange: (detail) => void audit.record({ action: 'policy reload', detail }),
  })
  const shared: PortalContext = {
    settings,
    audit,
    access,
    redis,
    provider: createProvider(settings.oidc, logLine),
    storeRisk: null,
  }
  watchStore(shared)
  return shared
}

/**
 * A Redis that may evict is refused at the start. Later, after a failover or a restart of it, the portal goes on, since
 * what is there can still be read, and says so in the log and on `/healthz`.
 */
function watchStore(shared: PortalContext): void {
  let isStart = true
  shared.redis.on('ready', async () => {
    try {
      await refuseEvictingRedis(shared.redis)
      shared.storeRisk = null
    } catch (thrown) {
      const error = asPortalError(thrown)
      if (error.code !== 'store_refused' || !error.detail) return
      shared.storeRisk = error.detail
      logLine(`redis: ${error.publicMessage}`)
      if (isStart) process.exit(EXIT_STORE)
    } finally {
      isStart = false
    }
  })
}

function throttled(report: (error: Error) => void): (error: Error) => void {
  let quietUntilMs = 0
  return (error) => {
    if (Date.now() < quietUntilMs) return
    quietUntilMs = Date.now() + REDIS_LOG_INTERVAL_MS
    report(error)
  }
}
