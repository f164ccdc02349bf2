import { randomFrom } from '../random-from.ts'
import {
  BROWSERS,
  NETWORKS,
  NETWORKS6,
  REFERRERS,
  ROBOTS,
  SCANNED_PATHS,
  SITE,
  type SitePart,
} from './traffic-site.ts'

/**
 * The demo's traffic as a pure function of web server and second: asked again, a second gives the same bytes. So a demo
 * that is started again replays its day, and `ingest` stores only what is missing; that is exactly-once at work.
 *
 * A visit is one page and what a browser loads along with it, all written within one second. As on a real server a line
 * is written when its request ends and stamped when it began, so the stamps lie up to three seconds back and are out
 * of order; and some lines occur twice, byte for byte.
 */

export const DEMO_SOURCES = ['web1', 'web2', 'web3'] as const

/** Visitors' lines of all web servers together; the probe adds 17,280. */
const LINES_PER_DAY = 73_000
/** Measured over a day of the code below. */
const MEAN_LINES_PER_VISIT = 2.75
const DAY_SECONDS = 86_400
/** How the load balancer shares the visits out; a source of another name gets what web2 gets. */
const SHARES: Readonly<Record<string, number>> = { web1: 0.4, web2: 0.33, web3: 0.27 }
const OTHER_SHARE = 0.33
/** Rates swing around their mean by this much of it, highest at 14:00 UTC. */
const DAILY_SWING = 0.7
const BUSIEST_HOUR = 14
/** Chance that a line is stamped 0, 1, 2 or 3 seconds before it is written, summed up. */
const STAMPED_EARLIER = [0.7, 0.88, 0.96]
const REPEAT_CHANCE = 0.012
const SCANNER_CHANCE = 0.02
const ROBOT_CHANCE = 0.2
const VISITORS = 900
/**
 * An uptime probe asks one web server after the other for this page: a live page shows something new every few seconds,
 * also at night.
 */
const PROBE_SECONDS = 5
const PROBE: Visitor = { address: '198.51.100.9', agent: 'uptime-probe/2.1', isRobot: true }
const PROBED: Request = { method: 'GET', path: '/hr/', status: 200, referrer: '-', id: '1824' }
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** A uniform random number from 0 to below 1. */
type Random = () => number

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index++)
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  return value >>> 0
}

function pick<T>(random: Random, values: readonly [T, ...T[]] | readonly T[]): T {
  const value = values[Math.floor(random() * values.length)]
  if (value === undefined) throw new Error('nothing to pick from')
  return value
}

/** A whole number with that mean (Knuth's method, for means far below 10). */
function poisson(random: Random, mean: number): number {
  const limit = Math.exp(-mean)
  let count = 0
  for (let product = random(); product > limit; product *= random()) count++
  return count
}

const TOTAL_WEIGHT = SITE.reduce((sum, part) => sum + part.weight, 0)

function pickPart(random: Random): SitePart {
  let left = random() * TOTAL_WEIGHT
  for (const part of SITE) {
    left -= part.weight
    if (left < 0) return part
  }
  return pick(random, SITE)
}

/** Visits that begin at one web server in that second, on average. */
function visitsPerSecond(source: string, epochSecond: number): number {
  const mean = ((SHARES[source] ?? OTHER_SHARE) * LINES_PER_DAY) / DAY_SECONDS / MEAN_LINES_PER_VISIT
  const hour = (epochSecond % DAY_SECONDS) / 3600
  return mean * (1 + DAILY_SWING * Math.cos(((hour - BUSIEST_HOUR) / 24) * 2 * Math.PI))
}

/** `[23/Nov/2026:14:03:07 +0000]` */
function stamp(epochSecond: number): string {
  const date = new Date(epochSecond * 1000)
  const two = (value: number) => (value < 10 ? `0${value}` : String(value))
  return (
    `[${two(date.getUTCDate())}/${MONTHS[date.getUTCMonth()]}/${date.getUTCFullYear()}:` +
    `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} +0000]`
  )
}

interface Visitor {
  readonly address: string
  readonly agent: string
  readonly isRobot: boolean
}

