import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { add, linesOf, seal, standing, zcat } from '../../e2e/retention.ts'
import { collectionId, openStoreServer } from '../../e2e/store-server.ts'
import { applyBudget, BUDGET_SPARES_SECONDS, type BudgetOptions } from './budget.ts'
import { floorKey, linesKey, removalsKey, segmentKey, segmentsKey } from './keys.ts'
import { MemoryMeter } from './memory.ts'

const servers = openStoreServer()
const T = 1_763_899_200
const folder = mkdtempSync(join(tmpdir(), 'budget-test-'))
after(() => rmSync(folder, { recursive: true }))

function budget(ids: readonly string[], options: Partial<BudgetOptions>) {
  return applyBudget({
    redis: servers.current().redis,
    collections: ids.map(collectionId),
    budgetBytes: 0,
    nowSeconds: T + 100_000,
    archiveDir: null,
    ...options,
  })
}

const range = (from: number, to: number, step = 1) =>
  Array.from({ length: Math.ceil((to - from) / step) }, (_, n) => from + n * step)

test('the oldest seconds of all collections go until the rest fits, and no more than that', async () => {
  const { redis } = servers.current()
  const [a, b, c] = ['1', '2', '3']
  const text = 'x'.repeat(200)
  await add(redis, a, linesOf(range(T, T + 20_000, 2), text))
  await add(redis, b, linesOf(range(T + 5000, T + 20_000, 2), text))
  await add(redis, c, linesOf(range(T + 18_000, T + 20_000, 2), text))
  for (const from of range(T, T + 16_000, 1000)) await seal(redis, a, from, from + 1000)
  const meter = new MemoryMeter()
  const before = await budget([a, b, c], { budgetBytes: Number.MAX_SAFE_INTEGER, meter })
  assert.deepEqual([before.lines, before.fits, before.problems], [0, true, []])
  const budgetBytes = Math.floor(before.heldBytes / 2)
  const outcome = await budget([a, b, c], { budgetBytes, meter })
  assert.deepEqual([outcome.fits, outcome.problems], [true, []])
  assert.ok(outcome.heldBytes <= budgetBytes)
  assert.ok(outcome.heldBytes > budgetBytes * 0.8, `${outcome.heldBytes} of ${budgetBytes}`)
  const floors = await redis.mget([a, b, c].map((id) => floorKey(collectionId(id))))
  const oldest = await Promise.all(
    [a, b, c].map(async (id) => Number((await standing(redis, id))[0]?.split(' ')[0])),
  )
  // Both reach back equally far; the third has nothing as old.
  assert.ok(Math.abs((oldest[0] ?? 0) - (oldest[1] ?? 0)) <= 2, `${oldest}`)
  assert.deepEqual([floors[2], oldest[2]], [null, T + 18_000])
  const [[, event] = []] = await redis.xrange(removalsKey(collectionId(a)), '-', '+')
  assert.deepEqual(event?.slice(6, 8), ['reason', 'budget'])
  const again = await budget([a, b, c], { budgetBytes, meter })
  assert.deepEqual([again.lines, again.heldBytes], [0, outcome.heldBytes])
})

test('what is measured is what the index says and what Redis measures of hot lines, not memory that goes by itself', async () => {
  const { redis } = servers.current()
  await add(redis, '4', linesOf(range(T, T + 3000)))
  const hot = Number(await redis.memory('USAGE', linesKey(collectionId('4')), 'SAMPLES', 0))
  const { heldBytes } = await budget(['4'], { budgetBytes: Number.MAX_SAFE_INTEGER })
  assert.ok(Math.abs(heldBytes - hot) < hot / 20, `${heldBytes} ${hot}`)
  const { storedBytes, name } = await seal(redis, '4', T, T + 3000)
  const sealed = await budget(['4'], { budgetBytes: Number.MAX_SAFE_INTEGER })
  assert.equal(sealed.heldBytes, storedBytes)
  assert.equal((await budget(['4'], { budgetBytes: 1 })).heldBytes, 0)
  assert.equal(await redis.exists(segmentKey(collectionId('4'), name)), 1)
})

test('the newest lines stay whatever the budget, and it is said that it is too small', async () => {
  const { redis } = servers.current()
  const now = T + 10_000
  await add(redis, '5', linesOf(range(T, now, 10)))
  const outcome = await budget(['5'], { budgetBytes: 1, nowSeconds: now })
  assert.equal(outcome.fits, false)
  assert.match(
    outcome.problems.join(),
    /^MEMORY_BUDGET: the lines of the last 15 minutes alone take more than it/,
  )
  assert.equal((await standing(redis, '5')).length, BUDGET_SPARES_SECONDS / 10)
})

test('one old line among many new ones does not make the new ones go', async () => {
  const { redis } = servers.current()
  await add(redis, '6', linesOf([T - 10_000_000]))
  await add(redis, '6', linesOf(range(T, T + 5000)))
  const { heldBytes } = await budget(['6'], { budgetBytes: Number.MAX_SAFE_INTEGER })
  await budget(['6'], { budgetBytes: Math.floor(heldBytes * 0.9) })
  const left = (await standing(redis, '6')).length
  assert.ok(left > 4000 && left < 4600, `${left}`)
})

test('what a budget removes is archived like anything else, and stays where it cannot be', async () => {
  const { redis } = servers.current()
  const lines = linesOf(range(T, T + 500))
  await add(redis, '7', lines)
  await seal(redis, '7', T, T + 250)
  const stays = await budget(['7'], { budgetBytes: 1, archiveDir: join(folder, 'missing') })
  assert.deepEqual([stays.lines, stays.fits, stays.problems.length], [0, false, 1])
  assert.equal((await standing(redis, '7')).length, 500)
  assert.equal((await budget(['7'], { budgetBytes: 1, archiveDir: folder })).lines, 500)
  assert.equal(zcat(folder), lines.map(({ text }) => `${text}\n`).join(''))
})

test('a collection whose keys hold something else keeps the others from nothing', async () => {
  const { redis } = servers.current()
  await add(redis, '8', linesOf(range(T, T + 100)))
  await redis.set(segmentsKey(collectionId('9')), 'mine')
  const outcome = await budget(['9', '8'], { budgetBytes: 1 })
  assert.deepEqual([outcome.lines, outcome.fits], [100, true])
})
