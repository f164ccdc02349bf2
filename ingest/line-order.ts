import { microsOfSecond, secondOfMicros } from '#lib/store/score.ts'

/** The order of lines that were gathered in the order in which they were read: by score, then by the member's bytes. */

/** Lines as columns, wherever their bytes stand. */
export interface LinesInBlocks {
  readonly count: number
  /** Microseconds since the epoch; like all columns with anything behind the last line's. */
  readonly micros: Float64Array
  /** The line is in these bytes of {@link slabs}, from its start for its length, the LF behind it among them. */
  readonly slabOf: Uint32Array
  readonly slabs: readonly Buffer[]
  readonly starts: Uint32Array
  readonly lengths: Uint32Array
  /** Its place among the tags. */
  readonly tagOf: Uint32Array
  /** Its status class. */
  readonly classes: Uint8Array
  readonly tags: readonly string[]
}

/** Seconds with so few lines are looked through pair by pair. */
const PAIRS_UP_TO = 12
/** Lines so near in time are put in order one by one; where more come together all are sorted. */
const NEAR_UP_TO = 64

/** Memory for the ordering, used again and again: fresh arrays of a piece's size are what the collector runs for. */
export class OrderMemory {
  #order = new Uint32Array(0)
  #bucketOf = new Uint32Array(0)
  #ends = new Uint32Array(0)

