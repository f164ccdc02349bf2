/**
 * A model of the storage protocol: one collection as Redis holds it, with every script as one atomic step, small enough
 * that thousands of interleavings are tried in seconds. It serves the tests alone. Lines are numbers here; what they say
 * does not matter, only where they stand.
 *
 * Each check of the protocol can be switched off, to see that a schedule fails without it.
 */

/** The checks, and what each of them says. */
export const GUARDS = {
  appendCovering: 'append: the descriptors covering the lines are those that the caller has read',
  appendMembers: 'append: no member stands in the hot set',
  appendFloor: 'append: no line is below the floor',
  commitDescriptors: 'commit: the descriptors covering the lines are those that were read',
  commitAllDescriptors: 'commit: all that cover them, not only those that are replaced',
  commitStillHot: 'commit: every line taken from the hot set is still there',
  commitNotHot: 'commit: no line of a backfill is in the hot set',
  commitFloor: 'commit: no line is below the floor',
  commitBodies: 'commit, removal: the new bodies are there',
  bodyOnce: 'a body is sent once under its name',
  tidyOnce: 'a builder that was refused takes its bodies away only where it sent the commit once',
  removalDescriptors: 'removal: the descriptors below the new floor are those that were read',
  removalHotLines: 'removal: the hot lines are those that were archived',
  removalArchive: 'removal: the archive was not given up',
  floorRises: 'removal: the floor never falls',
  bodiesKept: 'replaced bodies stay for a while',
  readAgain: 'a reader that misses a body reads the index again',
  oneMoment: 'a reader takes index and hot lines from one moment',
  indexWord: 'a change of the index changes its word',
  positionLast: "a source's position is written after its lines",
  markBefore: 'a collection is marked dirty before its lines are written',
  markAfter: 'and once more after them',
  projectedAgain: 'a projector looks at the counters again after it has written',
  ownMark: 'a projector takes away only the marks that it found and its own',
} as const

export type Guard = keyof typeof GUARDS
export const GUARD_NAMES = Object.keys(GUARDS) as Guard[]

/** Lines of a full segment. */
export const SEGMENT_LINES = 5

const LINES = 4096
const OFFSETS = 64

/** Where a line stands in the order of all reads, (score, member), and which line it is, in one number. */
export type Position = number

/**
 * @param offset what the score has beyond its whole second, below {@link OFFSETS}
 * @param line the line's number, below {@link LINES}; stands for its member
 */
export const positionOf = (second: number, offset: number, line: number): Position =>
  (second * OFFSETS + offset) * LINES + line
export const lineOf = (position: Position) => position % LINES
export const scoreOf = (position: Position) => Math.floor(position / LINES)
export const secondOf = (position: Position) => Math.floor(position / LINES / OFFSETS)
export const inOrder = (a: Position, b: Position) => a - b

export interface Descriptor {
  readonly name: string
  readonly first: Position
  readonly last: Position
  readonly lines: number
}

interface Body {
  readonly lines: readonly Position[]
  isExpiring: boolean
}

export type AppendReply =
  | { readonly verdict: 'stored' }
  | { readonly verdict: 'floor'; readonly floor: number }
  | { readonly verdict: 'segments'; readonly covering: readonly Descriptor[] }
  | { readonly verdict: 'members'; readonly standing: readonly Position[] }

export interface Commit {
  readonly origin: 'hot' | 'backfill' | 'join'
  readonly source: string
  /** Given by the caller, without those found in a segment; none for a join. */
  readonly lines: readonly Position[]
  /** Seconds of all that is looked at. */
  readonly first: number
  readonly last: number
  readonly read: readonly Descriptor[]
  readonly replaced: readonly Descriptor[]
  readonly added: readonly Descriptor[]
}

export type CommitReply =
  | { readonly verdict: 'done' | 'segments' | 'bodies' }
  | { readonly verdict: 'floor'; readonly floor: number }
  | { readonly verdict: 'members'; readonly atFault: readonly Position[] }

export interface Removal {
  readonly floor: number
  /** All that begin below the floor, as read. */
  readonly read: readonly Descriptor[]
  /** What stays of the one across the floor. */
  readonly rest: readonly Descriptor[]
  readonly hotLines: readonly Position[]
  readonly archive: string
}

