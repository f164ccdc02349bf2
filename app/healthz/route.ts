import { asPortalError } from '#lib/errors.ts'
import { answered } from '#lib/store/redis.ts'
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
  return Response.json(health, { status: health.status === 'down' ? HTTP_UNAVAILABLE : 200 })
})

async function look(): Promise<Health> {
  const { access } = context()
  const store = await storeFault()
  access.current()
  const reasons = [...(store ? [store] : []), ...(access.problem === null ? [] : ['access_file_broken'])]
  return { status: store ? 'down' : reasons.length > 0 ? 'degraded' : 'ok', reasons }
}

/** Answers within the connection's command timeout, a second and a half, even when Redis hangs. */
async function storeFault(): Promise<string | null> {
  try {
    await answered(context().redis.ping())
    return null
  } catch (thrown) {
    return asPortalError(thrown).code
  }
}
