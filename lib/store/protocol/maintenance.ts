import { type Position, secondOf } from './model.ts'
import { between, type Steps, send, type World } from './world.ts'
import { fetchAll, setBodies, show } from './writers.ts'

/** Those who take lines away and carry counters over, and what happens by itself. */

/** Removes what is older than a moment, into an archive first; then once more for a later moment. */
export function* retain(world: World, name: string, floors: readonly number[]): Steps {
  const { store } = world
  for (const floor of floors) {
    yield* send(world, `${name} gives up what others left`, () => store.giveUpArchives())
    let answer = ''
    while (answer !== 'done') answer = yield* removeBelow(world, name, floor)
  }
}

function* removeBelow(world: World, name: string, floor: number): Steps<string> {
  const { store } = world
  const read = store.index.filter((one) => secondOf(one.first) < floor)
  yield `${name} finds ${show(read)} below ${floor}`
  const sealed = yield* fetchAll(world, name, read)
  if (!sealed) return 'gone'
  const isBelow = (line: Position) => secondOf(line) < floor
  const hotLines = [...store.hot.values()].filter(isBelow)
  yield `${name} finds ${show(hotLines)} hot below ${floor}`
  const archive = store.newName()
  store.writeArchive(archive, [...sealed.filter(isBelow), ...hotLines])
  yield `${name} writes the archive ${archive}`
  const above = sealed.filter((line) => !isBelow(line))
  const rest = above.length > 0 ? yield* setBodies(world, name, [above]) : []
  const what = `${name} removes ${show(read)} and ${show(hotLines)}, keeps ${show(rest)}`
  let times = 0
  const answer = yield* send(world, what, () => {
    times++
    return store.remove({ floor, read, rest, hotLines, archive })
  })
  if (answer === 'done') return answer
  yield* send(world, `${name} gives the archive ${archive} up`, () => store.giveUpArchives([archive]))
  if (times === 1 || !store.has('tidyOnce'))
    for (const body of rest)
      yield* send(world, `${name} takes ${body.name} away`, () => store.dropBody(body.name))
  return answer
}

/** Carries the counters over to the projection, a number of times. */
export function* project({ store }: World, name: string, rounds: number): Steps {
  const newMark = () => (store.has('ownMark') ? store.newName() : 'taken')
  for (let round = 0; round < rounds; round++) {
    if (store.isDirty) store.taken.add(newMark())
    store.isDirty = false
    const found = [...store.taken]
    yield `${name} takes what is dirty`
    if (found.length === 0) continue
    const { hits } = store
    yield `${name} reads ${hits} hits`
    const own = newMark()
    // One pipeline on one connection: nothing comes between the mark and what it is for.
    store.taken.add(own)
    store.projected = hits
    yield `${name} writes ${hits} hits`
    const after = store.hits
    yield `${name} reads ${after} hits`
    if (store.has('projectedAgain') && after !== hits) {
      store.isDirty = true
      yield `${name} marks again`
    }
    for (const mark of [...found, own]) store.taken.delete(mark)
    yield `${name} is done`
  }
}

/** Lets bodies expire whose time may be over; the worst moment is as likely as any other. */
export function* expire({ store, random }: World): Steps {
  for (;;) {
    const names = [...store.bodies].filter(([, { isExpiring }]) => isExpiring).map(([name]) => name)
    const name = names[between(random, 0, names.length - 1)]
    if (name !== undefined) store.dropBody(name)
    yield name === undefined ? 'nothing expires' : `${name} expires`
  }
}

/** Lets requests arrive that were given up. */
export function* arriveLate({ store, random }: World): Steps {
  for (;;) {
    yield arrive(store.delayed, between(random, 0, store.delayed.length - 1), store)
  }
}

export function arrive(delayed: (() => unknown)[], place: number, store: World['store']): string {
  const [request] = delayed.splice(place, 1)
  if (!request) return 'nothing arrives late'
  const { hits } = store
  const answer = request()
  // Nobody marks after it: not until its sender, or whoever comes after that, has sent the lines again.
  if (store.hits !== hits) store.underWay.add('a request that came late')
  return `a request given up arrives late: ${JSON.stringify(answer) ?? 'done'}`
}
