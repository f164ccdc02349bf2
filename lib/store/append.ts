import { Command, type Redis } from 'ioredis'
import type { CollectionId } from '../collection-id.ts'
import { PortalError } from '../errors.ts'
import { withoutSealed } from './append-sealed.ts'
import { atOnce } from './at-once.ts'
import { UnreadableIndex } from './collection-fault.ts'
import {
  arrivalsKey,
  countsKey,
  DIRTY_KEY,
  dayCountsKey,
  floorKey,
  KNOWN_KEY,
  knownField,
  linesKey,
  segmentsKey,
  sourcesKey,
} from './keys.ts'
import type { PackedLines } from './packed-lines.ts'
import { isNoScript, redisFault, Script } from './redis.ts'
import { isCluster } from './redis-client.ts'
import { type Descriptor, descriptorText } from './segment-descriptor.ts'
import { coveringOf, parseEntries } from './standing-segments.ts'

/**
 * The guarded append. Each group of lines is written by one script call that checks everything before it writes: what
 * retention removed, which segments cover the lines' seconds, whether a member stands already. A refusal says why; the
 * group is cut down to what is still to be stored and sent again. Sending a group twice therefore changes nothing, which
 * is what makes a lost answer harmless. Lines whose seconds a sealed segment covers are looked up in it first (see
 * `append-sealed.ts`) and sent again with its name.
 *
 * The lines' ids are marked dirty before and after the writes: before, so that a writer that dies leaves the mark; after,
 * so that a projector that took the first mark too early looks again. In a cluster the marks lie on another node than the
 * lines; there each step waits for the answers to the one before, which one connection's order spares elsewhere.
 */

const append = new Script('append')

/** Lines that the store does not take, and why. */
export interface Refusal {
  readonly lines: PackedLines
  readonly reason: string
}

export interface AppendOutcome {
  stored: number
  duplicates: number
  readonly refused: Refusal[]
}

/** Loads what {@link appendLines} runs; once a connection saves a refusal at each new server. */
export function loadAppendScript(redis: Redis): Promise<unknown> {
  return append.load(redis)
}

/** A call of the script, written from where its lines stand. The client's own way copies them twice. */
class AppendCall extends Command {
  readonly #bytes: Buffer
  readonly #key: string

  constructor(group: PackedLines) {
    // No arguments: what an error of the client carries along holds no log lines.
    super('EVALSHA', [], { replyEncoding: null })
    this.#bytes = group.command(frontOf(group))
    this.#key = linesKey(group.collection)
  }

