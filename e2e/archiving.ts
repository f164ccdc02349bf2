import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import type { Redis } from 'ioredis'
import { PROJECT_ROOT } from '../lib/build.ts'
import { applyRetention } from '../lib/store/retention.ts'
import { add, DAY, linesOf, type SecondLine, seal } from './retention.ts'
import { collectionId, openStoreServer } from './store-server.ts'

/** What tests of archives start from: a store, a folder for each collection, and lines of which some are too old. */

export const NOON = 1_763_899_200
export const NOW = NOON + 10 * DAY
export const DAYS = 10

export const range = (from: number, to: number, step = 1) =>
  Array.from({ length: Math.ceil((to - from) / step) }, (_, n) => from + n * step)
export const textOf = (lines: readonly SecondLine[]) => lines.map(({ text }) => `${text}\n`).join('')

/** Retention as of {@link NOW}. */
export const retainAt = (redis: Redis, id: string, archiveDir: string | null) =>
  applyRetention({
    redis,
    collection: collectionId(id),
    nowSeconds: NOW,
    retentionDays: DAYS,
    archiveDir,
    grainSeconds: 0,
  })

/** A store and folders for the tests of one file. */
export function openArchiving() {
  const servers = openStoreServer()
  const folders = mkdtempSync(join(tmpdir(), 'archive-test-'))
  after(() => rmSync(folders, { recursive: true }))

  const newFolder = (id: string): string => {
    const folder = join(folders, id)
    mkdirSync(folder)
    return folder
  }

  const retain = (id: string, archiveDir: string | null) => retainAt(servers.current().redis, id, archiveDir)

  /** The same in a process of its own, which kills itself at a moment, or may write files of a few bytes only. */
  const retainApart = (id: string, archiveDir: string, { dieAt = '', limit = 'unlimited' }) => {
    const { server } = servers.current()
    const options = {
      url: server.url,
      collection: id,
      nowSeconds: NOW,
      retentionDays: DAYS,
      archiveDir,
      dieAt,
    }
    const args = [join(PROJECT_ROOT, 'e2e/retention-run.ts'), JSON.stringify(options)]
    const shell = ['-c', 'ulimit -f "$0" && exec "$@"', limit, process.execPath, ...args]
    return spawnSync('sh', shell, { encoding: 'utf8', timeout: 30_000 })
  }

  const retainAndDie = (id: string, archiveDir: string, dieAt: string): void => {
    const run = retainApart(id, archiveDir, { dieAt })
    assert.equal(run.signal, 'SIGKILL', run.stderr)
  }

  /** Lines of three days, some sealed, one segment across noon; those before noon are old. */
  const fill = async (id: string) => {
    const { redis } = servers.current()
    const old = linesOf([...range(NOON - 2 * DAY, NOON - 2 * DAY + 50), ...range(NOON - DAY, NOON, 900)])
    const fresh = linesOf(range(NOON, NOON + 50))
    await add(redis, id, [...old, ...fresh])
    await seal(redis, id, NOON - 2 * DAY + 10, NOON - 2 * DAY + 20)
    await seal(redis, id, NOON - 7200, NOON + 20)
    return { old, fresh }
  }

  return { servers, newFolder, retain, retainApart, retainAndDie, fill }
}
