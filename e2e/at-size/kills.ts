import assert from 'node:assert/strict'
import { createReadStream, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { lookAtCollection, unreconciled } from '#lib/store/collection-look.ts'
import { nextJoin } from '#lib/store/join.ts'
import { archivingKey, MAINTAIN_LEASE_KEY, REJECTS_KEY, segmentKey } from '#lib/store/keys.ts'
import { type Descriptor, lastSecondOf } from '#lib/store/segment-descriptor.ts'
import { readWholeIndex } from '#lib/store/standing-segments.ts'
import { LineTimes, LiveLog, OldLogs } from '../growing-logs.ts'
import { type IngestRun, runIngest, startIngest } from '../ingest.ts'
import { killRuns, killsOf, type Lane, POINTS } from '../killed-runs.ts'
import { randomFrom } from '../random-from.ts'
import { locate, type SentLine, SentLines } from '../sent-lines.ts'
import { collectionId, keysOf, openStoreServer } from '../store-server.ts'
import { atSize } from './size.ts'

/**
 * `maintain` and `backfill` as real processes that die by SIGKILL, at every storage point and at random, while two
 * `ingest` take lines in. Maintenance seals, joins and removes all the while: a part of the lines are about as old as
 * retention keeps them, so that each run has some to remove, and some come too late.
 */

const servers = openStoreServer()
const folder = mkdtempSync(join(tmpdir(), 'portal-kills-'))
const archive = join(folder, 'archive')
mkdirSync(archive)
after(() => rmSync(folder, { recursive: true, force: true }))

/** Spread over the points of both verbs. */
const POINT_KILLS = atSize(100)
const RANDOM_KILLS = atSize(100)
const MAINTAIN_POINT_KILLS = Math.ceil(
  (POINT_KILLS * POINTS.maintain.length) / (POINTS.maintain.length + POINTS.backfill.length),
)
const IDS = ['71', '72', '73', '74']
const RETENTION_DAYS = 3
const MAINTAIN_ENV = { RETENTION_DAYS: String(RETENTION_DAYS), ARCHIVE_DIR: archive }
const LOOK_MS = 25
/** Maintenance joins what ended an hour ago; some of it turned cold since its last round. */
const SURELY_COLD_SECONDS = 2 * 3600

const sent = new SentLines(IDS, 3)

interface Logs {
  /** `backfill` is given it as well. */
  readonly web1: LiveLog
  readonly web2: LiveLog
  readonly old: OldLogs
}

/** Looks at all collections, again and again. @returns how often */
async function look(work: { on: boolean }): Promise<number> {
  const { redis } = servers.current()
  let looks = 0
  while (work.on) {
    for (const id of IDS) {
      const seen = await lookAtCollection(redis, collectionId(id), { settledBeforeMicros: null })
      assert.equal(unreconciled(seen), null)
      looks++
    }
    await delay(LOOK_MS)
  }
  return looks
}

/** Texts of rejected lines. The stream that tells is capped, so that it has to be read as it grows. */
class Refused {
  readonly texts = new Set<string>()
  #last = '0'
  #entries = 0

  async keepReading(work: { readonly on: boolean }): Promise<void> {
    while (work.on) {
      await this.#readOn()
      await delay(LOOK_MS)
    }
    await this.#readOn()
  }

  /** Fails where entries went before they could be read: then a line that was refused would pass for lost. */
  async assertComplete(): Promise<void> {
    const { redis } = servers.current()
    const reply = ((await redis.xinfo('STREAM', REJECTS_KEY)) as unknown[]).map(String)
    assert.equal(this.#entries, Number(reply[reply.indexOf('entries-added') + 1]), 'all rejects were seen')
  }

  async #readOn(): Promise<void> {
    const { redis } = servers.current()
    const entries = (await redis.xread('STREAMS', REJECTS_KEY, this.#last))?.[0]?.[1] ?? []
    for (const [id, fields] of entries) {
      assert.equal(fields[fields.indexOf('reason') + 1], 'below retention')
      this.texts.add(fields[fields.indexOf('line') + 1] ?? '')
      this.#last = id
      this.#entries++
    }
  }
}

const refused = new Refused()

interface Counts {
  readonly read: number
  readonly stored: number
  readonly duplicates: number
  readonly rejected: number
  readonly reasons?: Readonly<Record<string, number>>
}

/** The summary of a run that was let end; nothing is rejected but what is below retention. */
function summaryOf(run: IngestRun): Counts {
  assert.ok(run.exitCode === 0 || run.exitCode === 1, run.stderr)
  const counts = JSON.parse(run.stdout) as Counts
  assert.equal(counts.reasons?.['below retention'] ?? 0, counts.rejected)
  assert.equal(counts.read, counts.stored + counts.duplicates + counts.rejected)
  return counts
}

/** What no commit followed goes by itself, no archive is without its removal, and nothing cold is left to join. */
async function assertNothingLeftBehind(): Promise<void> {
  const { redis } = servers.current()
  const coldBefore = Date.now() / 1000 - SURELY_COLD_SECONDS
  let cold = 0
  for (const id of IDS) {
    const collection = collectionId(id)
    assert.equal(await redis.exists(archivingKey(collection)), 0)
    const index = await readWholeIndex(redis, collection)
    const isCold = (one: Descriptor) => lastSecondOf(one) < coldBefore
    cold += index.filter(isCold).length
    assert.equal(nextJoin(index, isCold), null)
    const named = new Set(index.map(({ name }) => segmentKey(collection, name)))
    for (const key of await keysOf(redis, segmentKey(collection, '*')))
      assert.equal((await redis.ttl(key)) === -1, named.has(key), `${key} stays or goes by itself`)
  }
  assert.ok(cold > 0, 'there were segments to join')
}

/** A last run with nobody about: what is left to do, and no fault. */
async function maintainOnce(url: string): Promise<void> {
  const run = startIngest(url, ['maintain'], { env: MAINTAIN_ENV })
  run.stdin.end()
  const { exitCode, stderr } = await run.done
  assert.equal(exitCode, 0, stderr)
}

/** Kills, while lines come in and somebody looks. @returns what was killed where, and what the live logs' runs said */
async function killAmidTraffic(url: string, { web1, web2, old }: Logs) {
  const { redis } = servers.current()
  const work = { on: true }
  const orStop = <T>(task: Promise<T>): Promise<T> =>
    task.catch((error: unknown) => {
      work.on = false
      throw error
    })
  const maintenance: Lane = {
    url,
    verb: 'maintain',
    kills: killsOf('maintain', { points: MAINTAIN_POINT_KILLS, moments: Math.ceil(RANDOM_KILLS / 2) }),
    env: MAINTAIN_ENV,
    random: randomFrom(11),
    argumentsOf: () => [],
    // Its owner is dead; the next need not wait for it to expire.
    ended: () => redis.del(MAINTAIN_LEASE_KEY),
  }
  const backfilling: Lane = {
    url,
    verb: 'backfill',
    kills: killsOf('backfill', {
      points: POINT_KILLS - MAINTAIN_POINT_KILLS,
      moments: Math.floor(RANDOM_KILLS / 2),
    }),
    env: {},
    random: randomFrom(13),
    argumentsOf: () => old.next(web1),
    ended: (run) => old.ended(run),
  }
  const killing = [maintenance, backfilling].map((lane) => orStop(killRuns(lane, work)))
  try {
    const [looks, fed1, fed2, killed] = await Promise.all([
      orStop(look(work)),
      orStop(web1.feed(work)),
      orStop(web2.feed(work)),
      Promise.all(killing).finally(() => {
        work.on = false
      }),
      orStop(refused.keepReading(work)),
    ])
    return { looks, fed1, fed2, killed }
  } finally {
    for (const { ingest } of [web1, web2]) ingest.signal('SIGKILL')
  }
}

/** Sends every line once more: each stands already, or is below retention. */
async function sendAgain(
  url: string,
  { web1, web2, old }: Logs,
  isBelow: (line: SentLine) => boolean,
): Promise<void> {
  const again = {
    web1: summaryOf(await runIngest(url, ['--source', 'web1', '--json'], createReadStream(web1.path))),
    web2: summaryOf(await runIngest(url, ['--source', 'web2', '--json'], createReadStream(web2.path))),
    files: summaryOf(await runIngest(url, ['backfill', `web1=${web1.path}`, ...old.all, '--json'])),
  }
  const isOf: Record<keyof typeof again, (line: SentLine) => boolean> = {
    web1: ({ source }) => source === 'web1',
    web2: ({ source }) => source === 'web2',
    files: ({ source }) => source !== 'web2',
  }
  for (const log of ['web1', 'web2', 'files'] as const) {
    const { read, stored, duplicates, rejected } = again[log]
    const [all, below] = [sent.count(isOf[log]), sent.count((line) => isOf[log](line) && isBelow(line))]
    assert.deepEqual(
      { read, stored, duplicates, rejected },
      { read: all, stored: 0, duplicates: all - below, rejected: below },
    )
  }
}

test(`killed ${POINT_KILLS} times at storage points and ${RANDOM_KILLS} times at random, maintain and backfill lose and double no line`, async (t) => {
  const { server, redis } = servers.current()
  const { url } = server
  const options = { url, folder, sent, times: new LineTimes({ retentionDays: RETENTION_DAYS, seed: 7 }) }
  const logs = {
    web1: new LiveLog('web1', options),
    web2: new LiveLog('web2', options),
    old: new OldLogs(options),
  }
  const { looks, fed1, fed2, killed } = await killAmidTraffic(url, logs)
  const byPoint = killed.map((counts) => JSON.stringify(Object.fromEntries(counts)))
  t.diagnostic(`maintain ${byPoint[0]}, backfill ${byPoint[1]}; ${looks} looks`)
  for (const [lane, verb] of (['maintain', 'backfill'] as const).entries())
    assert.deepEqual(new Set(killed[lane]?.keys()), new Set([...POINTS[verb], 'at random']))
  assert.ok(looks > 10 * (POINT_KILLS + RANDOM_KILLS), `${looks} looks`)

  const reading = { on: true }
  const read = refused.keepReading(reading)
  summaryOf(await runIngest(url, ['backfill', ...logs.old.all, '--json']))
  await maintainOnce(url)
  reading.on = false
  await read
  await refused.assertComplete()
  const found = await locate(redis, sent, { ids: IDS, archive, refused: refused.texts })
  const [refused1, refused2] = ['web1', 'web2'].map((source) => found.refused.get(source) ?? 0)
  t.diagnostic(
    `${sent.count(() => true)} lines sent: ${found.stored} stored, ${found.archived} in archives, ${refused1} of web1 and ${refused2} of web2 refused as below retention`,
  )
  assert.ok(found.stored > 0 && found.archived > 0)
  // Nobody else sent this one.
  assert.equal(summaryOf(fed2).rejected, refused2)
  const ofBoth = ({ source }: SentLine) => source === 'web1' || source === 'web2'
  assert.equal(summaryOf(fed1).read + summaryOf(fed2).read, sent.count(ofBoth))
  await assertNothingLeftBehind()

  await sendAgain(url, logs, found.isBelow)
  const after = await locate(redis, sent, { ids: IDS, archive, refused: refused.texts })
  assert.deepEqual([after.stored, after.archived], [found.stored, found.archived])
})
