import { createHash, randomBytes, randomInt } from 'node:crypto'
import { type CollectionId, parseCollectionId } from '../collection-id.ts'
import { asPortalError } from '../errors.ts'
import { addressKey } from '../limits/address-key.ts'
import { countTry, type Limit, uncountTry } from '../limits/tries.ts'
import {
  type DeviceDecision,
  type DeviceRequest,
  decideDeviceRequest,
  isPolledTooSoon,
  readDeviceRequest,
  requestOfUser,
  takeDeviceRequest,
  writeDeviceRequest,
} from '../store/device.ts'
import type { SessionDeps } from './current.ts'
import { type IssuedToken, issueToken, tokenName } from './token.ts'

/**
 * The device flow (RFC 8628), with the portal as the server: a script asks for two codes, its person types the short one
 * on `/device` and says yes, and the script, which polled with the long one meanwhile, is given a token like any other.
 *
 * The short code is guarded by how often it may be tried, since it is short: 20^8 codes, and ten tries in ten minutes.
 */

/** As RFC 8628, 6.1 proposes: consonants alone, so that no words come of it. */
const ALPHABET = 'BCDFGHJKLMNPQRSTVWXZ'
const USER_CODE_LETTERS = 8
const DEVICE_CODE_BYTES = 32
const DEVICE_CODE = /^[A-Za-z0-9_-]{43}$/
/** Two requests with one user code are as good as impossible; this ends the loop all the same. */
const MAX_DRAWS = 5
const MAX_SCOPE_IDS = 100

export const INTERVAL_SECONDS = 5
/** What a poll may be early by: a script that sleeps for the interval is not held to milliseconds. */
const EARLY_MS = 500

export const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:device_code'

const TEN_MINUTES = 600
export const USER_TRIES: Limit = { name: 'device-user', tries: 10, withinSeconds: TEN_MINUTES }
/** Many people may share an address. */
export const ADDRESS_TRIES: Limit = { name: 'device-address', tries: 100, withinSeconds: TEN_MINUTES }
const REQUESTS: Limit = { name: 'device-request', tries: 60, withinSeconds: TEN_MINUTES }

type Deps = Pick<SessionDeps, 'redis' | 'now'>

/** The errors of RFC 6749, 5.2 and RFC 8628, 3.5 that are used here. */
export type DeviceError =
  | 'invalid_request'
  | 'invalid_scope'
  | 'unsupported_grant_type'
  | 'invalid_grant'
  | 'authorization_pending'
  | 'slow_down'
  | 'access_denied'
  | 'expired_token'

export interface DeviceRefusal {
  readonly error: DeviceError
  readonly description: string
  /** Seconds after which to come again, where it is too many of them. */
  readonly retryAfterSeconds?: number
}

export interface DeviceCodes {
  readonly deviceCode: string
  /** As `BCDF-GHJK`. */
  readonly userCode: string
}

type Form = Readonly<Record<string, string>>

/**
 * Answers a device that asks for codes.
 * @param form `client_id`, what it calls itself; `scope`, ids separated by blanks, or nothing for all
 */
export async function startDevice(
  form: Form,
  address: string,
  deps: Deps,
): Promise<DeviceCodes | DeviceRefusal> {
  const client = tokenName(form.client_id ?? '')
  if (client === null)
    return refusal('invalid_request', 'client_id takes 1 to 64 characters in one line, such as a host name')
  const collections = scopeIds(form.scope ?? '')
  if (collections === undefined)
    return refusal(
      'invalid_scope',
      `scope takes at most ${MAX_SCOPE_IDS} ids of collections, or nothing for all`,
    )
  const waitSeconds = await countTry(deps.redis, REQUESTS, addressKey(address))
  if (waitSeconds !== null)
    return { ...refusal('slow_down', 'too many requests from your address'), retryAfterSeconds: waitSeconds }
  const request: DeviceRequest = {
    client,
    collections,
    address,
    createdAtMs: deps.now(),
    decision: { kind: 'pending' },
  }
  for (let draw = 0; draw < MAX_DRAWS; draw++) {
    const codes = {
      deviceCode: randomBytes(DEVICE_CODE_BYTES).toString('base64url'),
      userCode: drawUserCode(),
    }
    const digests = { device: digestOf(codes.deviceCode), user: digestOf(codes.userCode) }
    if (await writeDeviceRequest(deps.redis, digests, request)) return codes
  }
  throw new Error('no user code is free')
}

