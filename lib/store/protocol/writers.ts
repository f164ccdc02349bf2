import {
  type Commit,
  type CommitReply,
  type Descriptor,
  inOrder,
  lineOf,
  type Position,
  SEGMENT_LINES,
  scoreOf,
  secondOf,
} from './model.ts'
import { between, type Log, type Steps, send, type World } from './world.ts'

/** Those who put lines in: ingest, a replay of it, backfill, sealers. */

/** One life of an ingest that follows a log: from the position that is stored to the log's end. */
export function* follow(world: World, name: string, log: Log): Steps {
  const { store, random } = world
  const { source } = log
  let at = store.positions.get(source) ?? 0
  yield `${name} begins at line ${at}`
  const rescan = between(random, 0, at)
  while (at < log.count) {
    const next = Math.min(log.count, at + between(random, 1, 5))
    const [from, lines] = [at, log.read(at, rescan).slice(0, next - at)]
    const move = () => send(world, `${name} moves to ${next}`, () => store.movePosition(source, from, next))
    if (!store.has('positionLast')) yield* move()
    yield* appendLines(world, name, { source, lines })
    if (store.has('positionLast')) yield* move()
    at = next
  }
}

/** A log once more from its start or a place of it, by a way that keeps no position. */
export function* replay(world: World, name: string, log: Log): Steps {
  const { random } = world
  const rescan = between(random, 0, 4)
  const lines = log.read(rescan, rescan)
  while (lines.length > 0)
    yield* appendLines(world, name, { source: log.source, lines: lines.splice(0, between(random, 1, 6)) })
}

interface Batch {
  readonly source: string
  readonly lines: readonly Position[]
}

function* marked(world: World, name: string, work: Steps): Steps {
  const { store } = world
  store.underWay.add(name)
  if (store.has('markBefore')) yield* send(world, `${name} marks`, () => store.mark())
  yield* work
  if (store.has('markAfter')) yield* send(world, `${name} marks again`, () => store.mark())
  store.underWay.delete(name)
}

const appendLines = (world: World, name: string, batch: Batch) =>
  marked(world, name, guardedAppend(world, name, batch))

function* guardedAppend(world: World, name: string, { source, lines }: Batch): Steps {
  const { store } = world
  let left = lines
  let known: readonly Descriptor[] = []
  while (left.length > 0) {
    const [sent, named] = [left, known]
    const what = `${name} appends ${show(sent)}`
    const reply = yield* send(world, what, () => store.append(source, sent, named))
    if (reply.verdict === 'stored') return
    if (reply.verdict === 'floor') left = left.filter((line) => secondOf(line) >= reply.floor)
    if (reply.verdict === 'members') left = without(left, reply.standing)
    if (reply.verdict === 'segments') {
      const standing = yield* fetchAll(world, name, reply.covering)
      left = without(left, standing ?? [])
      known = standing ? reply.covering : []
    }
  }
}

/** Takes a log into segments past the hot set, as a batch of lines in order at a time. */
export function* backfill(world: World, name: string, log: Log): Steps {
  const { random } = world
  const lines = log.read(0, 0)
  while (lines.length > 0) {
    const batch = lines.splice(0, between(random, 2, 8)).sort(inOrder)
    yield* marked(world, name, merge(world, name, { source: log.source, lines: batch, origin: 'backfill' }))
  }
}

/** Moves the oldest hot lines into segments, a few at a time. */
export function* seal(world: World, name: string, rounds: number): Steps {
  const { store, random } = world
  for (let round = 0; round < rounds; round++) {
    const lines = store.hotPage({ after: -1, isForward: true, limit: between(random, 1, 7) })
    yield `${name} finds ${show(lines)}`
    yield* merge(world, name, { source: '', lines, origin: 'hot' })
  }
}

/** The one way into segments. */
function* merge(world: World, name: string, batch: Batch & { origin: 'hot' | 'backfill' }): Steps {
  const { store } = world
  const { source, origin } = batch
  let lines = batch.lines
  while (lines.length > 0) {
    const seconds = lines.map(secondOf)
    const [first, last] = [Math.min(...seconds), Math.max(...seconds)]
    const read = store.covering(first, last)
    yield `${name} finds ${show(read)}`
    const sealed = yield* fetchAll(world, name, read)
    if (!sealed) continue
    lines = without(lines, sealed)
    if (lines.length === 0) return
    const added = yield* setBodies(world, name, cut([...sealed, ...lines].sort(inOrder)))
    const commit = { origin, source, lines, first, last, read, replaced: read, added }
    const reply = yield* sendCommit(world, name, commit)
    if (reply.verdict === 'done') return
    if (reply.verdict === 'members') lines = without(lines, reply.atFault)
    if (reply.verdict === 'floor') lines = lines.filter((line) => secondOf(line) >= reply.floor)
  }
}

