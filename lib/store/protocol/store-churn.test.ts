import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as breathe } from 'node:timers/promises'
import { randomFrom } from '../../../e2e/random-from.ts'
import { byOrder, everyLine, hotLines, segmentLines, type TestMember } from '../../../e2e/segments.ts'
import { collectionId, openStoreServer, packLines, readGrant, store } from '../../../e2e/store-server.ts'
import { decodeMember, encodeMember } from '../../line/member.ts'
import { QUICK_LEVEL } from '../../segment/format.ts'
import { streamLines } from '../line-stream.ts'
import { mergeLines } from '../merge.ts'
import { EVERYTHING } from '../reading.ts'
import { microsOfSecond } from '../score.ts'

/**
 * The real store with everything at once: two sources and a replay of each append, two backfills and two sealers work on the
 * same lines, while somebody reads. What is stored does not depend on who came first: each line once.
 */

const servers = openStoreServer()
const FIRST_SECOND = 1_763_942_394
const SECONDS = 30
const LINES_A_SOURCE = 150
/** Makes for several segments. */
const PADDING = 'x'.repeat(16 * 1024)
const ROUNDS = 8

type Random = () => number
const upTo = (random: Random, most: number) => 1 + Math.floor(random() * most)

/** Lines of one source, some equal but for their ordinal, many at one score; nearly in order. */
function sourceLines(random: Random, source: string): TestMember[] {
  const ordinals = new Map<string, number>()
  return Array.from({ length: LINES_A_SOURCE }, (_, i) => {
    const lateness = random() < 0.1 ? upTo(random, 9) : 0
    const second = FIRST_SECOND + Math.max(0, Math.floor((i * SECONDS) / LINES_A_SOURCE) - lateness)
    const text = `${second} ${upTo(random, 3)}${random() < 0.3 ? PADDING : ''}`
    const ordinal = ordinals.get(text) ?? 0
    ordinals.set(text, ordinal + 1)
    const member = encodeMember(Buffer.from(text), source, ordinal).toString('latin1')
    return [microsOfSecond(second) + Math.min(ordinal, 2), member]
  })
}

function* chunks<T>(items: readonly T[], random: Random, most: number): Generator<T[]> {
  for (let at = 0; at < items.length; ) {
    const count = upTo(random, most)
    yield items.slice(at, at + count)
    at += count
  }
}

/** Lets others go first, some more often than others. */
async function pause(random: Random): Promise<void> {
  for (let turns = Math.floor(random() ** 3 * 40); turns > 0; turns--) await breathe()
}

interface Work {
  readonly id: string
  readonly random: Random
  readonly lines: readonly TestMember[]
}

async function append({ id, random, lines }: Work, source: string): Promise<void> {
  for (const some of chunks(lines, random, 12)) {
    await pause(random)
    const parts = some.map(([micros, member]) => ({ ...decodeMember(Buffer.from(member, 'latin1')), micros }))
    const outcome = await store(servers.current().redis, packLines(id, source, parts))
    assert.equal(outcome.stored + outcome.duplicates, some.length)
  }
}

async function merge({ id, random, lines }: Work, origin: 'hot' | 'backfill'): Promise<void> {
  await pause(random)
  await mergeLines(servers.current().redis, {
    collection: collectionId(id),
    lines: segmentLines(lines),
    origin,
    level: QUICK_LEVEL,
  })
}

async function backfill(work: Work): Promise<void> {
  for (const lines of chunks(work.lines, work.random, 40)) await merge({ ...work, lines }, 'backfill')
}

async function sealWhile(work: Work, isGoing: () => boolean): Promise<void> {
  while (isGoing()) {
    const hot = await hotLines(servers.current().redis, work.id)
    await merge({ ...work, lines: hot.slice(0, upTo(work.random, 25)) }, 'hot')
  }
}

/** @returns the members that one read of everything gives */
async function readAll({ id, random }: Work): Promise<string[]> {
  const members: string[] = []
  const pages = streamLines(servers.current().redis, readGrant(id), EVERYTHING, {
    pageLines: upTo(random, 30),
  })
  for await (const some of pages) {
    for (const { line, source, ordinal } of some.lines())
      members.push(encodeMember(line, source, ordinal).toString('latin1'))
    await pause(random)
  }
  return members
}

/** Reads again and again: each line once, and all that the read before gave. */
async function readWhile(work: Work, isGoing: () => boolean): Promise<void> {
  let before: string[] = []
  while (isGoing()) {
    const members = await readAll(work)
    const given = new Set(members)
    assert.equal(given.size, members.length, 'each line once')
    const missing = before.filter((member) => !given.has(member))
    assert.deepEqual(missing, [], 'what was read before')
    before = members
  }
}

test('appended, replayed, backfilled and sealed at once, each line is stored once and in its place', async () => {
  for (let round = 1; round <= ROUNDS; round++) {
    const id = String(round)
    const random = randomFrom(round)
    const web1 = { id, random, lines: sourceLines(random, 'web1') }
    const web2 = { id, random, lines: sourceLines(random, 'web2') }
    const all = [...web1.lines, ...web2.lines]
    let isGoing = true
    const nothing = { id, random, lines: [] }
    const others: Promise<unknown>[] = [1, 2].map(() => sealWhile(nothing, () => isGoing))
    others.push(readWhile(nothing, () => isGoing))
    const writers = [
      append(web1, 'web1'),
      append(web2, 'web2'),
      append(web1, 'web1'),
      append({ ...web2, lines: web2.lines.slice(40) }, 'web2'),
      backfill(web1),
      backfill({ ...web2, lines: all.filter((_, i) => i % 3 === 0) }),
    ]
    try {
      await Promise.all(writers)
    } finally {
      isGoing = false
      await Promise.allSettled(others)
    }
    await Promise.all(others)
    const stored = await everyLine(servers.current().redis, id)
    const brief = (lines: readonly TestMember[]) =>
      lines.map(([micros, member]) => `${micros} ${member.replace(PADDING, '…')}`)
    assert.deepEqual(brief(stored), brief(all.toSorted(byOrder)), `round ${round}`)
  }
})