const sameDescriptors = (a: readonly Descriptor[], b: readonly Descriptor[]) =>
  a.length === b.length && a.every(({ name }, i) => name === b[i]?.name)

export class ModelStore {
  readonly hot = new Map<number, Position>()
  index: readonly Descriptor[] = []
  readonly bodies = new Map<string, Body>()
  readonly positions = new Map<string, number>()
  readonly #highest = new Map<string, number>()
  /** Archives by name: the lines of each, and whether a removal may still count on it. */
  readonly #archives = new Map<string, { readonly lines: readonly Position[]; isGivenUp: boolean }>()
  /** Lines that were removed and are in an archive that stays. */
  readonly archived = new Set<number>()
  hits = 0
  removed = 0
  floor = 0
  word = 0
  isDirty = false
  /** Marks of projectors that are at work, or died at it. */
  readonly taken = new Set<string>()
  projected = 0
  /** Writers between their two marks, those too that died there: they are started again and send their lines again. */
  readonly underWay = new Set<string>()
  /** Requests whose sender has given them up and which arrive later. */
  readonly delayed: (() => unknown)[] = []
  /** Changes with everything that the invariants speak of. */
  version = 0
  #names = 0
  readonly #off: ReadonlySet<Guard>
  /** How often each check found a fault. */
  readonly refusals = new Map<Guard, number>()

  constructor(off: ReadonlySet<Guard>) {
    this.#off = off
  }

  has(guard: Guard): boolean {
    return !this.#off.has(guard)
  }

