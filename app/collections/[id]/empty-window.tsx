import type { CollectionId } from '#lib/collection-id.ts'
import { type ExplorerQuery, explorerHref } from '#lib/explore/query.ts'
import { momentInWords, windowInWords } from '#lib/explore/time-text.ts'
import { type Clock, hourUpTo } from '#lib/explore/window.ts'

interface EmptyWindowProps {
  collection: CollectionId
  /** Highest second stored, or null when no line ever arrived. */
  newest: number | null
  /** First second that retention kept, or null where it never removed a line. */
  floor: number | null
  query: ExplorerQuery
  clock: Clock
}

/** What stands in place of the lines when the window holds none: where there are some. */
export function EmptyWindow({ collection, newest, floor, query, clock }: EmptyWindowProps) {
  return (
    <section className="card">
      <h2>No lines here</h2>
      <p>
        The store holds no line that is stamped within {windowInWords(query.window, query.zone)}.
        {query.window.fromMicros > clock.nowMs * 1000 && ' That is still to come.'}
      </p>
      {newest === null ? (
        <p>No line of this collection has arrived yet.</p>
      ) : floor !== null && newest < floor ? (
        <p>The newest line was of {momentInWords(newest * 1000, query.zone)}; none is kept any more.</p>
      ) : (
        <p>
          The newest line is of {momentInWords(newest * 1000, query.zone)}.{' '}
          <a href={explorerHref(collection, { ...query, window: hourUpTo(newest) })}>Go there</a>
        </p>
      )}
    </section>
  )
}
