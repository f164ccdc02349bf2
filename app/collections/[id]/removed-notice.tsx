import type { ExplorerQuery } from '#lib/explore/query.ts'
import { isContext } from '#lib/explore/query.ts'
import { removalReasons } from '#lib/explore/removal-text.ts'
import { momentInWords } from '#lib/explore/time-text.ts'
import { EVERYTHING } from '#lib/store/reading.ts'
import type { Removal } from '#lib/store/removals.ts'
import { microsOfSecond, secondOfMicros } from '#lib/store/score.ts'

interface RemovedNoticeProps {
  /** First second that retention kept, or null where it never removed a line. */
  floor: number | null
  /** What it removed, the newest first. */
  removals: readonly Removal[]
  query: ExplorerQuery
  /** Whether lines of the window stand before the page's own. */
  hasOlder: boolean
}

/**
 * Says what retention removed wherever the page reaches below it, so that what is gone does not look as if it had never
 * been. The lines around one reach as far as there are lines, whatever the window.
 */
export function RemovedNotice({ floor, removals, query, hasOlder }: RemovedNoticeProps) {
  if (floor === null) return null
  const reachesBelow = isContext(query.start) ? !hasOlder : query.window.fromMicros < microsOfSecond(floor)
  if (!reachesBelow) return null
  const { fromMicros, toMicros } = isContext(query.start) ? EVERYTHING : query.window
  const seconds = { fromSecond: secondOfMicros(fromMicros), toSecond: secondOfMicros(toMicros - 1) + 1 }
  const reasons = removalReasons(removals, seconds)
  return (
    <p className="notice" role="note">
      Lines before {momentInWords(floor * 1000, query.zone)} were removed
      {reasons && ` (${reasons})`}.
    </p>
  )
}
