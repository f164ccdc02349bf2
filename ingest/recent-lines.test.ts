import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MAX_LINES, RecentLines } from './recent-lines.ts'

const START = 1_700_000_000
const YEAR_2099 = 4_070_908_800
const WINDOW_SECONDS = 300

interface Noted {
  readonly text: string
  readonly second: number
  readonly stamp?: number
}

function note(recent: RecentLines, { text, second, stamp = 0 }: Noted): [ordinal: number, position: number] {
  const bytes = Buffer.from(text)
  recent.note({ bytes, start: 0, end: bytes.length, second, stamp })
  return [recent.ordinal, recent.position]
}

const newRecent = (maxLines?: number) =>
  new RecentLines({ seed: 0x1234567890abcdefn, ...(maxLines === undefined ? {} : { maxLines }) })

interface TwinTable {
  seenAtClock: number
  /** The furthest the clock has been since. */
  clockSince: number
  readonly lines: Map<string, number>
  readonly stamps: Map<number, number>
}

/** The same rule with plain maps, a sorted list for a clock, and no sweeps. */
class NaiveTwin {
  readonly #last: number[] = []
  readonly #seconds = new Map<number, TwinTable>()

  #clockWith(second: number): number {
    const last = [...this.#last.slice(-100), second].sort((a, b) => a - b)
    return last[last.length >> 1] ?? 0
  }

