import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { randomFrom } from '../../../e2e/random-from.ts'
import { GUARD_NAMES, GUARDS, type Guard } from './model.ts'
import { type Outcome, runSchedule } from './schedule.ts'

/**
 * The storage protocol under random interleavings (see `model.ts`): sources with late lines, deaths and lost answers,
 * replays, backfill, two sealers, a joiner, two retentions, two projectors, readers and a download, all at once. More
 * schedules than the usual number: `PROTOCOL_SCHEDULES=200000 node --test lib/store/protocol/protocol.test.ts`.
 */

const SCHEDULES = Number(process.env.PROTOCOL_SCHEDULES ?? 4000)
/** Without a check, schedules are tried in blocks of this size until one fails. */
const BLOCK = 1000

/** Checks without which no schedule fails, and why they are made all the same. */
const SPARE: Partial<Record<Guard, string>> = {
  commitStillHot:
    'what took a line out of the hot set has changed a descriptor or the floor, which are looked at too; it is for lines taken out by hand',
  bodiesKept: 'a reader that misses a body reads the index again; without them it would do so at every seal',
  markBefore: 'a writer that died is started again and marks after its lines; it is for one that is not',
}

/** Checks that are no comparison in a script, so that nothing counts what they find. */
const UNCOUNTED: readonly Guard[] = [
  'bodyOnce',
  'tidyOnce',
  'bodiesKept',
  'readAgain',
  'oneMoment',
  'indexWord',
  'positionLast',
  'markBefore',
  'markAfter',
  'projectedAgain',
  'ownMark',
]

const schedule = (seed: number, off: Iterable<Guard>, isTraced = false): Outcome =>
  runSchedule(randomFrom(seed), new Set(off), { isTraced })

/** @returns how many of the schedules fail, how many were run, and the first failure in words. */
function tryWithout(off: readonly Guard[]): { failed: number; run: number; first: string } {
  let failed = 0
  let run = 0
  let first = ''
  while (run < SCHEDULES && failed === 0) {
    for (const end = Math.min(SCHEDULES, run + BLOCK); run < end; ) {
      const { violation } = schedule(++run, off)
      if (violation !== null && failed++ === 0) first = `seed ${run}: ${violation}`
    }
  }
  return { failed, run, first }
}

function tell(context: TestContext, off: readonly Guard[]): number {
  const { failed, run, first } = tryWithout(off)
  context.diagnostic(`${failed} of ${run} schedules fail${first && `; ${first}`}`)
  return failed
}

test('with every check no schedule breaks an invariant, and every check finds faults', (context) => {
  const refusals = new Map<Guard, number>()
  let steps = 0
  for (let seed = 1; seed <= SCHEDULES; seed++) {
    const outcome = schedule(seed, [])
    if (outcome.violation !== null)
      assert.fail(
        [`seed ${seed}: ${outcome.violation}, after`, ...schedule(seed, [], true).trace].join('\n  '),
      )
    steps += outcome.steps
    for (const [guard, times] of outcome.refusals) refusals.set(guard, (refusals.get(guard) ?? 0) + times)
  }
  context.diagnostic(`${SCHEDULES} schedules, ${steps} steps`)
  for (const [guard, times] of refusals) context.diagnostic(`${times} times: ${GUARDS[guard]}`)
  const counted = GUARD_NAMES.filter((guard) => !UNCOUNTED.includes(guard) && guard !== 'commitStillHot')
  assert.deepEqual([...refusals.keys()].sort(), counted.sort())
})

for (const guard of GUARD_NAMES.filter((name) => !(name in SPARE)))
  test(`a schedule fails without this: ${GUARDS[guard]}`, (context) => {
    assert.ok(tell(context, [guard]) > 0)
  })

for (const [guard, reason] of Object.entries(SPARE) as [Guard, string][])
  test(`no schedule needs this: ${GUARDS[guard]}`, (context) => {
    context.diagnostic(reason)
    assert.equal(tell(context, [guard]), 0)
  })

test('without any of them nearly every schedule fails', (context) => {
  assert.ok(tell(context, GUARD_NAMES) > BLOCK * 0.9)
})

test('a failing schedule is told by its steps, the same for the same seed', () => {
  const { run } = tryWithout(['appendMembers'])
  const failing = Array.from({ length: run }, (_, i) => i + 1).find(
    (seed) => schedule(seed, ['appendMembers']).violation !== null,
  )
  assert.ok(failing)
  const told = schedule(failing, ['appendMembers'], true)
  assert.ok(told.trace.length > 5)
  assert.deepEqual(schedule(failing, ['appendMembers'], true), told)
})
