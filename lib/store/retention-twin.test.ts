import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import type { Redis } from 'ioredis'
import { DAY, descriptors, type SecondLine, seal, standing, zcat } from '../../e2e/retention.ts'
import { collectionId, openStoreServer } from '../../e2e/store-server.ts'
import { archivingKey, countsKey, floorKey, linesKey } from './keys.ts'
import { applyRetention } from './retention.ts'

const servers = openStoreServer()
const NOON = 1_763_899_200
const DAYS = 10
const folders = mkdtempSync(join(tmpdir(), 'retention-twin-'))
after(() => rmSync(folders, { recursive: true }))

test('whatever comes, is sealed and grows old, in whatever order, each line is in the store or in one archive', async () => {
  const { redis } = servers.current()
  let run = 0
  const FIRST = NOON - 12 * DAY
  const hour = fc.nat(5 * 24)
  const deed = fc.oneof(
    fc.record({ kind: fc.constant('add' as const), hours: fc.array(hour, { minLength: 1, maxLength: 20 }) }),
    fc.record({ kind: fc.constant('seal' as const), from: hour, hours: fc.integer({ min: 1, max: 40 }) }),
    fc.record({ kind: fc.constant('retain' as const), hour, times: fc.integer({ min: 1, max: 2 }) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(deed, { maxLength: 14 }), async (deeds) => {
      const id = String(1000 + run++)
      const collection = collectionId(id)
      const folder = join(folders, id)
      mkdirSync(folder)
      const kept = new Set<string>()
      let floor = 0
      for (const [n, one] of deeds.entries()) {
        if (one.kind === 'add') {
          const lines = one.hours.map((at, m) => ({
            second: FIRST + at * 3600,
            text: `${FIRST + at * 3600} ${n} ${m}`,
          }))
          const taken = lines.filter(({ second }) => second >= floor)
          await addAnyway(redis, id, taken)
          for (const { text } of taken) kept.add(text)
        } else if (one.kind === 'seal') {
          const [from, to] = [FIRST + one.from * 3600, FIRST + (one.from + one.hours) * 3600]
          const isFree = (await descriptors(redis, id)).every(
            ({ firstMicros, lastMicros }) => lastMicros < from * 1e6 || firstMicros >= to * 1e6,
          )
          if (isFree && (await redis.zcount(linesKey(collection), from, `(${to}`)) > 0)
            await seal(redis, id, from, to)
        } else {
          const nowSeconds = FIRST + one.hour * 3600 + 30 + DAYS * DAY
          const options = {
            redis,
            collection,
            nowSeconds,
            retentionDays: DAYS,
            archiveDir: folder,
            grainSeconds: 0,
          }
          await Promise.all(Array.from({ length: one.times }, () => applyRetention(options)))
          await applyRetention(options)
          floor = Number((await redis.get(floorKey(collection))) ?? 0)
          const standsBelow = (await standing(redis, id)).filter(
            (text) => Number(text.split(' ')[0]) < nowSeconds - DAYS * DAY,
          )
          assert.deepEqual(standsBelow, [])
        }
      }
      const archived = zcat(folder).split('\n').slice(0, -1)
      const stands = await standing(redis, id)
      assert.deepEqual([...archived, ...stands].sort(), [...kept].sort())
      assert.equal(await redis.exists(archivingKey(collection)), 0)
    }),
    { numRuns: 40 },
  )
})

/** As ingest and a merge would leave them: also where a segment covers their seconds. */
async function addAnyway(redis: Redis, id: string, lines: readonly SecondLine[]) {
  const key = linesKey(collectionId(id))
  for (const { second, text } of lines) await redis.zadd(key, second, `${text}\tweb1`)
  if (lines.length > 0) await redis.hincrby(countsKey(collectionId(id)), 'hits', lines.length)
}
