import { unstable_rethrow } from 'next/navigation'
import { causeInWords } from '#lib/cause-in-words.ts'
import { asPortalError, errorReference, type PortalError } from '#lib/errors.ts'

/** Joins what a person reads with a line in the log, and keeps secrets and log lines out of both. */

export interface Fault {
  readonly error: PortalError
  /** Stands on the page and in the log. */
  readonly reference: string
}

const MAX_LOG_CHARACTERS = 500

/**
 * Turns what a page or a route caught into what it shows, and logs the cause where it is not the person's own mistake.
 * Next.js's own signals, such as a redirect, go through.
 */
export function reportFault(thrown: unknown): Fault {
  unstable_rethrow(thrown)
  const error = asPortalError(thrown)
  const reference = errorReference()
  if (error.fault !== 'user') logLine(`${reference} ${error.message}${causeInWords(error.cause)}`)
  return { error, reference }
}

/** One line on stderr, whatever is in `text`. */
export function logLine(text: string): void {
  const line = text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ').slice(0, MAX_LOG_CHARACTERS)
  process.stderr.write(`${new Date().toISOString()} portal: ${line}\n`)
}
