import { existsSync, globSync } from 'node:fs'
import { PortalError } from '#lib/errors.ts'
import type { SourceFiles } from './backfill-source.ts'
import { type LogFile, openLogFile } from './log-file.ts'

/** From the arguments of `backfill` to the files of each source, looked into and sorted, before anything is read. */

/** Paths as given, by source. */
export type SourcePaths = ReadonlyMap<string, readonly string[]>

const byPath = (a: string, b: string) => a.localeCompare(b, 'en', { numeric: true })

/** A name that exists is itself, whatever characters it has; else it may be a pattern. */
function expand(path: string): string[] {
  if (existsSync(path)) return [path]
  const found = globSync(path).sort(byPath)
  if (found.length > 0) return found
  throw new PortalError('bad_usage', { detail: `There is no file ${path}.` })
}

/**
 * Finds and looks into the files.
 * @throws PortalError `bad_usage` for files that are not there or not taken, or two that are copies of one log;
 * `source_unavailable` for one that cannot be read
 */
export async function findSourceFiles(
  sources: SourcePaths,
  say: (text: string) => void,
): Promise<SourceFiles[]> {
  const paths = [...sources].map(([source, given]) => ({ source, paths: given.flatMap(expand) }))
  const found: SourceFiles[] = []
  for (const { source, paths: ofSource } of paths) {
    const files = new Map<string, LogFile>()
    for (const path of ofSource) {
      const file = await openLogFile(path)
      const other = files.get(file.identity)
      if (other === undefined) files.set(file.identity, file)
      else if (other.path !== path) say(`${path} is ${other.path}; it is read once.`)
    }
    const sorted = [...files.values()].sort((a, b) => order(a.firstSecond, b.firstSecond))
    refuseCopies(source, sorted)
    found.push({ source, files: sorted })
  }
  return found
}

/** Infinite ones are equal. */
const order = (a: number, b: number) => (a === b ? 0 : a - b)

/** The table of recent lines would take the lines at a copy's end for repeats, and store them once more. */
function refuseCopies(source: string, files: readonly LogFile[]): void {
  const seen = new Map<string, string>()
  for (const { path, beginning } of files) {
    if (beginning === null) continue
    const other = seen.get(beginning)
    if (other !== undefined)
      throw new PortalError('bad_usage', {
        detail: `${other} and ${path} of ${source} begin alike, as copies of one log do. Give one of them.`,
      })
    seen.set(beginning, path)
  }
}
