import { Violation } from './invariants.ts'
import { type Descriptor, inOrder, type Position, scoreOf } from './model.ts'
import { between, type Steps, type World } from './world.ts'

/** Those who read all there is, page by page, while everything moves under them. */

/** What a page is made of: the index, kept for as long as its word stands, and the hot lines next to the cursor. */
interface Moment {
  readonly word: number
  readonly index: readonly Descriptor[]
  readonly hot: readonly Position[]
}

interface Way {
  readonly name: string
  readonly isForward: boolean
  readonly limit: number
}

/** Reads pages of a few lines, in either direction, as a person does. */
export function* page(world: World, name: string): Steps {
  const { random } = world
  yield* readAll(world, { name, isForward: random() < 0.6, limit: between(random, 2, 6) }, pageOnce)
}

/** Reads as a download does: forward, a segment at a time with the hot lines that stand among its own. */
export function* stream(world: World, name: string): Steps {
  yield* readAll(world, { name, isForward: true, limit: between(world.random, 3, 9) }, pieceOnce)
}

/** A page's lines and where the next begins, or null where a body was gone. */
interface Piece {
  readonly lines: readonly Position[]
  /** Null: there is no more. */
  readonly cursor: Position | null
}
type ReadOnce = (world: World, way: Way, moment: Moment, cursor: Position) => Steps<Piece | null>

function* readAll(world: World, way: Way, readOnce: ReadOnce): Steps {
  const { store, observer } = world
  const { name, isForward } = way
  const beginning = observer.begin()
  const seen: Position[] = []
  let cursor: Position | null = isForward ? -1 : Number.MAX_SAFE_INTEGER
  let kept: Moment | null = null
  let pages = 0
  while (cursor !== null) {
    kept = yield* takeMoment(world, way, cursor, kept)
    const piece: Piece | null = yield* readOnce(world, way, kept, cursor)
    if (piece) {
      seen.push(...piece.lines)
      cursor = piece.cursor
      yield `${name} has read ${seen.length} lines in ${++pages} pages`
    } else {
      if (!store.has('readAgain')) throw new Violation(`${name} misses a body`)
      kept = null
    }
  }
  observer.readToTheEnd(name, beginning, seen, isForward)
}

function* takeMoment(world: World, way: Way, cursor: Position, kept: Moment | null): Steps<Moment> {
  const { store } = world
  const { name, isForward, limit } = way
  const { word } = store
  const index = kept?.word === word ? kept.index : store.index
  if (!store.has('oneMoment')) yield `${name} takes the index`
  const hot = store.hotPage({ after: cursor, isForward, limit })
  yield `${name} takes ${hot.length} hot lines${kept?.word === word ? '' : ' and the index'}`
  return { word, index, hot }
}

/** As many lines as the page may have, out of the hot ones and the segments next to the cursor. */
function* pageOnce(world: World, way: Way, moment: Moment, cursor: Position): Steps<Piece | null> {
  const { store } = world
  const { name, isForward, limit } = way
  const isBeyond = (line: Position) => (isForward ? line > cursor : line < cursor)
  const ahead = moment.index.filter(({ first, last }) => isBeyond(isForward ? last : first))
  if (!isForward) ahead.reverse()
  const sealed: Position[] = []
  for (const descriptor of ahead) {
    if (sealed.length >= limit) break
    const body = store.bodies.get(descriptor.name)
    yield `${name} fetches ${descriptor.name}${body ? '' : ', which is gone'}`
    if (!body) return null
    sealed.push(...body.lines.filter(isBeyond))
  }
  const lines = [...moment.hot, ...sealed].sort(isForward ? inOrder : (a, b) => b - a).slice(0, limit)
  return { lines, cursor: lines.at(-1) ?? null }
}

function* pieceOnce(world: World, way: Way, moment: Moment, cursor: Position): Steps<Piece | null> {
  const { store } = world
  const { name, limit } = way
  const next = moment.index.find(({ last }) => scoreOf(last) >= scoreOf(cursor) && last > cursor)
  // Where the answer is full, more hot lines may follow: the piece ends with its last.
  const ends = [moment.hot.length === limit ? moment.hot.at(-1) : undefined, next?.last]
  const end = Math.min(...ends.map((one) => one ?? Number.MAX_SAFE_INTEGER))
  let sealed: readonly Position[] = []
  if (next && next.first <= end) {
    const body = store.bodies.get(next.name)
    yield `${name} fetches ${next.name}${body ? '' : ', which is gone'}`
    if (!body) return null
    sealed = body.lines
  }
  const lines = [...moment.hot, ...sealed].filter((line) => line > cursor && line <= end).sort(inOrder)
  return { lines, cursor: end === Number.MAX_SAFE_INTEGER ? null : end }
}
