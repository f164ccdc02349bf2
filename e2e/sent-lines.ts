import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { countsKey, floorKey, KNOWN_KEY, knownField } from '../lib/store/keys.ts'
import { randomFrom } from './random-from.ts'
import { zcat } from './retention.ts'
import { everyLine } from './segments.ts'
import { collectionId } from './store-server.ts'

/** Logs that are made up as they are sent, and afterwards where each of their lines has to be. */

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const REPEAT_CHANCE = 0.05
const QUIET_CHANCE = 0.01

export interface SentLine {
  readonly id: string
  readonly source: string
  readonly second: number
  /** How often it stands in its log, byte for byte, one right after the other. */
  times: number
}

const two = (value: number) => String(value).padStart(2, '0')

function stampOf(second: number): string {
  const at = new Date(second * 1000)
  const day = `${two(at.getUTCDate())}/${MONTHS[at.getUTCMonth()]}/${at.getUTCFullYear()}`
  return `${day}:${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())} +0000`
}

export class SentLines {
  /** By their text, of which no two logs have the same. */
  readonly lines = new Map<string, SentLine>()
  readonly #ids: readonly string[]
  readonly #random: () => number

  /** @param ids collections; the last one gets few lines */
  constructor(ids: readonly string[], seed: number) {
    this.#ids = ids
    this.#random = randomFrom(seed)
  }

  /** @returns the next lines of a log, some of them twice or three times. */
  write(source: string, { lines, secondOf }: { lines: number; secondOf: () => number }): string {
    let text = ''
    for (let n = 0; n < lines; n++) {
      const second = secondOf()
      const place =
        this.#random() < QUIET_CHANCE
          ? this.#ids.length - 1
          : Math.floor(this.#random() * (this.#ids.length - 1))
      const id = this.#ids[place] ?? ''
      const path = `/${source}/${this.lines.size}`
      const line = `192.0.2.${n % 250} - - [${stampOf(second)}] "GET ${path} HTTP/1.1" 200 ${n} "-" "agent" ${id}`
      let times = 1
      while (times < 3 && this.#random() < REPEAT_CHANCE) times++
      this.lines.set(line, { id, source, second, times })
      text += `${line}\n`.repeat(times)
    }
    return text
  }

  /** @returns how many lines fulfil `holds`, repeats counted. */
  count(holds: (line: SentLine) => boolean): number {
    let lines = 0
    for (const line of this.lines.values()) if (holds(line)) lines += line.times
    return lines
  }
}

export interface Whereabouts {
  readonly stored: number
  readonly archived: number
  /** By source: lines that were refused as below retention at every sending. */
  readonly refused: ReadonlyMap<string, number>
  readonly isBelow: (line: SentLine) => boolean
}

/**
 * Looks for every line that was sent: it stands in the store, with its repeats, where it is not below its collection's
 * floor; below it, it is in an archive, or it was refused. Fails where a line is missing, is in two places or more often
 * than it was sent, where anything else is there, and where the counters say otherwise.
 * @param refused texts of lines that were rejected, reason `below retention`
 */
export async function locate(
  redis: Redis,
  sent: SentLines,
  { ids, archive, refused }: { ids: readonly string[]; archive: string; refused: ReadonlySet<string> },
): Promise<Whereabouts> {
  const stored = new Map<string, number>()
  const archived = new Map<string, number>()
  const floors = new Map<string, number>()
  const add = (map: Map<string, number>, line: string) => map.set(line, (map.get(line) ?? 0) + 1)
  for (const id of ids) {
    const collection = collectionId(id)
    floors.set(id, Number((await redis.get(floorKey(collection))) ?? 0))
    const members = await everyLine(redis, id)
    for (const [micros, member] of members) {
      const [line = '', tag = ''] = member.split('\t')
      const [source = '', ordinal] = tag.split('#')
      const known = sent.lines.get(line)
      assert.ok(known && known.id === id && known.source === source, `${member} was sent`)
      assert.equal(Math.floor(micros / 1e6), known.second)
      assert.ok(Number(ordinal ?? 0) < known.times, `${member} has so many repeats`)
      add(stored, line)
    }
    const gone = existsSync(join(archive, id)) ? zcat(join(archive, id)).split('\n').slice(0, -1) : []
    for (const line of gone) {
      assert.equal(sent.lines.get(line)?.id, id, `${line} was sent to ${id}`)
      add(archived, line)
    }
    const [hits, removed] = await redis.hmget(countsKey(collection), 'hits', 'removed')
    assert.equal(Number(removed ?? 0), gone.length, `removed of ${id} is what its archives hold`)
    assert.equal(Number(hits ?? 0), members.length + gone.length)
    assert.equal(await redis.hget(KNOWN_KEY, knownField(collection)), hits)
  }
  const refusedOf = new Map<string, number>()
  const isBelow = ({ id, second }: SentLine) => second < (floors.get(id) ?? 0)
  for (const [line, whole] of sent.lines) {
    const { source, times } = whole
    const [standing, put] = [stored.get(line) ?? 0, archived.get(line) ?? 0]
    if (!isBelow(whole)) {
      assert.deepEqual([standing, put], [times, 0], line)
      continue
    }
    assert.equal(standing, 0, `${line} is below the floor`)
    assert.ok(put <= times, `${line} is in the archives as often as it was sent`)
    if (put < times) assert.ok(refused.has(line), `${line} is in no place, and was not refused`)
    refusedOf.set(source, (refusedOf.get(source) ?? 0) + times - put)
  }
  const sum = (map: Map<string, number>) => [...map.values()].reduce((a, b) => a + b, 0)
  return { stored: sum(stored), archived: sum(archived), refused: refusedOf, isBelow }
}