/** Makes one segment of two that are neighbours. */
export function* join(world: World, name: string, rounds: number): Steps {
  const { store, random } = world
  for (let round = 0; round < rounds; round++) {
    const { index } = store
    yield `${name} reads the index`
    const at = between(random, 0, index.length - 2)
    const replaced = index.slice(at, at + 2)
    const [a, b] = replaced
    if (!a || !b) continue
    const [first, last] = [secondOf(a.first), secondOf(b.last)]
    const read = index.filter((one) => secondOf(one.last) >= first && secondOf(one.first) <= last)
    const lines = yield* fetchAll(world, name, replaced)
    if (!lines) continue
    const added = yield* setBodies(world, name, [lines])
    const commit = { origin: 'join', source: '', lines: [], first, last, read, replaced, added } as const
    yield* sendCommit(world, name, commit)
  }
}

function* sendCommit(world: World, name: string, commit: Commit): Steps<CommitReply> {
  const { store } = world
  const { lines, replaced, added } = commit
  let times = 0
  const reply = yield* send(
    world,
    `${name} commits ${show(lines)} as ${show(added)} for ${show(replaced)}`,
    () => {
      times++
      return store.commit(commit)
    },
  )
  // Sent twice, it may be refused because it was done: then the index names its bodies.
  if (reply.verdict !== 'done' && (times === 1 || !store.has('tidyOnce')))
    for (const body of added)
      yield* send(world, `${name} takes ${body.name} away`, () => store.dropBody(body.name))
  return reply
}

/** @returns the lines of the segments in order, or null where a body is gone. */
export function* fetchAll(
  { store }: World,
  name: string,
  some: readonly Descriptor[],
): Steps<Position[] | null> {
  const lines: Position[] = []
  for (const descriptor of some) {
    const body = store.bodies.get(descriptor.name)
    yield `${name} fetches ${descriptor.name}${body ? '' : ', which is gone'}`
    if (!body) return null
    lines.push(...body.lines)
  }
  return lines
}

export function* setBodies(
  world: World,
  name: string,
  pieces: readonly (readonly Position[])[],
): Steps<Descriptor[]> {
  const { store } = world
  const descriptors: Descriptor[] = []
  for (const lines of pieces) {
    const sameName = store.has('bodyOnce') ? '' : store.newName()
    // A builder whose request was not answered takes another name: the first request may come late, and its expiry must
    // not fall on a body that the index names by then.
    const set = () => {
      const body = sameName || store.newName()
      store.setBody(body, lines)
      return body
    }
    const body = yield* send(world, `${name} sets a body of ${show(lines)}`, set)
    descriptors.push({ name: body, first: lines[0] ?? 0, last: lines.at(-1) ?? 0, lines: lines.length })
  }
  return descriptors
}

/** Full segments; lines of one score are never divided. */
function cut(lines: readonly Position[]): Position[][] {
  const pieces: Position[][] = []
  let piece: Position[] = []
  for (const line of lines) {
    const before = piece.at(-1)
    if (piece.length >= SEGMENT_LINES && before !== undefined && scoreOf(before) !== scoreOf(line)) {
      pieces.push(piece)
      piece = []
    }
    piece.push(line)
  }
  return [...pieces, piece]
}

export function without(lines: readonly Position[], others: readonly Position[]): Position[] {
  const known = new Set(others.map(lineOf))
  return lines.filter((line) => !known.has(lineOf(line)))
}

/** Lines as second and number, descriptors by their names. */
export function show(some: readonly (Position | Descriptor)[]): string {
  const one = (it: Position | Descriptor) =>
    typeof it === 'number'
      ? `${lineOf(it)}@${secondOf(it)}`
      : `${it.name}[${secondOf(it.first)}-${secondOf(it.last)}]`
  return some.length === 0 ? 'nothing' : some.map(one).join(' ')
}
