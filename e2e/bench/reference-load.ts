import { randomFrom } from '../random-from.ts'

/**
 * The reference load: what a web site's three servers write, as one stream in the order in which the lines are written.
 * Combined log format with a collection's id at the end, 242 bytes a line on average, 200 collections of which the
 * largest gets every sixth line, stamps up to 3 s older than their line's turn, and one line in a hundred repeated byte
 * for byte. The same numbers give the same bytes on every machine.
 */

export const LOAD_SOURCES = ['web1', 'web2', 'web3'] as const
export type LoadSource = (typeof LOAD_SOURCES)[number]

export interface ReferenceLoadOptions {
  readonly lines: number
  /** 200 unless told; with 1 all lines belong to {@link largestCollection}. */
  readonly collections?: number
  /** Id of the largest collection; those after it follow. {@link largestCollection} unless told. */
  readonly firstId?: number
}

/** One object is reused for the whole load. */
export interface LoadLine {
  /** The line without a terminator, ASCII. */
  text: string
  source: LoadSource
  id: string
  /** Epoch seconds of the line's stamp. */
  second: number
}

const COLLECTIONS = 200
const FIRST_ID = 1000
/** All servers together; a million lines are five and a half hours. */
export const LINES_PER_SECOND = 50
const DISORDER_SECONDS = 3
const REPEAT_CHANCE = 0.01
const SEED = 0x10ad
/** Within one UTC day for loads of up to three million lines. */
export const LOAD_START_SECOND = Date.UTC(2026, 2, 4, 6) / 1000

const AGENTS = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148',
  'Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0',
  'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
] as const
const METHODS = ['GET', 'GET', 'GET', 'GET', 'GET', 'GET', 'GET', 'HEAD', 'POST'] as const
const STATUSES = ['200', '200', '200', '200', '200', '200', '304', '304', '301', '404', '500'] as const
const FOLDERS = [
  'news',
  'research/projects',
  'people',
  'images',
  'static/css',
  'courses/2026',
  'contact',
] as const
const NAMES = ['index.html', 'overview.html', 'portrait.jpg', 'main.css', 'app.js', 'report.pdf', ''] as const
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

function pick<T>(values: readonly T[], fraction: number): T {
  const value = values[Math.floor(fraction * values.length)]
  if (value === undefined) throw new Error('nothing to pick from')
  return value
}

/** Ids by rank: the collection of rank n gets a share in proportion to 1/n. */
function idPicker(collections: number, firstId: number): (fraction: number) => string {
  const sums: number[] = []
  let sum = 0
  for (let rank = 1; rank <= collections; rank++) {
    sum += 1 / rank
    sums.push(sum)
  }
  const ids = sums.map((_, rank) => String(firstId + rank))
  return (fraction) => {
    const wanted = fraction * sum
    let low = 0
    let high = sums.length - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if ((sums[middle] ?? 0) > wanted) high = middle
      else low = middle + 1
    }
    return ids[low] ?? ''
  }
}

export const largestCollection = String(FIRST_ID)

/** `[04/Mar/2026:06:00:00 +0000]`; remembers the last few seconds, since lines of one second come close together. */
function stamper(): (second: number) => string {
  const kept = new Map<number, string>()
  const two = (value: number) => String(value).padStart(2, '0')
  return (second) => {
    let text = kept.get(second)
    if (text === undefined) {
      const date = new Date(second * 1000)
      const day = `${two(date.getUTCDate())}/${MONTHS[date.getUTCMonth()]}/${date.getUTCFullYear()}`
      text = `[${day}:${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} +0000]`
      if (kept.size > 100) kept.clear()
      kept.set(second, text)
    }
    return text
  }
}

/** Yields the load line by line, always the same object. */
export function* referenceLoad(options: ReferenceLoadOptions): Generator<LoadLine> {
  const { lines, collections = COLLECTIONS, firstId = FIRST_ID } = options
  const random = randomFrom(SEED)
  const idOf = idPicker(collections, firstId)
  const stampOf = stamper()
  const line: LoadLine = { text: '', source: 'web1', id: '', second: 0 }
  for (let turn = 0; turn < lines; turn++) {
    // A repeat follows its original in the same server's log, as a client that sends twice causes it.
    const isRepeat = turn > 0 && random() < REPEAT_CHANCE
    if (!isRepeat) {
      const written = LOAD_START_SECOND + Math.floor(turn / LINES_PER_SECOND)
      line.second = written - Math.floor(random() * (DISORDER_SECONDS + 1))
      line.source = pick(LOAD_SOURCES, random())
      line.id = idOf(random())
      const from = `10.${Math.floor(random() * 256)}.${Math.floor(random() * 256)}.${Math.floor(random() * 256)}`
      const what = random()
      const folder = pick(FOLDERS, what)
      const path = `/c${line.id}/${folder}/${Math.floor(random() * 0x10_0000).toString(16)}/${pick(NAMES, random())}`
      const request = `"${pick(METHODS, random())} ${path} HTTP/1.1" ${pick(STATUSES, random())}`
      const bytes = Math.floor(random() * 80_000)
      const referrer = what < 0.7 ? `https://intranet.example.org/c${line.id}/${folder}/` : '-'
      line.text = `${from} - - ${stampOf(line.second)} ${request} ${bytes} "${referrer}" "${pick(AGENTS, random())}" ${line.id}`
    }
    yield line
  }
}
