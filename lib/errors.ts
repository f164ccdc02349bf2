/**
 * Every error the portal tells a person or a program about: its code, its HTTP status, whose fault it is and the words
 * for it. One class, one table; `errors.test.ts` holds the two together.
 */

/** Whose fault: the request's, something around the portal (Redis, the provider, a disk), or the portal's own. */
export type Fault = 'user' | 'environment' | 'ours'

interface ErrorEntry {
  readonly status: number
  readonly fault: Fault
  /** What a person reads. Says what happened, whether something was lost, and what to do. */
  readonly text: string
}

export const ERRORS = {
  bad_parameter: { status: 400, fault: 'user', text: 'Something that was asked for is not understood.' },
  unauthenticated: { status: 401, fault: 'user', text: 'Sign in to read this.' },
  cross_site: { status: 403, fault: 'user', text: 'This request came from another site and was refused.' },
  not_found: {
    status: 404,
    fault: 'user',
    text: 'There is no such page, or it is not yours to read.',
  },
  too_many: {
    status: 429,
    fault: 'user',
    text: 'This is more at once, or in a short time, than one person or one address may ask for. Nothing was lost.',
  },
  bad_usage: { status: 400, fault: 'user', text: 'The command is not understood.' },
  bad_settings: { status: 500, fault: 'user', text: 'The settings are not complete, or not usable.' },
  bad_access_file: { status: 500, fault: 'user', text: 'The access file has a mistake.' },
  internal: { status: 500, fault: 'ours', text: 'The portal made a mistake. Nothing was lost. Try again.' },
  store_unavailable: {
    status: 503,
    fault: 'environment',
    text: 'The log store did not answer. Nothing was lost. Try again.',
  },
  store_refused: {
    status: 503,
    fault: 'environment',
    text: 'The log store refused the portal. Nothing was lost. An operator has to look.',
  },
  lines_unreadable: {
    status: 503,
    fault: 'environment',
    text: 'Some lines could not be read; all others were given. An operator has to look.',
  },
  source_unavailable: {
    status: 503,
    fault: 'environment',
    text: 'The log could not be read further. What was read is stored.',
  },
  provider_unavailable: {
    status: 503,
    fault: 'environment',
    text: 'Single sign-on did not answer. Try again in a moment.',
  },
} as const satisfies Record<string, ErrorEntry>

export type ErrorCode = keyof typeof ERRORS

export interface PortalErrorOptions {
  /** Names the input and what is accepted; safe to show to the person who sent it. */
  readonly detail?: string
  /** Names of the parameters of an address that are at fault, so that a page can lead on without them. */
  readonly parameters?: readonly string[]
  /** When trying again helps, where that is known better than {@link RETRY_AFTER_SECONDS}. */
  readonly retryAfterSeconds?: number
  readonly cause?: unknown
}

/** Seconds after which a client may try again where nothing better is known, sent as `Retry-After` with 429 and 503. */
export const RETRY_AFTER_SECONDS = 5

/** The one error class of the portal. `message` is for logs; {@link publicMessage} is for people. */
export class PortalError extends Error {
  override readonly name = 'PortalError'
  readonly code: ErrorCode
  readonly detail: string | undefined
  readonly parameters: readonly string[]
  /** For `Retry-After`, with 429 and 503. */
  readonly retryAfterSeconds: number

  constructor(code: ErrorCode, options: PortalErrorOptions = {}) {
    super(options.detail ? `${code}: ${options.detail}` : code, { cause: options.cause })
    this.code = code
    this.detail = options.detail
    this.parameters = options.parameters ?? []
    this.retryAfterSeconds = options.retryAfterSeconds ?? RETRY_AFTER_SECONDS
  }

  get status(): number {
    return ERRORS[this.code].status
  }

  get fault(): Fault {
    return ERRORS[this.code].fault
  }

  /** What a person may read: the text of the code, and the detail where there is one. Never the cause. */
  get publicMessage(): string {
    return this.detail ? `${ERRORS[this.code].text} ${this.detail}` : ERRORS[this.code].text
  }
}

/** Turns anything thrown into a {@link PortalError}; what is not one already is a fault of ours. */
export function asPortalError(thrown: unknown): PortalError {
  return thrown instanceof PortalError ? thrown : new PortalError('internal', { cause: thrown })
}

/** @returns four hexadecimal digits that join what a person reports with a line in the log. */
export function errorReference(random: () => number = Math.random): string {
  return Math.floor(random() * 0x10000)
    .toString(16)
    .padStart(4, '0')
}

/** The JSON body of every data route's error, as fixed in the contract. */
export function errorBody(
  error: PortalError,
  ref: string,
): { error: ErrorCode; message: string; ref: string } {
  return { error: error.code, message: error.publicMessage, ref }
}
