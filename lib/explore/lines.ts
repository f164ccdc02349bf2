import type { Redis } from 'ioredis'
import type { CollectionGrant } from '../access/decide.ts'
import { readClientFields } from '../store/client-fields.ts'
import { readGrantedHits } from '../store/counts.ts'
import { type Histogram, readHistogram } from '../store/histogram.ts'
import { EVERYTHING, type Page, readAround, readPage } from '../store/reading.ts'
import type { Gap } from '../store/sealed-reader.ts'
import { type ExplorerQuery, isContext } from './query.ts'
import { timeBuckets } from './time-buckets.ts'
import type { Clock } from './window.ts'

/** Bars of a histogram; some more where the window's ends cut two off. */
const HISTOGRAM_BARS = 60

export interface ExplorerHistogram extends Histogram {
  readonly stepMinutes: number
}

/** What an explorer page shows of the store. */
export interface ExplorerLines {
  /** Its gaps are also those of the histogram, each once. */
  readonly page: Page
  /** The place on the page of the one line it is about; null where there is none, or it is not to be found. */
  readonly target: number | null
  /** Of a window without lines: the highest second stored in the collection. Null when no line ever arrived, and elsewhere. */
  readonly newest: number | null
  readonly clientFields: ReadonlyMap<string, number>
  /** Null where the page is not about a window, or the window has no lines. */
  readonly histogram: ExplorerHistogram | null
}

/**
 * Reads what `query` asks for. The surroundings of a line are taken whatever the window.
 * @throws PortalError `store_unavailable`, `store_refused`
 */
export async function readExplorerLines(
  redis: Redis,
  grant: CollectionGrant,
  query: ExplorerQuery,
  clock: Clock,
): Promise<ExplorerLines> {
  // The histogram first: where it asks twice, the second time is while the lines are being put together.
  const [histogram, { page, place }, clientFields] = await Promise.all([
    isContext(query.start) ? null : readWindowHistogram(redis, grant, query),
    readLines(redis, grant, query),
    readClientFields(redis),
  ])
  const gaps = eachOnce([...page.gaps, ...(histogram?.gaps ?? [])])
  const [hits] = page.total === 0 ? await readGrantedHits(redis, [grant], clock.nowMs / 1000) : []
  return { page: { ...page, gaps }, target: place, newest: hits?.lastSeen ?? null, clientFields, histogram }
}

/** The page and the bars may come upon the same segment. */
function eachOnce(gaps: readonly Gap[]): Gap[] {
  const byStart = new Map(gaps.map((gap) => [gap.firstMicros, gap]))
  return [...byStart.values()].sort((a, b) => a.firstMicros - b.firstMicros)
}

async function readWindowHistogram(
  redis: Redis,
  grant: CollectionGrant,
  { window, zone }: ExplorerQuery,
): Promise<ExplorerHistogram | null> {
  let stepMinutes = 0
  const histogram = await readHistogram(redis, grant, window, (part) => {
    const buckets = timeBuckets(part, zone, HISTOGRAM_BARS)
    stepMinutes = buckets.stepMinutes
    return buckets.bounds
  })
  return histogram && { ...histogram, stepMinutes }
}

async function readLines(
  redis: Redis,
  grant: CollectionGrant,
  { start, window, limit }: ExplorerQuery,
): Promise<{ page: Page; place: number | null }> {
  if (!('at' in start)) return { page: await readPage(redis, grant, { window, start, limit }), place: null }
  const { at, context } = start
  const before = context ?? Math.floor((limit - 1) / 2)
  const page = await readAround(redis, grant, {
    window: context === null ? window : EVERYTHING,
    at,
    before,
    after: context ?? limit - 1 - before,
  })
  return { page, place: page.place }
}
