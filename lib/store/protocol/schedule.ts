import { Observer, Violation } from './invariants.ts'
import { arrive, arriveLate, expire, project, retain } from './maintenance.ts'
import { type Guard, ModelStore, type Position } from './model.ts'
import { page, stream } from './readers.ts'
import { between, makeLog, mortal, type Steps, type World } from './world.ts'
import { backfill, follow, join, replay, seal } from './writers.ts'

/** One schedule: some actors on one store, each a step at a time, in an order that follows from the seed. */

/** A schedule that is still running then does not end. */
const MOST_STEPS = 20_000
/** How often an actor gets its turn, against the others: now and then one sleeps while everything changes. */
const WEIGHTS = [0.2, 1, 1, 3, 10]
/** The share of steps that happen by themselves. */
const BY_ITSELF = 0.12

export interface Outcome {
  /** What was wrong, or null. */
  readonly violation: string | null
  readonly steps: number
  /** What was done, where it was asked for. */
  readonly trace: readonly string[]
  /** How often each check found a fault. */
  readonly refusals: ReadonlyMap<Guard, number>
}

interface Actor {
  readonly steps: Steps
  readonly weight: number
}

/**
 * @param random made from the seed: uniform numbers from 0 to below 1
 * @param off the checks that nobody makes
 */
export function runSchedule(
  random: () => number,
  off: ReadonlySet<Guard>,
  { isTraced = false }: { isTraced?: boolean } = {},
): Outcome {
  const store = new ModelStore(off)
  const counts = [between(random, 8, 16), between(random, 8, 16), between(random, 4, 10)] as const
  const log = (source: string, firstLine: number, count: number) =>
    makeLog(random, { source, firstLine, count, lateness: between(random, 1, 5) })
  const logs = [
    log('web1', 0, counts[0]),
    log('web2', counts[0], counts[1]),
    log('old', counts[0] + counts[1], counts[2]),
  ]
  const observer = new Observer(store, counts[0] + counts[1] + counts[2])
  const world = { store, observer, random, logs }
  const trace: string[] = []
  let steps = 0
  const tell = (step: string) => {
    steps++
    if (isTraced) trace.push(step)
  }
  let violation: string | null = null
  try {
    interleave(world, cast(world), tell)
    settle(world, tell)
    observer.end(logs.flatMap((one): Position[] => one.read(0, 0)))
  } catch (error) {
    if (!(error instanceof Violation)) throw error
    violation = error.message
  }
  return { violation, steps, trace, refusals: store.refusals }
}

/** Who takes part: both sources always, of the others some. */
function cast(world: World): Actor[] {
  const { random, logs } = world
  const [web1, web2, old] = logs
  if (!web1 || !web2 || !old) throw new Error('three logs are needed')
  const actors: Actor[] = []
  const enter = (steps: Steps) => {
    actors.push({ steps, weight: WEIGHTS[between(random, 0, WEIGHTS.length - 1)] ?? 1 })
  }
  const maybe = (chance: number, name: string, life: (name: string) => Steps) => {
    if (random() < chance) enter(mortal(world, name, () => life(name)))
  }
  const rounds = (least: number, most: number) => between(random, least, most)
  const floors = () => [rounds(1, 5), rounds(3, 9)].sort((a, b) => a - b)
  maybe(1, 'web1', (name) => follow(world, name, web1))
  maybe(1, 'web2', (name) => follow(world, name, web2))
  maybe(0.5, 'replay of web1', (name) => replay(world, name, web1))
  maybe(1, 'backfill of old', (name) => backfill(world, name, old))
  maybe(0.5, 'backfill of web2', (name) => backfill(world, name, web2))
  maybe(0.3, 'second backfill of old', (name) => backfill(world, name, old))
  maybe(0.8, 'sealer 1', (name) => seal(world, name, rounds(3, 8)))
  maybe(0.6, 'sealer 2', (name) => seal(world, name, rounds(3, 8)))
  maybe(0.5, 'joiner', (name) => join(world, name, rounds(2, 6)))
  maybe(0.4, 'retention', (name) => retain(world, name, floors()))
  maybe(0.2, 'second retention', (name) => retain(world, name, floors()))
  maybe(1, 'projector 1', (name) => project(world, name, rounds(4, 25)))
  maybe(0.5, 'projector 2', (name) => project(world, name, rounds(4, 25)))
  // Readers begin whenever their turn comes, so that some begin early and some late.
  enter(page(world, 'reader 1'))
  if (random() < 0.5) enter(page(world, 'reader 2'))
  enter(stream(world, 'download'))
  return actors
}

function interleave(world: World, actors: Actor[], tell: (step: string) => void): void {
  const { observer, random } = world
  const byItself = [arriveLate(world), ...(random() < 0.7 ? [expire(world)] : [])]
  let weights = actors.reduce((sum, { weight }) => sum + weight, 0)
  for (let step = 0; actors.length > 0; step++) {
    if (step > MOST_STEPS) throw new Violation(`no end after ${MOST_STEPS} steps`)
    if (random() < BY_ITSELF) {
      tell(byItself[between(random, 0, byItself.length - 1)]?.next().value ?? '')
    } else {
      let draw = random() * weights
      const place = actors.findIndex(({ weight }) => {
        draw -= weight
        return draw < 0
      })
      const actor = actors[place]
      if (!actor) continue
      const { done, value } = actor.steps.next()
      if (!done) tell(value)
      else {
        actors.splice(place, 1)
        weights -= actor.weight
      }
    }
    observer.check()
  }
}

/** What happens when everybody is gone: late requests arrive, the projector comes round. */
function settle(world: World, tell: (step: string) => void): void {
  const { store, observer } = world
  while (store.delayed.length > 0) {
    tell(arrive(store.delayed, 0, store))
    observer.check()
  }
  for (const step of project(world, 'projector', 2)) {
    tell(step)
    observer.check()
  }
}
