import type { Redis } from 'ioredis'
import { z } from 'zod'
import { answered } from './redis.ts'
import { narrowedTo } from './tokens.ts'

/**
 * Requests of devices for a token (RFC 8628), from the request to the token, for ten minutes at most. Both codes are kept
 * as digests alone.
 *
 *     device:<digest of the device code>     JSON, below
 *     device-user:<digest of the user code>  digest of the device code, until somebody has decided
 *     device-poll:<digest>                   '1' from one poll until the next may come
 *     device-wait:<digest>                   seconds added to the wait by polls that came too soon
 *
 * Two steps happen once, and each is one command that takes a key away: whoever takes the user code decides, and whoever
 * takes an approved request gets its token. Between the two the request is written, but never made anew (XX).
 */

export const DEVICE_SECONDS = 600

const requestSchema = z.object({
  /** What the device calls itself. */
  client: z.string(),
  /** The ids it asked for, or null for all that the person may read. */
  collections: narrowedTo,
  /** Where it asked from; empty where nobody told. */
  address: z.string(),
  createdAtMs: z.number(),
  decision: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('pending') }),
    z.object({ kind: z.literal('denied') }),
    z.object({
      kind: z.literal('approved'),
      sid: z.string(),
      issuer: z.string(),
      subject: z.string(),
      collections: narrowedTo,
      days: z.number(),
    }),
  ]),
})

export type DeviceRequest = Readonly<z.output<typeof requestSchema>>
export type DeviceDecision = DeviceRequest['decision']

const requestKey = (digest: string) => `device:${digest}`
const userKey = (digest: string) => `device-user:${digest}`
const pollKey = (digest: string) => `device-poll:${digest}`
const waitKey = (digest: string) => `device-wait:${digest}`

/**
 * Stores a request.
 * @returns false when its user code is taken by another one
 */
export async function writeDeviceRequest(
  redis: Redis,
  digests: { readonly device: string; readonly user: string },
  request: DeviceRequest,
): Promise<boolean> {
  const text = JSON.stringify(request)
  await answered(redis.set(requestKey(digests.device), text, 'EX', DEVICE_SECONDS))
  const taken = await answered(redis.set(userKey(digests.user), digests.device, 'EX', DEVICE_SECONDS, 'NX'))
  if (taken !== 'OK') await answered(redis.del(requestKey(digests.device)))
  return taken === 'OK'
}

/** @returns null when there is none: it expired, was used up, or never was */
export async function readDeviceRequest(redis: Redis, device: string): Promise<DeviceRequest | null> {
  return parseRequest(await answered(redis.get(requestKey(device))))
}

/** The request that waits for a decision under this user code, or null. */
export async function requestOfUser(redis: Redis, user: string): Promise<DeviceRequest | null> {
  const device = await answered(redis.get(userKey(user)))
  return device === null ? null : readDeviceRequest(redis, device)
}

/**
 * Writes the decision of whoever comes first.
 * @returns false when there is nothing to decide: the request expired, or somebody has decided
 */
export async function decideDeviceRequest(
  redis: Redis,
  user: string,
  decision: DeviceDecision,
): Promise<boolean> {
  const device = await answered(redis.getdel(userKey(user)))
  const request = device === null ? null : await readDeviceRequest(redis, device)
  if (device === null || !request) return false
  const text = JSON.stringify({ ...request, decision })
  return (await answered(redis.set(requestKey(device), text, 'KEEPTTL', 'XX'))) === 'OK'
}

/** Takes a request that was decided, once. @returns null when somebody took it before */
export async function takeDeviceRequest(redis: Redis, device: string): Promise<DeviceRequest | null> {
  const request = parseRequest(await answered(redis.getdel(requestKey(device))))
  await answered(Promise.all([redis.del(pollKey(device)), redis.del(waitKey(device))]))
  return request
}

/**
 * Counts a poll of a request that is not decided.
 * @param rules.intervalMs from one poll to the next
 * @param rules.addedSeconds to the wait for good, when a poll comes too soon
 * @returns whether it came too soon
 */
export async function isPolledTooSoon(
  redis: Redis,
  device: string,
  { intervalMs, addedSeconds }: { readonly intervalMs: number; readonly addedSeconds: number },
): Promise<boolean> {
  const added = Number((await answered(redis.get(waitKey(device)))) ?? '0')
  const waitMs = intervalMs + added * 1000
  if ((await answered(redis.set(pollKey(device), '1', 'PX', waitMs, 'NX'))) === 'OK') return false
  await answered(redis.incrby(waitKey(device), addedSeconds))
  await answered(redis.expire(waitKey(device), DEVICE_SECONDS))
  await answered(redis.set(pollKey(device), '1', 'PX', waitMs + addedSeconds * 1000))
  return true
}

function parseRequest(text: string | null): DeviceRequest | null {
  if (text === null) return null
  try {
    return requestSchema.safeParse(JSON.parse(text)).data ?? null
  } catch {
    // Not JSON: written by something else, and no request.
    return null
  }
}
