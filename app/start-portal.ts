import { asPortalError } from '#lib/errors.ts'
import { context } from './context.ts'
import { logLine } from './fault-report.ts'
import { watchResponses } from './page-status.ts'

const EXIT_SETTINGS = 2

/**
 * Makes what the process shares, before the first request. Bad settings or a broken access file end the process, loudly:
 * Next.js would log a throw and keep a server that answers every request with 500.
 */
export function startPortal(): void {
  try {
    const { provider, settings } = context()
    watchResponses(settings.trustProxy)
    if (settings.publicOrigin.startsWith('https:') && settings.trustProxy === '')
      logLine(
        'TRUST_PROXY is not set: all people behind the proxy that speaks https count as one address, in the audit and for limits',
      )
    // Early, so that the first page already knows the provider's origins; its absence is no reason not to start.
    void provider.metadata()
  } catch (thrown) {
    const error = asPortalError(thrown)
    process.stderr.write(`${error.publicMessage}\n`)
    process.exit(EXIT_SETTINGS)
  }
}
