import { PortalError } from '../errors.ts'
import type { MicrosWindow, PageStart } from '../store/reading.ts'
import { parseCursor } from './cursor.ts'
import { type RawParameters, singleParameters } from './parameters.ts'
import { type Clock, momentText, parseWindow } from './window.ts'

/** What an explorer page was asked for; its address says all of it. */
export interface ExplorerQuery {
  readonly window: MicrosWindow
  readonly start: PageStart
  /** Lines a page. */
  readonly limit: number
  /** `from` and `to` as they were given, so that a preset can be told. */
  readonly from: string | undefined
  readonly to: string | undefined
}

const DEFAULT_LIMIT = 200
const MAX_LIMIT = 1000
const PARAMETERS = ['from', 'to', 'after', 'before', 'limit'] as const

/** @throws PortalError `bad_parameter`, its detail naming the parameter and what it takes. */
export function parseExplorerQuery(raw: RawParameters, clock: Clock): ExplorerQuery {
  const { from, to, after, before, limit } = singleParameters(raw, PARAMETERS)
  if (after !== undefined && before !== undefined)
    throw new PortalError('bad_parameter', { detail: 'after and before cannot stand together.' })
  return {
    window: parseWindow(from, to, clock),
    start: startOf(after, before),
    limit: limit === undefined ? DEFAULT_LIMIT : parseLimit(limit),
    from,
    to,
  }
}

function startOf(after: string | undefined, before: string | undefined): PageStart {
  // The edges of a window are cursors of no line, spelled out.
  if (after === 'oldest') return { edge: 'oldest' }
  if (after !== undefined) return { after: parseCursor('after', after) }
  if (before !== undefined) return { before: parseCursor('before', before) }
  return { edge: 'newest' }
}

function parseLimit(text: string): number {
  const limit = /^[0-9]{1,4}$/.test(text) ? Number(text) : 0
  if (limit >= 1 && limit <= MAX_LIMIT) return limit
  throw new PortalError('bad_parameter', { detail: `limit: takes a number from 1 to ${MAX_LIMIT}.` })
}

/** @returns the address of a page of the same window, with its ends frozen, so that it does not move while one reads. */
export function explorerHref(
  collection: string,
  { window, limit }: Pick<ExplorerQuery, 'window' | 'limit'>,
  at: { after?: string; before?: string } = {},
): string {
  const query = new URLSearchParams({
    from: momentText(window.fromMicros),
    to: momentText(window.toMicros),
    ...at,
    ...(limit === DEFAULT_LIMIT ? {} : { limit: String(limit) }),
  })
  return `/collections/${collection}?${query}`
}
