import { PortalError } from '../errors.ts'
import type { Cursor, MicrosWindow, PageStart } from '../store/reading.ts'
import { cursorText, parseCursor } from './cursor.ts'
import { givenParameters, joinFaults, type RawParameters } from './parameters.ts'
import { parseZone } from './time-zone.ts'
import { type Clock, momentText, parseWindow } from './window.ts'

/** What an explorer page was asked for; its address says all of it. */
export interface ExplorerQuery {
  readonly window: MicrosWindow
  readonly start: ExplorerStart
  /** Lines a page. */
  readonly limit: number
  /** How the lines of a page stand; which lines a page has does not depend on it. */
  readonly order: LineOrder
  /** IANA name of the zone of all times on the page, and of those in the address that name none. */
  readonly zone: string
  /** `tz`, `from` and `to` as they were given, so that a choice can be marked. */
  readonly tz: string | undefined
  readonly from: string | undefined
  readonly to: string | undefined
}

/** A page of the window, or one line with those around it. */
export type ExplorerStart = PageStart | { readonly at: Cursor; readonly context: number | null }
export type LineOrder = 'asc' | 'desc'

const DEFAULT_LIMIT = 200
const MAX_LIMIT = 1000
const MAX_CONTEXT = 500
const PARAMETERS = ['from', 'to', 'after', 'before', 'at', 'context', 'order', 'limit', 'tz'] as const
type Given = Partial<Record<(typeof PARAMETERS)[number], string>>

/**
 * Reads every parameter for itself: what is not understood takes its default and is named in `fault`, so that a page can
 * keep the rest.
 * @param fault PortalError `bad_parameter`, naming each parameter at fault and what it takes; null where there is none.
 */
export function readExplorerQuery(
  raw: RawParameters,
  clock: Clock,
): { query: ExplorerQuery; fault: PortalError | null } {
  const { given, faults: unknown } = givenParameters(raw, PARAMETERS)
  const faults = [...unknown]
  const take = <T, Otherwise = T>(read: () => T, otherwise: Otherwise): T | Otherwise => {
    const tried = attempt(read)
    if (!tried.fault) return tried.value
    faults.push(tried.fault)
    return otherwise
  }
  const asked = take(() => parseZone(given.tz, clock.zone), null)
  const zone = asked ?? clock.zone
  const here = { ...clock, zone }
  const query: ExplorerQuery = {
    window: take(() => windowOf(given, here), nearestWindow(given, here)),
    start: take(() => startOf(given), { edge: 'newest' }),
    limit: take(
      () => wholeNumber('limit', given.limit, { from: 1, to: MAX_LIMIT }) ?? DEFAULT_LIMIT,
      DEFAULT_LIMIT,
    ),
    order: take(() => orderOf(given.order), 'asc'),
    zone,
    tz: asked === null ? undefined : given.tz,
    from: given.from,
    to: given.to,
  }
  return { query, fault: joinFaults(faults) }
}

const FALLBACK_MICROS = 3_600_000_000

/** Either the value, or the `bad_parameter` that says why there is none. */
type Tried<T> =
  | { readonly value: T; readonly fault: null }
  | { readonly value: null; readonly fault: PortalError }

function attempt<T>(read: () => T): Tried<T> {
  try {
    return { value: read(), fault: null }
  } catch (error) {
    if (error instanceof PortalError && error.code === 'bad_parameter') return { value: null, fault: error }
    throw error
  }
}

function windowOf({ from, to }: Given, clock: Clock): MicrosWindow {
  const { value, fault } = attempt(() => parseWindow(from, to, clock))
  if (!fault) return value
  const alone = [
    attempt(() => parseWindow(from, undefined, clock)),
    attempt(() => parseWindow('0', to, clock)),
  ]
  const each = alone.flatMap((tried) => (tried.fault ? [tried.fault.detail] : []))
  // One end without the other may be upside down again: the way on leaves both out.
  throw refusal(['from', 'to'], each.length === 2 ? each.join(' ') : (fault.detail ?? ''))
}

