import { PortalError } from './errors.ts'
import { parseRedisAddress, REDIS_URL_TAKEN } from './store/redis-url.ts'

/**
 * The one setting that every verb of `ingest` takes, read without the schemas of all the others: to load what those are
 * made with takes a third of the time in which `ingest` starts.
 */

export type Environment = Readonly<Record<string, string | undefined>>

/** A setting that is empty or blank is an absent one: that is how shells and unit files leave a value out. */
export function isGiven(value: string | undefined): value is string {
  return value !== undefined && value.trim() !== ''
}

/**
 * `REDIS_URL` as `ingest` needs it, or null when it is not set.
 * @throws PortalError `bad_settings`; the value is never repeated in it, since it may hold a password
 */
export function parseRedisUrl({ REDIS_URL: url }: Environment): string | null {
  if (!isGiven(url)) return null
  if (parseRedisAddress(url) === null)
    throw new PortalError('bad_settings', { detail: `REDIS_URL: ${REDIS_URL_TAKEN}` })
  return url
}