/** A device's poll for its token. */
export async function pollDevice(form: Form, deps: Deps): Promise<IssuedToken | DeviceRefusal> {
  const { grant_type: grantType, device_code: code = '', client_id: client = '' } = form
  if (grantType !== GRANT_TYPE) return refusal('unsupported_grant_type', `grant_type takes ${GRANT_TYPE}`)
  if (!DEVICE_CODE.test(code)) return refusal('invalid_grant', 'device_code is none of this portal')
  const digest = digestOf(code)
  const request = await readDeviceRequest(deps.redis, digest)
  if (!request) return GONE
  if (request.client !== tokenName(client))
    return refusal('invalid_grant', 'client_id is not the one that the code was given to')
  if (request.decision.kind !== 'pending') return redeem(digest, deps)
  const rules = { intervalMs: INTERVAL_SECONDS * 1000 - EARLY_MS, addedSeconds: INTERVAL_SECONDS }
  return (await isPolledTooSoon(deps.redis, digest, rules))
    ? refusal('slow_down', `wait ${INTERVAL_SECONDS} seconds longer between polls`)
    : refusal('authorization_pending', 'nobody has said yes or no yet')
}

/** The request is used up by this, whatever comes of it. */
async function redeem(digest: string, deps: Deps) {
  const request = await takeDeviceRequest(deps.redis, digest)
  if (!request) return GONE
  if (request.decision.kind !== 'approved') return refusal('access_denied', 'the person said no')
  const { sid, collections, days } = request.decision
  try {
    const issued = await issueToken(sid, { name: request.client, collections, days, origin: 'device' }, deps)
    return issued ?? refusal('access_denied', 'the sign-in of the person who said yes has ended')
  } catch (thrown) {
    const { code, detail } = asPortalError(thrown)
    if (code === 'bad_parameter') return refusal('access_denied', detail ?? 'no token could be made')
    throw thrown
  }
}

/** What a person tries a user code with; each of the two may try so often. */
export interface Trier {
  readonly sid: string
  readonly address: string
}

export type Found =
  | { readonly kind: 'found'; readonly request: DeviceRequest; readonly userCode: string }
  /** No such code, or not any more. */
  | { readonly kind: 'none' }
  | { readonly kind: 'too-many'; readonly waitSeconds: number }

/** The request that waits under a user code, however it is typed. */
export async function findDevice(typed: string, trier: Trier, deps: Deps): Promise<Found> {
  const tries = triesOf(trier)
  // Counted first, or any number of them at the same moment would pass.
  for (const [limit, whose] of tries) {
    const waitSeconds = await countTry(deps.redis, limit, whose)
    if (waitSeconds !== null) return { kind: 'too-many', waitSeconds }
  }
  const userCode = parseUserCode(typed)
  const request = userCode === null ? null : await requestOfUser(deps.redis, digestOf(userCode))
  if (userCode === null || request?.decision.kind !== 'pending') return { kind: 'none' }
  for (const [limit, whose] of tries) await uncountTry(deps.redis, limit, whose)
  return { kind: 'found', request, userCode }
}

/** @returns whether it was this that decided; false when the request is gone or somebody was before */
export async function decideDevice(
  userCode: string,
  decision: DeviceDecision,
  { redis }: Pick<Deps, 'redis'>,
): Promise<boolean> {
  return decideDeviceRequest(redis, digestOf(userCode), decision)
}

function triesOf({ sid, address }: Trier): readonly (readonly [Limit, string])[] {
  return [
    [USER_TRIES, sid],
    [ADDRESS_TRIES, addressKey(address)],
  ]
}

/** @returns as `BCDF-GHJK`; null for what is no user code. Case, blanks and dashes do not matter. */
export function parseUserCode(typed: string): string | null {
  const letters = typed.toUpperCase().replace(/[\s-]/g, '')
  if (letters.length !== USER_CODE_LETTERS || [...letters].some((one) => !ALPHABET.includes(one))) return null
  return `${letters.slice(0, 4)}-${letters.slice(4)}`
}

function drawUserCode(): string {
  const letters = Array.from({ length: USER_CODE_LETTERS }, () => ALPHABET[randomInt(ALPHABET.length)])
  return `${letters.slice(0, 4).join('')}-${letters.slice(4).join('')}`
}

/** @returns null for none, undefined for a text that is not taken */
function scopeIds(scope: string): readonly CollectionId[] | null | undefined {
  const texts = scope.split(' ').filter((text) => text !== '')
  if (texts.length === 0) return null
  const ids = texts.flatMap((text) => parseCollectionId(text) ?? [])
  return ids.length === texts.length && ids.length <= MAX_SCOPE_IDS ? [...new Set(ids)] : undefined
}

function refusal(error: DeviceError, description: string): DeviceRefusal {
  return { error, description }
}

const GONE = refusal('expired_token', 'the device code expired, was used, or never was')

function digestOf(code: string): string {
  return createHash('sha256').update(code).digest('base64url')
}
