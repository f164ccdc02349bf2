import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { lookAtCollection, unreconciled } from '#lib/store/collection-look.ts'
import { MAINTAIN_LEASE_KEY, segmentKey } from '#lib/store/keys.ts'
import { readWholeIndex } from '#lib/store/standing-segments.ts'
import { type IngestRun, type IngestSurroundings, startIngest } from '../e2e/ingest.ts'
import { randomFrom } from '../e2e/random-from.ts'
import { everyLine, hotLines } from '../e2e/segments.ts'
import { collectionId, openStoreServer } from '../e2e/store-server.ts'

/** Maintenance killed where it hurts, while lines come in. */

const servers = openStoreServer()
const POINTS = ['bodies built', 'before commit', 'after commit'] as const
/** More make a longer search; each takes about a second. */
const KILLS = Number(process.env.STORAGE_KILLS ?? 10)

const MONTH = 'May/2013'
function logLine(id: string, n: number, second: number): string {
  const [hour, minute, rest] = [Math.floor(second / 3600) % 24, Math.floor(second / 60) % 60, second % 60]
  const time = [hour, minute, rest].map((part) => String(part).padStart(2, '0')).join(':')
  return `192.0.2.${n % 250} - - [06/${MONTH}:${time} +0000] "GET /page/${n} HTTP/1.1" 200 ${n} "-" "agent" ${id}`
}

function maintain(url: string, surroundings: IngestSurroundings = {}): Promise<IngestRun> {
  const run = startIngest(url, ['maintain'], surroundings)
  run.stdin.end()
  return run.done
}

/** Feeds an `ingest` and keeps what it was given. */
class Feed {
  readonly fed = new Map<string, Set<string>>()
  readonly #ingest
  readonly #random = randomFrom(5)
  #turn = 0

  constructor(url: string) {
    this.#ingest = startIngest(url, ['--source', 'web1', '--json'])
  }

  /** Lines in the order of time but for some, with what was sent before now and then. */
  async send(count: number): Promise<void> {
    let chunk = ''
    for (let i = 0; i < count; i++) {
      const back = this.#random() < 0.1 ? Math.floor(this.#random() * this.#turn) : 0
      const turn = this.#turn++
      const id = ['51', '52', '53'][Math.floor(this.#random() * 3)] ?? ''
      const line = logLine(id, turn, Math.floor((turn - back) / 10))
      this.fed.set(id, (this.fed.get(id) ?? new Set()).add(line))
      chunk += `${line}\n`
    }
    if (!this.#ingest.stdin.write(chunk)) await once(this.#ingest.stdin, 'drain')
  }

  end(): Promise<IngestRun> {
    this.#ingest.stdin.end()
    return this.#ingest.done
  }
}

test(`killed ${KILLS} times at every storage point while lines come in, it loses and doubles none`, {
  timeout: 120_000 + KILLS * 10_000,
}, async () => {
  const { server, redis } = servers.current()
  await redis.flushall()
  const feed = new Feed(server.url)
  const random = randomFrom(9)
  const working = { on: true }
  let looks = 0
  const looking = (async () => {
    while (working.on) {
      for (const id of ['51', '52', '53']) {
        const look = await lookAtCollection(redis, collectionId(id), { settledBeforeMicros: null })
        assert.equal(unreconciled(look), null)
        looks++
      }
      // As fast as it can it would take a processor from those it looks at.
      await delay(5)
    }
  })()
  const killed = new Map<string, number>()
  for (let kills = 0; kills < KILLS; ) {
    const point = POINTS[kills % POINTS.length] ?? 'before commit'
    await feed.send(3000)
    const env = { KILL_AT: point, KILL_ON: String(1 + Math.floor(random() * 4)) }
    const [run] = await Promise.all([
      maintain(server.url, { env, preload: 'kill-at-point.ts' }),
      feed.send(1000),
    ])
    assert.ok(run.exitCode === 137 || run.exitCode === 0, run.stderr)
    if (run.exitCode === 137) {
      kills++
      killed.set(point, (killed.get(point) ?? 0) + 1)
    }
    // Its owner is dead; the next need not wait for it to expire.
    await redis.del(MAINTAIN_LEASE_KEY)
  }
  const fed = JSON.parse((await feed.end()).stdout)
  working.on = false
  await looking
  assert.equal((await maintain(server.url)).exitCode, 0)
  assert.deepEqual([...killed.keys()].sort(), [...POINTS].sort())
  assert.ok(looks > 10 * KILLS)
  assert.equal(fed.stored, fed.read)
  for (const [id, lines] of feed.fed) {
    const stored = await everyLine(redis, id)
    assert.deepEqual(new Set(stored.map(([, member]) => member.replace(/\tweb1$/, ''))), lines)
    assert.equal(stored.length, lines.size)
    assert.deepEqual(await hotLines(redis, id), [])
    const named = new Set(
      (await readWholeIndex(redis, collectionId(id))).map(({ name }) => segmentKey(collectionId(id), name)),
    )
    for (const key of await redis.keys(`*{logs:collid:${id}}:segment:*`))
      if (!named.has(key)) assert.ok((await redis.ttl(key)) > 0, 'what nobody committed goes by itself')
  }
})