/** @returns a window that keeps whichever end is understood; the default one where neither is. */
function nearestWindow({ from, to }: Given, clock: Clock): MicrosWindow {
  const end = to === undefined ? null : attempt(() => parseWindow('0', to, clock)).value
  if (end) return { fromMicros: Math.max(0, end.toMicros - FALLBACK_MICROS), toMicros: end.toMicros }
  return attempt(() => parseWindow(from, undefined, clock)).value ?? parseWindow(undefined, undefined, clock)
}

function startOf({ after, before, at, context }: Given): ExplorerStart {
  const given = Object.entries({ after, before, at }).flatMap(([name, value]) =>
    value === undefined ? [] : [name],
  )
  if (given.length > 1) throw refusal(given, `${given.join(' and ')} cannot stand together.`)
  if (context !== undefined && at === undefined)
    throw refusal(['context'], 'context: goes with at, the line it is the context of.')
  // The edges of a window are cursors of no line, spelled out.
  if (after === 'oldest') return { edge: 'oldest' }
  if (after !== undefined) return { after: parseCursor('after', after) }
  if (before !== undefined) return { before: parseCursor('before', before) }
  if (at !== undefined)
    return {
      at: parseCursor('at', at),
      context: wholeNumber('context', context, { from: 0, to: MAX_CONTEXT }),
    }
  return { edge: 'newest' }
}

function orderOf(text: string | undefined): LineOrder {
  if (text === undefined || text === 'asc' || text === 'desc') return text ?? 'asc'
  throw refusal(['order'], 'order: takes asc or desc.')
}

function wholeNumber(
  name: string,
  text: string | undefined,
  bounds: { from: number; to: number },
): number | null {
  if (text === undefined) return null
  const value = /^[0-9]{1,6}$/.test(text) ? Number(text) : -1
  if (value >= bounds.from && value <= bounds.to) return value
  throw refusal([name], `${name}: takes a number from ${bounds.from} to ${bounds.to}.`)
}

function refusal(parameters: readonly string[], detail: string): PortalError {
  return new PortalError('bad_parameter', { detail, parameters })
}

/** What of a query goes on from page to page. */
export type ExplorerView = Pick<ExplorerQuery, 'window' | 'limit' | 'order' | 'tz'>

/** A page of the window by its cursor, or a line, alone or with those around it. */
export type ExplorerPlace =
  | { readonly after: string }
  | { readonly before: string }
  | { readonly at: string; readonly context?: string }

/** Whether the page is one line with those around it, whatever the window. */
export function isContext(start: ExplorerStart): boolean {
  return 'at' in start && start.context !== null
}

/** @returns what leads to the same page again, when only the way it is shown changes. */
export function placeOf(start: ExplorerStart): ExplorerPlace | undefined {
  if ('after' in start) return { after: cursorText(start.after) }
  if ('before' in start) return { before: cursorText(start.before) }
  if ('at' in start) {
    const at = cursorText(start.at)
    return start.context === null ? { at } : { at, context: String(start.context) }
  }
  return 'edge' in start && start.edge === 'oldest' ? { after: 'oldest' } : undefined
}

/** @returns the address of a page of the same window, with its ends frozen, so that it does not move while one reads. */
export function explorerHref(collection: string, view: ExplorerView, place?: ExplorerPlace): string {
  return `/collections/${collection}${explorerSearch(view, place)}`
}

/** The same as it may stand on the collection's own page, where it is shorter by the path. */
export function explorerSearch(view: ExplorerView, place?: ExplorerPlace): string {
  const { window } = view
  const ends = { from: momentText(window.fromMicros), to: momentText(window.toMicros) }
  return `?${new URLSearchParams({ ...ends, ...place, ...viewParameters(view) })}`
}

/** @returns the address of a window that `from` says in words, such as `1h`; it ends when it is asked for. */
export function windowHref(collection: string, view: ExplorerView, from: string): string {
  return `/collections/${collection}?${new URLSearchParams({ from, ...viewParameters(view) })}`
}

/** The parameters, beside window and place, that differ from what is meant without them. */
export function viewParameters({ limit, order, tz }: Omit<ExplorerView, 'window'>): Record<string, string> {
  return {
    ...(order === 'asc' ? {} : { order }),
    ...(limit === DEFAULT_LIMIT ? {} : { limit: String(limit) }),
    ...(tz === undefined || tz === 'server' ? {} : { tz }),
  }
}
