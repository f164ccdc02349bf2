import 'server-only'
import type { PortalError } from '#lib/errors.ts'
import { addressKey } from '#lib/limits/address-key.ts'
import { HELD_RETRY_SECONDS, Held, MAX_DOWNLOADS_AT_ONCE, MAX_REQUESTS_AT_ONCE } from '#lib/limits/held.ts'
import { createRateLimits, type LimitName, type RateLimits, tooMany } from '#lib/limits/rate-limits.ts'
import { breakWhenStalled } from '#lib/limits/stalled.ts'
import type { Session } from '#lib/session/current.ts'
import { context } from './context.ts'
import { logLine } from './fault-report.ts'
import { type AnswerUnderWay, answerUnderWay, clientAddressOf } from './page-status.ts'

/**
 * The one place that says who asks too often. Pages and data pass it with their session (`viewer.ts`), the routes of the
 * sign-in with the address they are asked from. What it refuses is `too_many`, with the time after which it is allowed.
 */

interface Shared {
  readonly rates: RateLimits
  readonly requests: Held
  readonly downloads: Held
  /** What was said of an answer: a page and a form's action on it are one request. */
  readonly counted: WeakMap<object, Promise<PortalError | null>>
}

const SHARED = Symbol.for('log-portal.limits')

/** On `globalThis`: pages and routes have copies of this module of their own, and have to count together. */
function shared(): Shared {
  const there = globalThis as { [SHARED]?: Shared }
  there[SHARED] ??= {
    rates: createRateLimits(context().redis),
    requests: new Held(MAX_REQUESTS_AT_ONCE),
    downloads: new Held(MAX_DOWNLOADS_AT_ONCE),
    counted: new WeakMap(),
  }
  return there[SHARED]
}

/** What is counted by address. */
export type AddressLimit = Extract<LimitName, 'signIns' | 'callbacks' | 'logouts' | 'strangers'>

type Asked = Parameters<typeof clientAddressOf>[0]

/**
 * One request of a session, for as long as it is not answered.
 * @returns why it is refused; it is for the caller to throw, when it knows that the session is one
 */
export async function admitSession(asked: Asked, sid: string): Promise<PortalError | null> {
  const answer = answerUnderWay(asked)
  if (!answer) return refused('requests', sid)
  const { counted } = shared()
  const admission = counted.get(answer.identity) ?? admitOnce(answer, sid)
  counted.set(answer.identity, admission)
  return admission
}

async function admitOnce(answer: AnswerUnderWay, sid: string): Promise<PortalError | null> {
  const giveBack = shared().requests.take(sid)
  if (!giveBack) return tooMany(HELD_RETRY_SECONDS)
  answer.whenOver(giveBack)
  return refused('requests', sid)
}

/** @throws PortalError `too_many` for an address from which nobody in particular asks too often */
export async function admitStranger(asked: Asked): Promise<void> {
  await admitAddress('strangers', asked)
}

/** @throws PortalError `too_many` */
export async function admitAddress(name: AddressLimit, asked: Asked): Promise<void> {
  const refusal = await countAddress(name, asked)
  if (refusal) throw refusal
}

/** Counts without refusing what was done already. */
export async function countAddress(name: AddressLimit, asked: Asked): Promise<PortalError | null> {
  const address = clientAddressOf(asked)
  return address === '' ? null : refused(name, addressKey(address), ` from ${address}`)
}

/**
 * A download that is about to begin. Its place is given back when the answer is through or the reader is gone, and taken
 * back from a reader that takes nothing for a long time.
 * @throws PortalError `too_many`
 */
export async function admitDownload(asked: Asked, { issuer, subject }: Session): Promise<void> {
  const person = `${issuer}|${subject}`
  const refusal = await refused('downloads', person)
  if (refusal) throw refusal
  const answer = answerUnderWay(asked)
  if (!answer) return
  const giveBack = shared().downloads.take(person)
  if (!giveBack) throw tooMany(HELD_RETRY_SECONDS)
  const endWatch = breakWhenStalled({
    sentBytes: answer.sentBytes,
    breakOff() {
      logLine('a download was broken off: its reader took nothing for ten minutes')
      answer.breakOff()
    },
  })
  answer.whenOver(() => {
    endWatch()
    giveBack()
  })
}

async function refused(name: LimitName, who: string, whence = ''): Promise<PortalError | null> {
  const refusal = await shared().rates.take(name, who)
  if (!refusal) return null
  if (refusal.isFirst)
    logLine(`too many ${name}${whence}: refused for the next ${refusal.retryAfterSeconds} s`)
  return tooMany(refusal.retryAfterSeconds)
}
