import type { Redis } from 'ioredis'
import type { CollectionId } from '../collection-id.ts'
import { UnreadableIndex, WrongKeyType } from './collection-fault.ts'
import { countsKey, linesKey, segmentsKey } from './keys.ts'
import { answered, Script } from './redis.ts'
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
  /** Changes with every change of the index; '' where nothing was ever sealed. */
  readonly indexWord: string
}

/**
 * @param settledBeforeMicros null to count no settled lines
 * @param before what was seen last; it spares adding up an index that did not change
 * @throws WrongKeyType, UnreadableIndex; PortalError `store_unavailable`, `store_refused`
 */
export async function lookAtCollection(
  redis: Redis,
  collection: CollectionId,
  {
    settledBeforeMicros,
    before,
  }: { settledBeforeMicros: number | null; before?: CollectionLook | undefined },
): Promise<CollectionLook> {
  const keys = [linesKey(collection), segmentsKey(collection), countsKey(collection)]
  const score = settledBeforeMicros === null ? '' : scoreText(settledBeforeMicros)
  const reply = (await answered(lookScript.run(redis, keys, [score, before?.indexWord ?? '']))) as (
    | Buffer
    | number
  )[]
  const [verdict = '', ...details] = reply.map(String)
  if (verdict === 'type') throw new WrongKeyType(details[0] ?? '', details[1] ?? '')
  if (verdict === 'entry')
    throw new UnreadableIndex(
      segmentsKey(collection),
      new RangeError(`not an entry of a segment index: ${details[0]}`),
    )
  const [hits, removed, indexWord = '', hot, settled, oldest = '', sealed] = details
  return {
    hits: Number(hits),
    removed: Number(removed),
    hotLines: Number(hot),
    settledLines: Number(settled),
    oldestHotMicros: oldest === '' ? null : microsOfScore(oldest),
    sealedLines: sealed === '-1' ? (before?.sealedLines ?? 0) : Number(sealed),
    indexWord,
  }
}

/** @returns the fault in numbers, or null when all that was ever counted is there or was removed. */
export function unreconciled({ hits, removed, hotLines, sealedLines }: CollectionLook): string | null {
  const difference = hits - hotLines - sealedLines - removed
  if (difference === 0) return null
  return `${hits} lines were counted, but ${hotLines} hot + ${sealedLines} sealed + ${removed} removed are ${hits - difference}`
}
