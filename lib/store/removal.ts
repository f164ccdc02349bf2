import type { Redis } from 'ioredis'
import type { CollectionId } from '../collection-id.ts'
import { PortalError } from '../errors.ts'
import { encodeSegment } from '../segment/format.ts'
import { firstAtOrAfter, type SegmentLines } from '../segment/lines.ts'
import { GivenUp, takeBackArchive, writeArchive } from './archive.ts'
import { WrongKeyType } from './collection-fault.ts'
import { describeSegment, newName, UNCOMMITTED_SECONDS } from './commit.ts'
import { evenWhenFull } from './even-when-full.ts'
import { archivingKey, countsKey, floorKey, linesKey, removalsKey, segmentKey, segmentsKey } from './keys.ts'
import { answered, Script } from './redis.ts'
import { linesFrom, readHotBelow, textInOrder } from './removal-lines.ts'
import type { RemovalReason } from './removals.ts'
import { planStep, type Removable, type StepPlan } from './retention-plan.ts'
import { microsOfSecond, secondOfMicros } from './score.ts'
import { type Descriptor, descriptorText, parseDescriptor } from './segment-descriptor.ts'
import { fetchStanding } from './standing-segments.ts'
import { reached } from './storage-points.ts'

/**
 * One step of removal: the oldest whole seconds of a collection below a cut, at most what the bounds below let through.
 *
 * It looks (`removal-plan.lua`), writes the lines to an archive where there is one, writes the rest of a segment that has
 * lines on both sides of the floor, and then `remove.lua` looks again at everything the step was computed from and
 * removes. Hot lines below the floor can be added meanwhile, and a merge can take them into segments: the script makes
 * sure by a digest that the lines that go are those that were archived, and no others. Lock or no lock, two steps at once
 * cannot both remove a line.
 */

const planScript = new Script('removal-plan')
const removeScript = new Script('remove')

/** At most so much goes in one step, and stands in memory for it; but the oldest second goes whole. */
const STEP_SEGMENTS = 16
const STEP_HOT_LINES = 16_384
const STEP_HOT_BYTES = 16 * 1024 * 1024

export interface StepOptions {
  readonly redis: Redis
  readonly collection: CollectionId
  /** Lines of earlier seconds are to go. */
  readonly cutSecond: number
  readonly reason: RemovalReason
  /** Days of retention, where that is the reason. */
  readonly days: number | null
  readonly nowSeconds: number
  /** `ARCHIVE_DIR`, or null to keep nothing. */
  readonly archiveDir: string | null
}

export type StepOutcome =
  /** No line lies below the cut. */
  | { readonly kind: 'nothing' }
  | { readonly kind: 'removed'; readonly lines: number }
  /** Somebody else wrote meanwhile. */
  | { readonly kind: 'again' }

interface Found extends Removable {
  /** Whether nothing lies from the limit to the cut. */
  readonly isLast: boolean
}

/** What is left of the segment across the floor. */
interface Rest {
  readonly descriptor: Descriptor
  readonly body: Buffer
}

/**
 * @throws UnreadableSegment for a segment whose lines are needed: to be archived, or to be divided; ArchiveFault;
 * WrongKeyType; PortalError `store_unavailable`, `store_refused`: the step may or may not have been done, and doing it again
 * is harmless. In all other cases nothing was removed.
 */
export async function removeStep(options: StepOptions): Promise<StepOutcome> {
  const { redis, collection, cutSecond } = options
  const found = await findBelow(redis, collection, cutSecond)
  if (found === null) return { kind: 'nothing' }
  const plan = planStep(found, STEP_SEGMENTS)
  const acrossLines = plan.across && (await fetchStanding(redis, collection, plan.across))
  if (plan.across && !acrossLines) return { kind: 'again' }
  const keptFrom = acrossLines ? firstAtOrAfter(acrossLines.micros, microsOfSecond(plan.floorSecond)) : 0
  const keptSecond = acrossLines ? secondOfMicros(acrossLines.micros[keptFrom] ?? 0) : cutSecond
  // Where no line is left below the cut, that is the floor, also when the lines that went were much older.
  const isDone = found.isLast && plan.floorSecond === found.limitSecond && keptSecond >= cutSecond
  const step = { ...plan, floorSecond: isDone ? cutSecond : plan.floorSecond, acrossLines, keptFrom }

  let archive: Archived | null
  try {
    archive = await archiveStep(options, step, found.oldestSecond)
  } catch (error) {
    if (error instanceof Replaced || error instanceof GivenUp) return { kind: 'again' }
    throw error
  }
  const rest = acrossLines && plan.across ? encodeRest(plan.across, linesFrom(acrossLines, keptFrom)) : null
  if (rest)
    await answered(
      evenWhenFull(redis, [
        'set',
        segmentKey(collection, rest.descriptor.name),
        rest.body,
        'EX',
        UNCOMMITTED_SECONDS,
      ]),
    )
  let outcome: StepOutcome
  try {
    outcome = await remove(options, { step, rest, firstSecond: found.oldestSecond, archive })
  } catch (error) {
    if (error instanceof WrongKeyType) await takeBack(options, rest, archive)
    throw error
  }
  if (outcome.kind === 'removed') reached('after removal', collection)
  else await takeBack(options, rest, archive)
  return outcome
}

