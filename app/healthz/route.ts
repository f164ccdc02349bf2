import { asPortalError, RETRY_AFTER_SECONDS } from '#lib/errors.ts'
import { answered, pingStore } from '#lib/store/redis.ts'
import { context } from '../context.ts'
import { dataRoute } from '../data-route.ts'

/**
 * Whether pages can be served, for load balancers and monitoring; anonymous, so it names codes and nothing else. The
 * provider is not asked: its being away is no reason to take the portal out of service.
 */

interface Health {
  readonly status: 'ok' | 'degraded' | 'down'
  readonly reasons: readonly string[]
}

const HTTP_UNAVAILABLE = 503

export const GET = dataRoute(async () => {
  const health = await look()
  return health.status === 'down'
    ? Response.json(health, {
        status: HTTP_UNAVAILABLE,
        headers: { 'Retry-After': String(RETRY_AFTER_SECONDS) },
      })
    : Response.json(health)
})

async function look(): Promise<Health> {
  const { access, storeRisk } = context()
  const store = await storeFault()
  access.current()
  const reasons = [
    ...(store ? [store] : []),
    ...(storeRisk === null ? [] : ['store_may_evict']),
    ...(access.problem === null ? [] : ['access_file_broken']),
  ]
  return { status: store ? 'down' : reasons.length > 0 ? 'degraded' : 'ok', reasons }
}

/** Answers within the connection's command timeout, a second and a half, even when Redis hangs. */
async function storeFault(): Promise<string | null> {
  try {
    await answered(pingStore(context().redis))
    return null
  } catch (thrown) {
    return asPortalError(thrown).code
  }
}
