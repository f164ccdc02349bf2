import { PortalError } from '#lib/errors.ts'
import { formatNumber } from '#lib/explore/time-text.ts'

/** What a form that ends sessions leads back with: how many it ended. */

/**
 * @param text of the parameter `ended`
 * @returns null where there is none
 * @throws PortalError `bad_parameter`
 */
export function parseEnded(text: string | undefined): number | null {
  if (text === undefined) return null
  if (/^\d{1,6}$/.test(text)) return Number(text)
  throw new PortalError('bad_parameter', {
    detail: 'ended: takes a number of sessions.',
    parameters: ['ended'],
  })
}

export function EndedNotice({ ended, whose }: { ended: number; whose: 'yours' | 'theirs' }) {
  const whom = whose === 'yours' ? 'of yours' : 'of that person'
  return (
    <p role="status" className="notice">
      {ended === 0
        ? `No session ${whom} was left to end.`
        : ended === 1
          ? `1 session ${whom} was ended. The next request there leads to the sign-in.`
          : `${formatNumber(ended)} sessions ${whom} were ended. The next request there leads to the sign-in.`}
    </p>
  )
}
