import 'server-only'
import { openAccessSource } from '#lib/access/access-source.ts'
import { createProvider } from '#lib/session/provider.ts'
import { parsePortalSettings } from '#lib/settings.ts'
import { connectRedis } from '#lib/store/redis.ts'
import { logLine } from './fault-report.ts'
import { type PortalContext, shareContext, sharedContext } from './shared-context.ts'

/** A page answers within two seconds when Redis hangs; this leaves room for rendering the state in words. */
const COMMAND_TIMEOUT_MS = 1_500
/** While Redis is down the client tries again several times a second; the log says so once in this time. */
const REDIS_LOG_INTERVAL_MS = 30_000

/**
 * What the whole process shares, made at start.
 * @throws PortalError `bad_settings` or `bad_access_file`, at start only
 */
export function context(): PortalContext {
  return sharedContext() ?? shareContext(createContext())
}

function createContext(): PortalContext {
  const settings = parsePortalSettings(process.env)
  const access = openAccessSource({ path: settings.accessFile, log: logLine })
  return {
    settings,
    access,
    redis: connectRedis({
      url: settings.redisUrl,
      commandTimeoutMs: COMMAND_TIMEOUT_MS,
      onError: throttled((error) => logLine(`redis: ${(error as NodeJS.ErrnoException).code ?? error.name}`)),
    }),
    provider: createProvider(settings.oidc, logLine),
  }
}

function throttled(report: (error: Error) => void): (error: Error) => void {
  let quietUntilMs = 0
  return (error) => {
    if (Date.now() < quietUntilMs) return
    quietUntilMs = Date.now() + REDIS_LOG_INTERVAL_MS
    report(error)
  }
}