  /** @returns whether to go on: nothing is wrong, or nobody looks. */
  #passes(guard: Guard, isFine: boolean): boolean {
    if (isFine) return true
    this.refusals.set(guard, (this.refusals.get(guard) ?? 0) + 1)
    return !this.has(guard)
  }

  newName(): string {
    return `s${++this.#names}`
  }

  /** Descriptors of segments that reach into the seconds from `first` to `last`, both included. */
  covering(first: number, last: number): Descriptor[] {
    return this.index.filter((one) => secondOf(one.last) >= first && secondOf(one.first) <= last)
  }

  append(source: string, lines: readonly Position[], known: readonly Descriptor[]): AppendReply {
    const seconds = lines.map(secondOf)
    const [first, last] = [Math.min(...seconds), Math.max(...seconds)]
    if (!this.#passes('appendFloor', first >= this.floor)) return { verdict: 'floor', floor: this.floor }
    const covering = this.covering(first, last)
    if (!this.#passes('appendCovering', sameDescriptors(covering, known)))
      return { verdict: 'segments', covering }
    if (first <= (this.#highest.get(source) ?? -1)) {
      const standing = lines.filter((line) => this.hot.has(lineOf(line)))
      if (!this.#passes('appendMembers', standing.length === 0)) return { verdict: 'members', standing }
    }
    for (const line of lines) this.hot.set(lineOf(line), line)
    this.#count(source, lines.length, last)
    return { verdict: 'stored' }
  }

  #count(source: string, lines: number, last: number): void {
    this.hits += lines
    this.#highest.set(source, Math.max(last, this.#highest.get(source) ?? -1))
    this.version++
  }

  /** SET with an expiry. */
  setBody(name: string, lines: readonly Position[]): void {
    this.bodies.set(name, { lines, isExpiring: true })
  }

  /** A body's time is over, or somebody takes it away. */
  dropBody(name: string): void {
    this.bodies.delete(name)
    this.version++
  }

  commit(commit: Commit): CommitReply {
    const { origin, source, lines, first, last, read, replaced, added } = commit
    const covering = this.covering(first, last)
    const stand = replaced.every(({ name }) => covering.some((one) => one.name === name))
    if (!this.#passes('commitDescriptors', stand)) return { verdict: 'segments' }
    if (!this.#passes('commitAllDescriptors', !stand || sameDescriptors(covering, read)))
      return { verdict: 'segments' }
    if (
      !this.#passes(
        'commitFloor',
        lines.every((line) => secondOf(line) >= this.floor),
      )
    )
      return { verdict: 'floor', floor: this.floor }
    const isHot = (line: Position) => this.hot.has(lineOf(line))
    if (origin === 'hot') {
      const gone = lines.filter((line) => !isHot(line))
      if (!this.#passes('commitStillHot', gone.length === 0)) return { verdict: 'members', atFault: gone }
    } else {
      const hot = lines.filter(isHot)
      if (!this.#passes('commitNotHot', hot.length === 0)) return { verdict: 'members', atFault: hot }
    }
    if (
      !this.#passes(
        'commitBodies',
        added.every(({ name }) => this.bodies.has(name)),
      )
    )
      return { verdict: 'bodies' }
    this.#swap(replaced, added)
    if (origin === 'hot') for (const line of lines) this.hot.delete(lineOf(line))
    if (origin === 'backfill') this.#count(source, lines.length, Math.max(...lines.map(secondOf)))
    return { verdict: 'done' }
  }

  /** Takes descriptors out of the index and puts others in. */
  #swap(out: readonly Descriptor[], into: readonly Descriptor[]): void {
    const names = new Set(out.map(({ name }) => name))
    const rest = this.index.filter(({ name }) => !names.has(name))
    this.index = [...rest, ...into].sort((a, b) => a.first - b.first)
    for (const { name } of out) {
      const body = this.bodies.get(name)
      if (body) body.isExpiring = true
      if (!this.has('bodiesKept')) this.bodies.delete(name)
    }
    for (const { name } of into) {
      const body = this.bodies.get(name)
      if (body) body.isExpiring = false
    }
    if (this.has('indexWord')) this.word++
    this.version++
  }

  writeArchive(name: string, lines: readonly Position[]): void {
    this.#archives.set(name, { lines, isGivenUp: false })
  }

  /** Archives whose removal is not known to have happened; from now on it cannot. */
  giveUpArchives(names: Iterable<string> = this.#archives.keys()): void {
    for (const name of names) {
      const archive = this.#archives.get(name)
      if (archive) archive.isGivenUp = true
    }
  }

  remove(removal: Removal): 'done' | 'segments' | 'hot lines' | 'archive' | 'bodies' {
    const { floor, read, rest, hotLines } = removal
    const standing = this.index.filter((one) => secondOf(one.first) < floor)
    if (!this.#passes('removalDescriptors', sameDescriptors(standing, read))) return 'segments'
    const hot = [...this.hot.values()].filter((line) => secondOf(line) < floor)
    const archivedHot = new Set(hotLines)
    const isSame = hot.length === hotLines.length && hot.every((line) => archivedHot.has(line))
    if (!this.#passes('removalHotLines', isSame)) return 'hot lines'
    const archive = this.#archives.get(removal.archive)
    if (!this.#passes('removalArchive', archive?.isGivenUp === false)) return 'archive'
    if (
      !this.#passes(
        'commitBodies',
        rest.every(({ name }) => this.bodies.has(name)),
      )
    )
      return 'bodies'
    const linesIn = (some: readonly Descriptor[]) => some.reduce((sum, { lines }) => sum + lines, 0)
    this.removed += hot.length + linesIn(read) - linesIn(rest)
    for (const line of hot) this.hot.delete(lineOf(line))
    this.#swap(read, rest)
    if (this.#passes('floorRises', floor >= this.floor)) this.floor = floor
    if (archive && !archive.isGivenUp) for (const line of archive.lines) this.archived.add(lineOf(line))
    this.#archives.delete(removal.archive)
    return 'done'
  }

  /** Compare and set. */
  movePosition(source: string, from: number, to: number): void {
    if ((this.positions.get(source) ?? 0) === from) this.positions.set(source, to)
  }

  mark(): void {
    this.isDirty = true
    this.underWay.delete('a request that came late')
  }

  /** Hot lines in order, those beyond the cursor, at most so many. */
  hotPage(options: { after: Position; isForward: boolean; limit: number }): Position[] {
    const { after, isForward, limit } = options
    const lines = [...this.hot.values()].filter((line) => (isForward ? line > after : line < after))
    lines.sort(isForward ? inOrder : (a, b) => b - a)
    return lines.slice(0, limit)
  }
}
