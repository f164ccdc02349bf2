import type { Redis } from 'ioredis'
import { assertCollectionGrant, type CollectionGrant } from '../access/decide.ts'
import { floorKey, linesKey, segmentsKey } from './keys.ts'
import type { MicrosWindow } from './reading.ts'
import { answered, Script } from './redis.ts'
import { scoreText } from './score.ts'

/**
 * All lines of a window, in (score, member) order, each once, while lines are added and removed under the read. For
 * downloads of any size: what is handed out are the members as stored, since an object a line would cost more than the
 * reading.
 */

const streamLinesScript = new Script('stream-lines')

/**
 * Lines and bytes of one answer. Small on purpose: larger ones are no faster, keep Redis and the event loop from others
 * for longer, and what is still in use when the collector comes round twice it takes for long-lived.
 */
const PAGE_LINES = 1000
const PAGE_BYTES = 256 * 1024

interface StreamPage {
  readonly members: readonly Buffer[]
  readonly more: boolean
  /** Score of the last member, as Redis wrote it. */
  readonly lastScore: string
}

/**
 * The members of a window (see `lib/line/member.ts`), oldest first, in arrays of at most `pageLines`, none of them empty. The
 * next array is read while the caller works on the one before; a caller that stops asking stops the reading.
 * @throws PortalError `store_unavailable`, `store_refused`; what was read last and is gone without retention ends it too
 */
export async function* streamMembers(
  redis: Redis,
  grant: CollectionGrant,
  window: MicrosWindow,
  pageLines = PAGE_LINES,
): AsyncGenerator<readonly Buffer[], void, undefined> {
  assertCollectionGrant(grant)
  const keys = [linesKey, segmentsKey, floorKey].map((key) => key(grant.collection))
  const bounds = [scoreText(window.fromMicros), scoreText(window.toMicros), pageLines, PAGE_BYTES]
  const read = async (after: readonly (string | Buffer)[]): Promise<StreamPage> => {
    const reply = await answered(streamLinesScript.run(redis, keys, [...bounds, ...after]))
    // Emptied: the client's command goes on holding its reply, and the collector takes commands for long-lived.
    const [more, lastScore, ...chunks] = (reply as unknown[]).splice(0) as [number, Buffer, ...Buffer[][]]
    return { members: chunks.flat(), more: more === 1, lastScore: lastScore.toString('latin1') }
  }
  let next: Promise<StreamPage> | null = read([])
  while (next) {
    const { members, more, lastScore }: StreamPage = await next
    const last = members.at(-1)
    // A copy: as part of the answer it would keep all of that in memory for as long as the next command.
    next = more && last ? read([lastScore, Buffer.from(last)]) : null
    // The page read ahead may fail while nobody waits for it; whoever asks for it next is told.
    next?.catch(() => undefined)
    if (members.length > 0) yield members
  }
}
