import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Redis } from 'ioredis'
import { add, DAY, linesOf, seal, standing, zcat } from '../../e2e/retention.ts'
import { collectionId, keysOf, openStoreServer } from '../../e2e/store-server.ts'
import { applyBudget, BUDGET_SPARES_SECONDS, type BudgetOptions } from './budget.ts'
import { dayCountsKey, floorKey, removalsKey, segmentsKey, utcDay } from './keys.ts'
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
  const floors = await Promise.all([a, b, c].map((id) => redis.get(floorKey(collectionId(id)))))
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

/** Bytes of all keys of a collection, as Redis measures them, but for bodies that go by themselves. */
async function measuredByRedis(redis: Redis, id: string): Promise<number> {
  let bytes = 0
  for (const key of await keysOf(redis, `*logs:collid:${id}*`))
    if ((await redis.ttl(key)) < 0) bytes += Number(await redis.memory('USAGE', key, 'SAMPLES', 0))
  return bytes
}

/** Cities for each of the days, as geography counts them. */
async function countCities(redis: Redis, id: string, days: readonly number[]) {
  for (const day of days) {
    const fields = Array.from({ length: 2000 }, (_, n) => [`l:US-VA-City number ${n}`, String(n)])
    await redis.hset(dayCountsKey(collectionId(id), utcDay(day)), ...fields.flat())
  }
}

test('what is measured is all that is kept of a collection, its counts of days with it, and not what goes by itself', async () => {
  const { redis } = servers.current()
  const days = range(T, T + 40 * DAY, DAY)
  await add(redis, '4', linesOf(range(T, T + 40 * DAY, 600)))
  await countCities(redis, '4', days)
  const meter = new MemoryMeter()
  const check = async () => {
    const [memory] = await meter.measure(redis, [collectionId('4')], 0)
    const wanted = await measuredByRedis(redis, '4')
    assert.ok(memory && Math.abs(memory.bytes - wanted) < wanted / 20, `${memory?.bytes} ${wanted}`)
    return memory.bytes
  }
  const hot = await check()
  for (const day of days.slice(0, 30)) await seal(redis, '4', day, day + DAY)
  assert.ok((await check()) < hot)
  // Cities come with lines; of the last days at once, of older ones when they are measured again.
  await countCities(redis, '4', [T + 41 * DAY])
  await add(redis, '4', linesOf([T + 41 * DAY]))
  await check()
  await budget(['4'], { budgetBytes: hot / 2, nowSeconds: T + 42 * DAY, meter })
  await check()
})

test('of a collection with many small segments and one with many appends the index and the arrivals are measured', async () => {
  const { redis } = servers.current()
  await add(redis, '12', linesOf(range(T, T + 200)))
  for (const second of range(T, T + 200)) await seal(redis, '12', second, second + 1)
  for (const second of range(T, T + 200)) await add(redis, '13', linesOf([second]))
  for (const id of ['12', '13']) {
    const [memory] = await new MemoryMeter().measure(redis, [collectionId(id)], 0)
    const wanted = await measuredByRedis(redis, id)
    assert.ok(memory && Math.abs(memory.bytes - wanted) < wanted / 20, `${id}: ${memory?.bytes} ${wanted}`)
  }
})

test('counts of days that are large go with their lines until the rest fits', async () => {
  const { redis } = servers.current()
  await add(redis, '10', linesOf(range(T, T + 20 * DAY, 3600)))
  await countCities(redis, '10', range(T, T + 20 * DAY, DAY))
  const { heldBytes } = await budget(['10'], { budgetBytes: Number.MAX_SAFE_INTEGER })
  const outcome = await budget(['10'], { budgetBytes: heldBytes / 2, nowSeconds: T + 21 * DAY })
  assert.deepEqual([outcome.fits, outcome.problems], [true, []])
  assert.ok(outcome.heldBytes > heldBytes * 0.35, `${outcome.heldBytes} of ${heldBytes}`)
  const oldest = Number((await standing(redis, '10'))[0]?.split(' ')[0])
  assert.ok(oldest > T + 8 * DAY && oldest < T + 14 * DAY, `${(oldest - T) / DAY}`)
})

test('a budget that is used up without a line removes none, and it is said', async () => {
  const { redis } = servers.current()
  await add(redis, '11', linesOf(range(T, T + 100)))
  const outcome = await budget(['11'], { budgetBytes: 1000 })
  assert.deepEqual([outcome.lines, outcome.fits], [0, false])
  assert.match(
    outcome.problems.join(),
    /^MEMORY_BUDGET: what is counted and noted of the collections takes \d+ bytes/,
  )
  assert.equal((await standing(redis, '11')).length, 100)
})

/** A budget that leaves hardly a line: the first event takes 5 KB. */
async function tightFor(ids: readonly string[]): Promise<number> {
  const memory = await new MemoryMeter().measure(servers.current().redis, ids.map(collectionId), 0)
  return memory.reduce((sum, { fixedBytes }) => sum + fixedBytes + 8000, 0)
}

test('the newest lines stay whatever the budget, and it is said that it is too small', async () => {
  const { redis } = servers.current()
  const now = T + 10_000
  await add(redis, '5', linesOf(range(T, now, 10)))
  const outcome = await budget(['5'], { budgetBytes: await tightFor(['5']), nowSeconds: now })
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
  const budgetBytes = await tightFor(['7'])
  const stays = await budget(['7'], { budgetBytes, archiveDir: join(folder, 'missing') })
  assert.deepEqual([stays.lines, stays.fits, stays.problems.length], [0, false, 1])
  assert.equal((await standing(redis, '7')).length, 500)
  const { lines: removed } = await budget(['7'], { budgetBytes, archiveDir: folder })
  assert.ok(removed > 450, `${removed}`)
  const texts = lines.slice(0, removed).map(({ text }) => `${text}\n`)
  assert.equal(zcat(folder), texts.join(''))
})

test('a collection whose keys hold something else keeps the others from nothing', async () => {
  const { redis } = servers.current()
  await add(redis, '8', linesOf(range(T, T + 1000)))
  await redis.set(segmentsKey(collectionId('9')), 'mine')
  const outcome = await budget(['9', '8'], { budgetBytes: await tightFor(['8']) })
  assert.ok(outcome.fits && outcome.lines > 50, `${outcome.lines}`)
})