/** Where the lines of a step were archived. */
interface Archived {
  readonly name: string
  readonly path: string
  readonly folder: string
  /** Of the hot lines, as `remove.lua` makes it. */
  readonly digest: string
}

/**
 * @returns null where nothing is kept of what is removed
 * @throws Replaced, GivenUp; as {@link removeStep}
 */
async function archiveStep(options: StepOptions, step: Step, firstSecond: number): Promise<Archived | null> {
  const { redis, collection, archiveDir: folder } = options
  if (folder === null) return null
  const hot = await readHotBelow(redis, collection, step.floorSecond)
  const name = newName()
  const texts = textInOrder(hot.lines, sealedBelow(options, step))
  const path = await writeArchive({ redis, collection, folder }, { name, firstSecond, texts })
  return { name, path, folder, digest: hot.digest }
}

/** What stands below the cut, or null when nothing does. */
async function findBelow(redis: Redis, collection: CollectionId, cutSecond: number): Promise<Found | null> {
  const keys = [linesKey(collection), segmentsKey(collection)]
  const bounds = [STEP_SEGMENTS, STEP_HOT_LINES, STEP_HOT_BYTES]
  const reply = await answered(planScript.run(redis, keys, [cutSecond, ...bounds]))
  const [verdict, ...texts] = (reply as (Buffer | number)[]).map(String)
  if (verdict === 'type') throw new WrongKeyType(texts[0] ?? '', texts[1] ?? '')
  if (verdict !== 'found') return null
  const [oldest, limit, isLast, past, ...descriptors] = texts
  return {
    oldestSecond: Number(oldest),
    limitSecond: Number(limit),
    isLast: isLast === '1',
    pastSecond: past === '' ? null : Number(past),
    segments: descriptors.map(parseDescriptor),
  }
}

/** The oldest second that a collection holds, or null when it holds no line. @throws as {@link removeStep} */
export async function oldestSecondOf(redis: Redis, collection: CollectionId): Promise<number | null> {
  const keys = [linesKey(collection), segmentsKey(collection)]
  const reply = await answered(planScript.run(redis, keys, [0, 1, 1, 1]))
  const [verdict, first, second] = (reply as (Buffer | number)[]).map(String)
  if (verdict === 'type') throw new WrongKeyType(first ?? '', second ?? '')
  return first ? Number(first) : null
}

/** A segment is not in the index any more: the step begins anew. */
class Replaced extends Error {}

type Step = StepPlan & { readonly acrossLines: SegmentLines | null; readonly keptFrom: number }

async function* sealedBelow({ redis, collection }: StepOptions, { whole, acrossLines, keptFrom }: Step) {
  for (const descriptor of whole) {
    const lines = await fetchStanding(redis, collection, descriptor)
    if (!lines) throw new Replaced()
    yield { lines, count: lines.count }
  }
  if (acrossLines) yield { lines: acrossLines, count: keptFrom }
}

function encodeRest({ level }: Descriptor, lines: SegmentLines): Rest {
  const body = encodeSegment(lines, level)
  return { body, descriptor: describeSegment(lines, body, level) }
}

async function remove(
  { redis, collection, reason, days, nowSeconds }: StepOptions,
  removal: {
    step: Step
    rest: Rest | null
    firstSecond: number
    archive: Archived | null
  },
): Promise<StepOutcome> {
  const { step, rest, firstSecond, archive } = removal
  const gone = step.across ? [...step.whole, step.across] : step.whole
  const keys = [
    linesKey(collection),
    segmentsKey(collection),
    countsKey(collection),
    floorKey(collection),
    removalsKey(collection),
    archivingKey(collection),
    ...[...(rest ? [rest.descriptor] : []), ...gone].map(({ name }) => segmentKey(collection, name)),
  ]
  const args = [
    step.floorSecond,
    gone.map(descriptorText).join('\n'),
    rest ? descriptorText(rest.descriptor) : '',
    newName(),
    archive?.name ?? '',
    archive?.digest ?? '',
    firstSecond,
    reason,
    days ?? '',
    Math.floor(nowSeconds),
  ]
  const [verdict, ...details] = (
    (await answered(removeScript.run(redis, keys, args))) as (Buffer | number)[]
  ).map(String)
  switch (verdict) {
    case 'removed':
      return { kind: 'removed', lines: Number(details[0]) }
    case 'segments':
    case 'lines':
    case 'archive':
    case 'nothing':
    case 'body':
      return { kind: 'again' }
    case 'type':
      throw new WrongKeyType(details[0] ?? '', details[1] ?? '')
    default:
      throw new PortalError('internal', { detail: `remove.lua answered ${verdict}` })
  }
}

/** What was written for a removal that did not happen. It would go by itself; while writers compete it would pile up. */
async function takeBack(
  { redis, collection }: StepOptions,
  rest: Rest | null,
  archive: Archived | null,
): Promise<void> {
  if (rest) await answered(redis.unlink(segmentKey(collection, rest.descriptor.name)))
  if (archive) await takeBackArchive({ redis, collection, folder: archive.folder }, archive)
}