  /** Where a cluster sends it; the client would look among the arguments. */
  override getKeys(): string[] {
    return [this.#key]
  }

  override toWritable(): Buffer {
    return this.#bytes
  }
}

/** Everything of a call before its lines, in the protocol's words (RESP). All of it is ASCII. */
function frontOf(group: PackedLines): string {
  const { source, firstSecond, lastSecond, byClass } = group
  let front = NAME_AND_KEYS
  for (const key of keysOf(group)) front += wordOf(key)
  front += wordOf(source) + wordOf(String(firstSecond)) + wordOf(String(lastSecond)) + wordOf('')
  for (const lines of byClass) front += wordOf(String(lines))
  return `${front}$${group.bytes.length}\r\n`
}

const KEYS = 7
/** Beside the keys: source, first and last second, descriptors, lines of six status classes, lines, their classes. */
const ARGUMENTS = 12
const NAME_AND_KEYS = `*${3 + KEYS + ARGUMENTS}\r\n${['EVALSHA', append.sha, String(KEYS)].map(wordOf).join('')}`

function wordOf(text: string): string {
  return `$${text.length}\r\n${text}\r\n`
}

function keysOf({ collection, day }: PackedLines): string[] {
  return [
    linesKey(collection),
    segmentsKey(collection),
    countsKey(collection),
    dayCountsKey(collection, day),
    sourcesKey(collection),
    floorKey(collection),
    arrivalsKey(collection),
  ]
}

/** Lines on their way, and the sealed segments that they were checked against. */
interface Pending {
  readonly group: PackedLines
  readonly known: readonly Descriptor[]
}

/** Sends one group. @returns the script's answer */
function send(redis: Redis, { group, known }: Pending): Promise<(Buffer | number)[]> {
  const texts = coveringOf(known, group).map(descriptorText)
  if (texts.length > 0) {
    // Late lines and logs sent again. The client's own way, since names of any number do not fit in front of the lines.
    const { source, firstSecond, lastSecond, byClass, bytes, classes } = group
    const args = [source, firstSecond, lastSecond, texts.join('\n'), ...byClass, bytes, classes]
    return append.run(redis, keysOf(group), args) as Promise<(Buffer | number)[]>
  }
  const call = new AppendCall(group)
  redis.sendCommand(call)
  return call.promise
}

/** By connection, the ids of which it was answered that `known:` has them; none of a cluster, whose nodes come and go. */
const knownOf = new WeakMap<Redis, Set<CollectionId>>()

/** @returns them for the connection as it is now: after another one, which may lead to another server, all is asked anew. */
function knownTo(redis: Redis): Set<CollectionId> {
  const kept = knownOf.get(redis)
  if (kept) return kept
  const known = new Set<CollectionId>()
  knownOf.set(redis, known)
  redis.on('close', () => known.clear())
  return known
}

const reasonOf = (settled: PromiseSettledResult<unknown> | undefined): unknown =>
  settled?.status === 'rejected' ? settled.reason : null

type Settled<T = unknown> = readonly PromiseSettledResult<T>[]

/** What became of the marks before the lines, of the lines in the order of `pending`, and of the mark after them. */
type Sent =
  | { before: Settled; answers: Settled<(Buffer | number)[]>; after: Settled }
  | { notMarked: unknown }

/**
 * Sends lines between their marks.
 * @param unknown those of `ids` of which it is not known that `known:` has them
 */
async function sendMarked(
  redis: Redis,
  pending: readonly Pending[],
  { ids, unknown }: { ids: readonly CollectionId[]; unknown: readonly CollectionId[] },
): Promise<Sent> {
  const mark = () =>
    Promise.allSettled([
      redis.sadd(DIRTY_KEY, [...ids]),
      ...unknown.map((id) => redis.hsetnx(KNOWN_KEY, knownField(id), 0)),
    ])
  const sendLines = () => Promise.allSettled(pending.map((one) => send(redis, one)))
  const markAgain = () => Promise.allSettled([redis.sadd(DIRTY_KEY, [...ids])])
  if (!isCluster(redis)) {
    // One after the other down the same connection, which answers them in this order.
    const all = atOnce(redis, () => Promise.all([mark(), sendLines(), markAgain()]))
    const [before, answers, after] = await all
    return { before, answers, after }
  }
  const before = await mark()
  const marks = before.map(reasonOf)
  const notMarked = marks[0] ?? marks.find((reason) => redisFault(reason) === 'passing') ?? null
  if (notMarked !== null) return { notMarked }
  const answers = await sendLines()
  return { before, answers, after: await markAgain() }
}

/**
 * Stores groups of lines, each exactly once.
 * @param outcome what happened is added to it as it happens, so that after an error it still tells what was done.
 * @returns the groups not yet stored, when an error of the connection or the server cut the work short, with that error;
 * they can be given again. An empty list when all is done.
 */
export async function appendLines(
  redis: Redis,
  groups: readonly PackedLines[],
  outcome: AppendOutcome,
): Promise<{ rest: PackedLines[]; error: unknown }> {
  const known = knownTo(redis)
  let pending: Pending[] = groups.map((group) => ({ group, known: [] }))
  while (pending.length > 0) {
    const ids = [...new Set(pending.map(({ group }) => group.collection))]
    const unknown = ids.filter((id) => !known.has(id))
    const sent = await sendMarked(redis, pending, { ids, unknown })
    if ('notMarked' in sent) return { rest: pending.map(({ group }) => group), error: sent.notMarked }
    const { before, answers, after } = sent
    const next: Pending[] = []
    const sealed: Sealed[] = []
    for (const [index, id] of unknown.entries())
      if (!isCluster(redis) && before[index + 1]?.status === 'fulfilled') known.add(id)
    let failed = reasonOf(before[0])
    let scriptMissing = false
    for (const [index, one] of pending.entries()) {
      const answer = answers[index]
      if (answer?.status === 'fulfilled') {
        const rest = settle(one, answer.value, outcome)
        if (rest && 'covering' in rest) sealed.push(rest)
        else if (rest) next.push(rest)
      } else {
        next.push(one)
        if (isNoScript(answer?.reason)) scriptMissing = true
        else failed = answer?.reason
      }
    }
    // A mark that did not take leaves the projections behind, so it counts as unanswered although the lines are in.
    failed ??= reasonOf(after[0])
    failed ??= await checkSealed(redis, sealed, next, outcome)
    if (failed !== null) return { rest: [...next, ...sealed].map(({ group }) => group), error: failed }
    if (scriptMissing) {
      try {
        await append.load(redis)
      } catch (error) {
        return { rest: next.map(({ group }) => group), error }
      }
    }
    pending = next
  }
  return { rest: [], error: null }
}

/** Lines whose seconds sealed segments cover. */
interface Sealed extends Pending {
  readonly covering: readonly Descriptor[]
}

/**
 * Moves `sealed` to `next`, without the lines that stand in segments. @returns the error of the connection that cut it
 * short, or null
 */
async function checkSealed(
  redis: Redis,
  sealed: Sealed[],
  next: Pending[],
  outcome: AppendOutcome,
): Promise<unknown> {
  for (let one = sealed[0]; one; one = sealed[0]) {
    try {
      const { group, known, duplicates, refused } = await withoutSealed(redis, one.group, one)
      outcome.duplicates += duplicates
      outcome.refused.push(...refused)
      if (group) next.push({ group, known })
      sealed.shift()
    } catch (error) {
      return error
    }
  }
  return null
}

/** Books one script answer. @returns what is left to send of the group, or null when it is settled. */
function settle(
  pending: Pending,
  [verdict, ...details]: readonly (Buffer | number)[],
  outcome: AppendOutcome,
): Pending | Sealed | null {
  const { group } = pending
  const rest = (keep: (place: number, second: number) => boolean) => ({
    ...pending,
    group: group.select(keep),
  })
  const refuse = (lines: PackedLines, reason: string) => void outcome.refused.push({ lines, reason })
  switch (String(verdict)) {
    case 'stored': {
      const added = Number(details[0])
      outcome.stored += added
      outcome.duplicates += group.count - added
      return null
    }
    case 'members': {
      const standing = new Set(details.map(Number))
      outcome.duplicates += standing.size
      return standing.size < group.count ? rest((place) => !standing.has(place)) : null
    }
    case 'segments':
      try {
        return { ...pending, covering: parseEntries(group.collection, details.map(String)) }
      } catch (error) {
        if (!(error instanceof UnreadableIndex)) throw error
        refuse(group, error.message)
        return null
      }
    case 'floor': {
      const floor = Number(String(details[0]))
      refuse(
        group.select((_, second) => second < floor),
        'below retention',
      )
      return group.lastSecond >= floor ? rest((_, second) => second >= floor) : null
    }
    case 'type':
      refuse(group, `the key ${String(details[0])} holds a ${String(details[1])}`)
      return null
    default:
      throw new PortalError('internal', { detail: `append.lua answered ${String(verdict)}` })
  }
}
