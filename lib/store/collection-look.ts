import type { Redis } from 'ioredis'
import type { CollectionId } from '../collection-id.ts'
import { UnreadableIndex, WrongKeyType } from './collection-fault.ts'
import { archivingKey, countsKey, linesKey, segmentsKey } from './keys.ts'
import { answered, redisFault, Script, storeError } from './redis.ts'
import { runEach } from './run-each.ts'
import { microsOfScore, scoreText } from './score.ts'

const lookScript = new Script('look-collection')

/** Numbers of a collection as of one moment. */
export interface CollectionLook {
  readonly hits: number
  readonly removed: number
  readonly hotLines: number
  /** Hot lines before the moment asked about. */
  readonly settledLines: number
  readonly oldestHotMicros: number | null
  readonly sealedLines: number
  readonly firstSealedMicros: number | null
  readonly lastSealedMicros: number | null
  /** Changes with every change of the index; '' where nothing was ever sealed. */
  readonly indexWord: string
  /** Archives whose removal is under way, or was cut short. */
  readonly archives: number
}

export interface LookOptions {
  /** Null to count no settled lines. */
  readonly settledBeforeMicros: number | null
  /** What was seen last; it spares adding up an index that did not change. */
  readonly before?: (collection: CollectionId) => CollectionLook | undefined
}

/** A look, or what kept it from being taken: WrongKeyType, UnreadableIndex, an error of the client. */
export type Looked = { readonly look: CollectionLook } | { readonly error: unknown }

/**
 * Looks at many collections at once, in their order.
 * @throws PortalError `store_unavailable`, `store_refused`
 */
export async function lookAtCollections(
  redis: Redis,
  collections: readonly CollectionId[],
  { settledBeforeMicros, before = () => undefined }: LookOptions,
): Promise<Looked[]> {
  const score = settledBeforeMicros === null ? '' : scoreText(settledBeforeMicros)
  const calls = collections.map((id) => ({
    keys: [linesKey(id), segmentsKey(id), countsKey(id), archivingKey(id)],
    args: [score, before(id)?.indexWord ?? ''],
  }))
  const answers = await answered(runEach(redis, lookScript, calls))
  return collections.map((id, index) => {
    const [error, reply] = answers[index] ?? [new Error('no answer'), []]
    if (error) {
      if (redisFault(error) !== 'other') throw storeError(error)
      return { error }
    }
    try {
      return { look: lookOf(id, (reply as (string | number)[]).map(String), before(id)) }
    } catch (error) {
      return { error }
    }
  })
}

/** As {@link lookAtCollections}, one. @throws also WrongKeyType, UnreadableIndex */
export async function lookAtCollection(
  redis: Redis,
  collection: CollectionId,
  options: LookOptions,
): Promise<CollectionLook> {
  const [looked] = await lookAtCollections(redis, [collection], options)
  if (looked && 'look' in looked) return looked.look
  throw looked?.error
}

/** @throws WrongKeyType, UnreadableIndex */
function lookOf(
  collection: CollectionId,
  [verdict, ...details]: readonly string[],
  before: CollectionLook | undefined,
): CollectionLook {
  if (verdict === 'type') throw new WrongKeyType(details[0] ?? '', details[1] ?? '')
  if (verdict === 'entry')
    throw new UnreadableIndex(
      segmentsKey(collection),
      new RangeError(`not an entry of a segment index: ${details[0]}`),
    )
  const [hits, removed, indexWord = '', hot, settled, oldest, sealed, firstSealed, lastSealed, archives] =
    details
  return {
    hits: Number(hits),
    removed: Number(removed),
    hotLines: Number(hot),
    settledLines: Number(settled),
    oldestHotMicros: microsOrNull(oldest),
    sealedLines: sealed === '-1' ? (before?.sealedLines ?? 0) : Number(sealed),
    firstSealedMicros: microsOrNull(firstSealed),
    lastSealedMicros: microsOrNull(lastSealed),
    indexWord,
    archives: Number(archives),
  }
}

const microsOrNull = (score = '') => (score === '' ? null : microsOfScore(score))

/** @returns the fault in numbers, or null when all that was ever counted is there or was removed. */
export function unreconciled({ hits, removed, hotLines, sealedLines }: CollectionLook): string | null {
  const difference = hits - hotLines - sealedLines - removed
  if (difference === 0) return null
  return `${hits} lines were counted, but ${hotLines} hot + ${sealedLines} sealed + ${removed} removed are ${hits - difference}`
}