/** One of the people and programs that keep coming back; the first ones most often. */
function pickVisitor(random: Random): Visitor {
  const number = Math.floor(VISITORS * random() ** 2)
  const own = randomFrom(number + 1)
  if (own() < ROBOT_CHANCE) {
    const robot = pick(own, ROBOTS)
    return { address: robot.network + (1 + Math.floor(own() * 250)), agent: robot.agent, isRobot: true }
  }
  const agent = pick(own, BROWSERS)
  const part = (count: number) => Math.floor(own() * count)
  if (own() < 0.12) {
    const host = `${part(0xffff).toString(16)}::${part(0xffff).toString(16)}`
    return { address: `${pick(own, NETWORKS6)}${host}`, agent, isRobot: false }
  }
  const network = pick(own, NETWORKS)
  const host = network.split('.').length === 3 ? String(1 + part(250)) : `${part(255)}.${1 + part(250)}`
  return { address: `${network}.${host}`, agent, isRobot: false }
}

interface Request {
  readonly method: 'GET' | 'POST' | 'HEAD'
  readonly path: string
  readonly status: number
  readonly referrer: string
  readonly id: string | undefined
}

function pageStatus(random: Random): number {
  const chance = random()
  if (chance < 0.905) return 200
  if (chance < 0.94) return 304
  if (chance < 0.96) return 301
  if (chance < 0.99) return 404
  return chance < 0.997 ? 500 : 503
}

function requestsOf(random: Random, visitor: Visitor): Request[] {
  if (visitor.isRobot && random() < SCANNER_CHANCE / ROBOT_CHANCE)
    return [{ method: 'GET', path: pick(random, SCANNED_PATHS), status: 404, referrer: '-', id: undefined }]
  const part = pickPart(random)
  const { id } = part
  const referrer = visitor.isRobot || random() < 0.4 ? '-' : pick(random, REFERRERS)
  if (part.form && !visitor.isRobot && random() < 0.05) {
    const origin = `https://foo.com${pick(random, part.pages)}`
    return [{ method: 'POST', path: part.form, status: 303, referrer: origin, id }]
  }
  const path = pick(random, part.pages)
  const status = pageStatus(random)
  const method = visitor.isRobot && random() < 0.1 ? 'HEAD' : 'GET'
  const page: Request = { method, path, status, referrer, id }
  if (visitor.isRobot || status >= 300) return [page]
  const assets = part.assets
    .filter(() => random() < 0.85)
    .map(
      (asset): Request => ({
        method: 'GET',
        path: asset,
        status: random() < 0.35 ? 304 : 200,
        referrer: `https://foo.com${path}`,
        id,
      }),
    )
  return [page, ...assets]
}

/** The body's size: the same for a path each time, none where there is no body. */
function bytesSent({ method, path, status }: Request): string {
  if (status === 304 || method === 'HEAD') return '-'
  if (status >= 300) return String(180 + (hash(path) % 400))
  const size = hash(path)
  return String(/\.(mp4|pdf|jpg)$/.test(path) ? 200_000 + (size % 4_000_000) : 900 + (size % 60_000))
}

/** A line of the combined format with the collection's id at its end. */
function formatLine(visitor: Visitor, request: Request, beganSecond: number): string {
  const { method, path, status, referrer, id } = request
  return (
    `${visitor.address} - - ${stamp(beganSecond)} "${method} ${path} HTTP/1.1" ${status} ${bytesSent(request)} ` +
    `"${referrer}" "${visitor.agent}"${id === undefined ? '' : ` ${id}`}`
  )
}

function isProbed(source: string, epochSecond: number): boolean {
  if (epochSecond % PROBE_SECONDS !== 0) return false
  return DEMO_SOURCES[(epochSecond / PROBE_SECONDS) % DEMO_SOURCES.length] === source
}

/**
 * What a web server writes to its access log during one second.
 * @param source the web server's name, such as one of {@link DEMO_SOURCES}
 * @returns lines without their line feed, in the order of writing, stamped from three seconds before to that second
 */
export function linesWritten(source: string, epochSecond: number): string[] {
  const random = randomFrom(hash(`${source} ${epochSecond}`))
  const lines: string[] = []
  for (let visits = poisson(random, visitsPerSecond(source, epochSecond)); visits > 0; visits--) {
    const visitor = pickVisitor(random)
    for (const request of requestsOf(random, visitor)) {
      const chance = random()
      const earlier = STAMPED_EARLIER.findIndex((limit) => chance < limit)
      const line = formatLine(
        visitor,
        request,
        epochSecond - (earlier < 0 ? STAMPED_EARLIER.length : earlier),
      )
      // Where a line goes among those of the same second is chance as well.
      lines.splice(Math.floor(random() * (lines.length + 1)), 0, line)
      if (random() < REPEAT_CHANCE) lines.push(line)
    }
  }
  if (isProbed(source, epochSecond)) lines.push(formatLine(PROBE, PROBED, epochSecond))
  return lines
}
