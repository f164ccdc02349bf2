import type { Histogram } from '../store/histogram.ts'
import type { MicrosWindow } from '../store/reading.ts'
import type { ExplorerHistogram } from './lines.ts'
import { formatNumber, momentInWords, windowInWords } from './time-text.ts'
import { escapeHtml } from './visible-html.ts'

/**
 * How a window's lines spread over it, as bars that lead to their piece of the window. One string of HTML: as components
 * everything would go out twice more as flight data, as with the rows of lines.
 */

/** Units of the drawing, which is stretched to its place. */
const WIDTH = 1000
const HEIGHT = 40
/** A piece with lines is seen, however many others have. */
const LOWEST = 1

export interface HistogramOptions {
  /** IANA name of the zone of the times shown. */
  readonly zone: string
  readonly hrefOf: (piece: MicrosWindow) => string
}

/** @returns `<svg>`; its bars are not reached by keyboard, since what they lead to is a window like any other. */
export function histogramSvg(
  { bounds, counts }: Pick<Histogram, 'bounds' | 'counts'>,
  { zone, hrefOf }: HistogramOptions,
): string {
  const first = bounds[0] ?? 0
  const scale = WIDTH / ((bounds.at(-1) ?? 0) - first)
  const most = Math.max(...counts)
  const bars = counts.map((lines, i) => {
    const piece = { fromMicros: bounds[i] ?? 0, toMicros: bounds[i + 1] ?? 0 }
    if (lines === 0) return ''
    const x = (piece.fromMicros - first) * scale
    const width = (piece.toMicros - piece.fromMicros) * scale
    const height = Math.max(LOWEST, (lines / most) * HEIGHT)
    const box = `x="${x.toFixed(1)}" width="${Math.max(0.5, width - 1).toFixed(1)}"`
    return (
      `<a href="${escapeHtml(hrefOf(piece))}" tabindex="-1"><title>${escapeHtml(momentInWords(piece.fromMicros / 1000, zone))} · ${linesInWords(lines)}</title>` +
      `<rect ${box} height="${HEIGHT}" class="whole"/><rect ${box} y="${(HEIGHT - height).toFixed(1)}" height="${height.toFixed(1)}"/></a>`
    )
  })
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true">${bars.join('')}</svg>`
}

/**
 * @param window the page's; named are the bars' own ends where they show a part of it
 * @returns what the bars say, for a caption: `Lines in each 2 minutes; most, 512, from 24 Nov 2026, 13:40`, and how many
 * lines they lack
 */
export function histogramInWords(
  { bounds, counts, gaps, stepMinutes }: ExplorerHistogram,
  window: MicrosWindow,
  zone: string,
): string {
  const most = Math.max(...counts)
  const at = bounds[counts.indexOf(most)] ?? 0
  const part = { fromMicros: bounds[0] ?? 0, toMicros: bounds.at(-1) ?? 0 }
  const isPart = part.fromMicros !== window.fromMicros || part.toMicros !== window.toMicros
  const lacking = gaps.reduce((sum, { lines }) => sum + lines, 0)
  const named = `Lines in each ${stepInWords(stepMinutes)}${isPart ? ` of ${windowInWords(part, zone)}` : ''}`
  const highest = most > 0 ? `; most, ${formatNumber(most)}, from ${momentInWords(at / 1000, zone)}` : ''
  return `${named}${highest}${lacking > 0 ? `; without ${linesInWords(lacking)} that could not be read` : ''}`
}

function linesInWords(lines: number): string {
  return `${formatNumber(lines)} ${lines === 1 ? 'line' : 'lines'}`
}

function stepInWords(minutes: number): string {
  const [size, name] =
    minutes % 1440 === 0 ? [1440, 'day'] : minutes % 60 === 0 ? [60, 'hour'] : [1, 'minute']
  const number = minutes / Number(size)
  return number === 1 ? String(name) : `${formatNumber(number)} ${name}s`
}