  /** Whether the second's table was past its time and is so no longer, since the clock went back: either is right then. */
  isOpen(second: number): boolean {
    const table = this.#seconds.get(second)
    const isPast = (clock: number) => table !== undefined && clock - table.seenAtClock > WINDOW_SECONDS
    return isPast(table?.clockSince ?? 0) && !isPast(this.#clockWith(second))
  }

  note({ text, second, stamp = 0 }: Noted): [ordinal: number, position: number] {
    const now = this.#clockWith(second)
    this.#last.push(second)
    for (const table of this.#seconds.values()) table.clockSince = Math.max(table.clockSince, now)
    let table = this.#seconds.get(second)
    if (!table || now - table.seenAtClock > WINDOW_SECONDS) {
      table = { seenAtClock: 0, clockSince: 0, lines: new Map(), stamps: new Map() }
      this.#seconds.set(second, table)
    }
    table.seenAtClock = table.clockSince = Math.max(now, second)
    const ordinal = table.lines.get(text) ?? 0
    table.lines.set(text, ordinal + 1)
    const position = table.stamps.get(stamp) ?? 0
    table.stamps.set(stamp, position + 1)
    return [ordinal, position]
  }
}

/** Stretches of lines: `lines` of them, around a time that goes on by `pace` seconds a line, with some disorder. */
const stretch = fc.record({
  lines: fc.integer({ min: 1, max: 120 }),
  pace: fc.constantFrom(0, 0.01, 0.3, 1, 20, 100, -1, -50),
  jump: fc.constantFrom(0, 0, 0, 299, 300, 301, 3600, -250, -3600),
  disorder: fc.constantFrom(0, 2, 280, 400),
  texts: fc.constantFrom(1, 3, 1000),
})

test('counts occurrences and places exactly as a naive twin does, on logs of any pace, order and jump', () => {
  fc.assert(
    fc.property(fc.array(stretch, { minLength: 1, maxLength: 12 }), fc.integer(), (stretches, seed) => {
      const recent = newRecent()
      const twin = new NaiveTwin()
      let time = START
      // A generator of its own, since a choice a line would be thousands for the shrinker.
      let state = seed | 1
      const below = (bound: number) => {
        state ^= state << 13
        state ^= state >>> 17
        state ^= state << 5
        return (state >>> 0) % Math.max(1, bound)
      }
      for (const { lines, pace, jump, disorder, texts } of stretches) {
        time += jump
        for (let i = 0; i < lines; i++) {
          time += pace
          const second = below(200) === 0 ? YEAR_2099 : Math.floor(time) - below(disorder)
          const noted = { text: `line ${below(texts)}`, second, stamp: below(3) }
          if (!twin.isOpen(second)) assert.deepEqual(note(recent, noted), twin.note(noted))
        }
      }
    }),
    { numRuns: 150 },
  )
})

test('equal lines of one second are told apart by their ordinal, other lines and other seconds begin at 0', () => {
  const recent = newRecent()
  const ordinals = ['a', 'a', 'b', 'a', 'b', 'c'].map((text) => note(recent, { text, second: START })[0])
  assert.deepEqual(ordinals, [0, 1, 0, 2, 1, 0])
  assert.deepEqual(note(recent, { text: 'a', second: START + 1 }), [0, 0])
})

test('only the bytes between start and end are the line', () => {
  const recent = newRecent()
  const bytes = Buffer.from('xxsame\nyysame\nzsama')
  const ordinalOf = (start: number) => {
    recent.note({ bytes, start, end: start + 4, second: START, stamp: 0 })
    return recent.ordinal
  }
  assert.deepEqual([ordinalOf(2), ordinalOf(9), ordinalOf(15)], [0, 1, 0])
})

test('one line dated 2099 among repeats changes no ordinal', () => {
  const log = Array.from({ length: 2000 }, (_, index) => ({
    text: `GET /${index % 3}`,
    second: START + Math.floor(index / 20),
  }))
  const plain = newRecent()
  const expected = log.map((line) => note(plain, line))
  const recent = newRecent()
  const actual = log.map((line, index) => {
    if (index === 500) assert.deepEqual(note(recent, { text: 'odd', second: YEAR_2099 }), [0, 0])
    return note(recent, line)
  })
  assert.deepEqual(actual, expected)
})

test('in a quiet log, whose median trails by more than an hour, the repeats of a line are still counted', () => {
  const recent = newRecent()
  // A line every three minutes: the median of the last 101 is more than an hour old.
  for (let i = 0; i < 300; i++) {
    const line = { text: 'GET /', second: START + i * 180 }
    assert.deepEqual([note(recent, line)[0], note(recent, line)[0]], [0, 1])
    assert.ok(i < 200 || line.second - recent.clock.second >= 3600)
  }
})

test('a second is remembered for 300 seconds of the log’s clock after it was last seen, and no longer', () => {
  const ordinalAfter = (...gapsSeconds: number[]) => {
    const recent = newRecent()
    for (const gap of [0, ...gapsSeconds]) {
      note(recent, { text: 'twice', second: START + gap })
      for (let i = 0; i < 101; i++) note(recent, { text: `line ${i}`, second: START + gap })
    }
    return note(recent, { text: 'twice', second: START })[0]
  }
  assert.deepEqual(
    [299, 300, 301, 310, 4000].map((gap) => ordinalAfter(gap)),
    [1, 1, 0, 0, 0],
  )
  // By whatever steps the clock came there, else a log read again from its middle would count otherwise.
  for (let before = 280; before <= 300; before++)
    assert.deepEqual([ordinalAfter(before, 300), ordinalAfter(before, 301)], [1, 0], `by way of ${before}`)
})

test('a log read again from its middle counts its lines alike, once 300 seconds have gone by', () => {
  const log = Array.from({ length: 4000 }, (_, index) => ({
    text: `GET /${(index * 7) % 5}`,
    // One line in fifty comes up to 295 s late.
    second: START + Math.floor(index / 4) - (index % 50 === 0 ? (index * 13) % 296 : 0),
  }))
  const whole = newRecent()
  const expected = log.map((line) => note(whole, line)[0])
  for (const from of [1, 333, 1001]) {
    const again = newRecent()
    const ordinals = log.slice(from).map((line) => note(again, line)[0])
    const settled = 2 * WINDOW_SECONDS * 4
    assert.deepEqual(ordinals.slice(settled), expected.slice(from + settled), `from line ${from}`)
  }
})

test('lines of one second written in two zones have places of their own, and one that is alike has its ordinal', () => {
  const recent = newRecent()
  const places = [0, 0, -240, 0, -240, 60].map((stamp, index) =>
    note(recent, { text: `line ${index}`, second: START, stamp }),
  )
  assert.deepEqual(places, [
    [0, 0],
    [0, 1],
    [0, 0],
    [0, 2],
    [0, 1],
    [0, 0],
  ])
  assert.deepEqual(note(recent, { text: 'line 0', second: START, stamp: 60 }), [1, 1])
})

test('the bound is kept by forgetting the seconds seen longest ago, and each is counted', () => {
  const maxLines = 4000
  const recent = newRecent(maxLines)
  const seconds = 250
  for (let i = 0; i < seconds; i++)
    for (let line = 0; line < 40; line++) {
      note(recent, { text: `line ${line}`, second: START + i })
      assert.ok(recent.remembered <= maxLines, `${recent.remembered} at second ${i}`)
    }
  // 70 is what a second of 40 lines counts for: 40 and its table.
  const kept = recent.remembered / 70
  assert.equal(recent.forgottenEarly, seconds - kept)
  assert.ok(kept * 70 > maxLines / 2, 'and no more than needed')
  assert.equal(note(recent, { text: 'line 1', second: START + seconds - 1 })[0], 1)
  assert.equal(note(recent, { text: 'line 1', second: START })[0], 0)
})

test('the bound holds for a log of a single second, and for one with a line a second', () => {
  const oneSecond = newRecent(1000)
  const spread = newRecent(1000)
  for (let i = 0; i < 5000; i++) {
    note(oneSecond, { text: `line ${i}`, second: START })
    note(spread, { text: 'line', second: START + i * 200 })
    assert.ok(oneSecond.remembered <= 1000 && spread.remembered <= 1000)
  }
  assert.ok(oneSecond.forgottenEarly > 0 && spread.forgottenEarly > 0)
})

test('what left in its time is not counted as forgotten early', () => {
  const recent = newRecent()
  for (let i = 0; i < 20_000; i++) note(recent, { text: `line ${i}`, second: START + i })
  assert.equal(recent.forgottenEarly, 0)
  assert.ok(recent.remembered < MAX_LINES / 100, `${recent.remembered} of 20,000 lines are still held`)
})

test('a log that runs backwards costs no more than a multiple of one that runs forwards', () => {
  const millisecondsOf = (step: number) => {
    const recent = newRecent()
    const startedMs = performance.now()
    for (let i = 0; i < 20_000; i++) note(recent, { text: 'line', second: START + i * step })
    return performance.now() - startedMs
  }
  millisecondsOf(20)
  const [forwards, backwards] = [millisecondsOf(20), millisecondsOf(-20)]
  assert.ok(backwards < 30 * forwards, `${backwards} ms backwards, ${forwards} ms forwards`)
})