  /** @returns so many places, with anything in them, and as many buckets as it is called for, empty. */
  take(count: number, buckets: number): { order: Uint32Array; bucketOf: Uint32Array; ends: Uint32Array } {
    if (this.#order.length < count) {
      this.#order = new Uint32Array(count * 2)
      this.#bucketOf = new Uint32Array(count * 2)
    }
    if (this.#ends.length < buckets) this.#ends = new Uint32Array(buckets * 2)
    this.#ends.fill(0, 0, buckets)
    return { order: this.#order.subarray(0, count), bucketOf: this.#bucketOf, ends: this.#ends }
  }
}

/** @returns the lines' places in (score, member) order; a view that the next call overwrites. */
export function orderOf(lines: LinesInBlocks, memory: OrderMemory): Uint32Array {
  const { micros } = lines
  const order = orderByTime(lines, memory)
  let start = 0
  let moment = micros[order[0] ?? 0]
  for (let end = 1; end <= order.length; end++) {
    const next = end < order.length ? micros[order[end] ?? 0] : undefined
    if (next === moment) continue
    if (end - start > 1) sortByMember(lines, order, { start, end })
    start = end
    moment = next
  }
  return order
}

/**
 * Into buckets of equal time, about one a line, and from bucket to bucket one by one: a tenth of what a sort takes. Where
 * times are so unlike that many lines fall into one bucket they are sorted.
 */
function orderByTime({ micros, count }: LinesInBlocks, memory: OrderMemory): Uint32Array {
  let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  let isSorted = true
  let before = Number.NEGATIVE_INFINITY
  for (let place = 0; place < count; place++) {
    const moment = micros[place] ?? 0
    if (moment < first) first = moment
    if (moment > last) last = moment
    if (moment < before) isSorted = false
    before = moment
  }
  const { order, bucketOf, ends } = memory.take(count, count + 1)
  if (isSorted) {
    for (let place = 0; place < count; place++) order[place] = place
    return order
  }
  const bucketsAMicro = count / (last - first + 1)
  let most = 0
  for (let place = 0; place < count; place++) {
    const bucket = Math.floor(((micros[place] ?? 0) - first) * bucketsAMicro)
    bucketOf[place] = bucket
    const lines = (ends[bucket] ?? 0) + 1
    ends[bucket] = lines
    if (lines > most) most = lines
  }
  for (let bucket = 1; bucket <= count; bucket++) ends[bucket] = (ends[bucket] ?? 0) + (ends[bucket - 1] ?? 0)
  for (let place = count - 1; place >= 0; place--) {
    const bucket = bucketOf[place] ?? 0
    const at = (ends[bucket] ?? 0) - 1
    ends[bucket] = at
    order[at] = place
  }
  if (most > NEAR_UP_TO) return sortByTime(micros, order, { first, last })
  for (let i = 1; i < count; i++) {
    const place = order[i] ?? 0
    const moment = micros[place] ?? 0
    let at = i
    for (; at > 0 && (micros[order[at - 1] ?? 0] ?? 0) > moment; at--) order[at] = order[at - 1] ?? 0
    order[at] = place
  }
  return order
}

/** Without a call for every comparison, where time and place fit into one exact number: 4,096 lines within 25 days do. */
function sortByTime(
  micros: Float64Array,
  order: Uint32Array,
  { first, last }: { first: number; last: number },
): Uint32Array {
  const places = 2 ** Math.ceil(Math.log2(order.length))
  if ((last - first + 1) * places > Number.MAX_SAFE_INTEGER)
    return order.sort((a, b) => (micros[a] ?? 0) - (micros[b] ?? 0))
  const keys = Float64Array.from(order, (place) => ((micros[place] ?? 0) - first) * places + place)
  keys.sort()
  for (const [i, key] of keys.entries()) order[i] = key % places
  return order
}

interface Range {
  readonly start: number
  readonly end: number
}

/** Sorts part of the order, mostly two or three lines of several servers that have one score. */
function sortByMember(lines: LinesInBlocks, order: Uint32Array, { start, end }: Range): void {
  if (end - start > PAIRS_UP_TO) {
    order.subarray(start, end).sort((a, b) => compareMembers(lines, a, b))
    return
  }
  for (let i = start + 1; i < end; i++) {
    const place = order[i] ?? 0
    let at = i
    for (; at > start && compareMembers(lines, order[at - 1] ?? 0, place) > 0; at--)
      order[at] = order[at - 1] ?? 0
    order[at] = place
  }
}

function compareMembers(lines: LinesInBlocks, a: number, b: number): number {
  const { slabs, slabOf, starts, lengths } = lines
  const [bytesA, bytesB] = [slabs[slabOf[a] ?? 0], slabs[slabOf[b] ?? 0]]
  if (!bytesA || !bytesB) return 0
  const [startA, startB] = [starts[a] ?? 0, starts[b] ?? 0]
  const common = Math.min(lengths[a] ?? 1, lengths[b] ?? 1) - 1
  for (let i = 0; i < common; i++) {
    const difference = (bytesA[startA + i] ?? 0) - (bytesB[startB + i] ?? 0)
    if (difference !== 0) return difference
  }
  // One line is the other or begins it: what follows it in the member decides.
  return Buffer.compare(memberOf(lines, a), memberOf(lines, b))
}

function memberOf({ slabs, slabOf, starts, lengths, tags, tagOf }: LinesInBlocks, place: number): Buffer {
  const start = starts[place] ?? 0
  const line =
    slabs[slabOf[place] ?? 0]?.subarray(start, start + (lengths[place] ?? 1) - 1) ?? Buffer.alloc(0)
  return Buffer.concat([line, Buffer.from(tags[tagOf[place] ?? 0] ?? '', 'latin1')])
}

/**
 * @param order places in (score, member) order
 * @returns the same without lines whose identity, second and member, stands more than once: the one with the lowest score
 * stays.
 */
export function dropRepeats(lines: LinesInBlocks, order: Uint32Array): Uint32Array {
  let repeats: Set<number> | null = null
  const { micros } = lines
  let start = 0
  while (start < order.length) {
    const nextMicros = microsOfSecond(secondOfMicros(micros[order[start] ?? 0] ?? 0) + 1)
    let end = start + 1
    while (end < order.length && (micros[order[end] ?? 0] ?? 0) < nextMicros) end++
    if (end - start > 1)
      for (const place of repeatsAmong(lines, order, { start, end })) {
        repeats ??= new Set()
        repeats.add(place)
      }
    start = end
  }
  return repeats === null ? order : order.filter((place) => !repeats.has(place))
}

const NONE: readonly number[] = []

/** @returns places of those that have the member of one before them. */
function repeatsAmong(lines: LinesInBlocks, order: Uint32Array, { start, end }: Range): readonly number[] {
  if (end - start > PAIRS_UP_TO) return repeatsByMember(lines, order.subarray(start, end))
  const { lengths, tagOf } = lines
  let found: number[] | null = null
  for (let i = start + 1; i < end; i++) {
    const later = order[i] ?? 0
    for (let j = start; j < i; j++) {
      const earlier = order[j] ?? 0
      if (lengths[earlier] !== lengths[later] || tagOf[earlier] !== tagOf[later]) continue
      if (compareMembers(lines, earlier, later) !== 0) continue
      found ??= []
      found.push(later)
      break
    }
  }
  return found ?? NONE
}

function repeatsByMember(lines: LinesInBlocks, places: Uint32Array): number[] {
  const members = new Set<string>()
  const found: number[] = []
  for (const place of places) {
    const member = memberOf(lines, place).toString('latin1')
    if (members.has(member)) found.push(place)
    members.add(member)
  }
  return found
}
