import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { endChild, ended, isRunning, shellExitCode, spawnBound } from './child-process.ts'

/**
 * The portal's production build, made when the sources are not those of the last one. What was built from what is a
 * hash in a file inside the build's folder: removed before a build, written after it succeeded, so that a build which
 * was cut off never counts.
 */

export const PROJECT_ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
export const NEXT_PROGRAM = join(PROJECT_ROOT, 'node_modules/next/dist/bin/next')

/** All that a build depends on, by path from the root. The lockfile stands for everything in node_modules. */
const SOURCES = [
  'app',
  'lib',
  'public',
  'proxy.ts',
  'instrumentation.ts',
  'next.config.js',
  'package.json',
  'package-lock.json',
  'postcss.config.mjs',
  'tsconfig.json',
]
const NOT_BUILT = /\.test\.tsx?$/
const RECORD = 'built-from'

export interface BuildOptions {
  /** Folder under the root; tsconfig.json names both, or Next.js would rewrite it. */
  readonly distDir: '.next' | '.next-test'
  /** Takes whole lines for the person who waits. */
  readonly log: (line: string) => void
  /** Ends the build early; the result is the same error as for a failed one. */
  readonly signal?: AbortSignal
}

/** The build failed or was stopped; its output has been logged. */
export class BuildError extends Error {
  override readonly name = 'BuildError'
}

/** The files under a path of the root, sorted, so that the hash does not depend on the file system. */
function filesUnder(root: string, path: string): string[] {
  const full = join(root, path)
  if (!existsSync(full)) return []
  if (!statSync(full).isDirectory()) return [path]
  return readdirSync(full)
    .sort()
    .flatMap((name) => filesUnder(root, join(path, name)))
}

/** SHA-256 over names and contents of the sources and Node's version, in hexadecimal. */
export function hashSources(root: string): string {
  const hash = createHash('sha256').update(process.version)
  const files = SOURCES.flatMap((path) => filesUnder(root, path)).filter((path) => !NOT_BUILT.test(path))
  for (const path of files) {
    const content = readFileSync(join(root, path))
    hash.update(`\n${path} ${content.length}\n`).update(content)
  }
  return hash.digest('hex')
}

function recordedHash(recordFile: string): string | null {
  return existsSync(recordFile) ? readFileSync(recordFile, 'utf8') : null
}

/**
 * Builds the portal into `distDir` unless what is there was built from the very same sources. Takes about half a
 * minute, and a few milliseconds when there is nothing to do.
 * @throws BuildError
 */
export async function buildPortal({ distDir, log, signal }: BuildOptions): Promise<void> {
  const recordFile = join(PROJECT_ROOT, distDir, RECORD)
  // Before the build: a file that is edited meanwhile makes the next start build again.
  const hash = hashSources(PROJECT_ROOT)
  if (recordedHash(recordFile) === hash) return
  rmSync(recordFile, { force: true })

  log('Building the portal (once for each change of its sources) …')
  const startedMs = Date.now()
  const child = spawnBound(process.execPath, [NEXT_PROGRAM, 'build'], {
    cwd: PROJECT_ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_ENV: 'production', NEXT_DIST_DIR: distDir, NEXT_TELEMETRY_DISABLED: '1' },
  })
  const output: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => output.push(chunk))
  const abort = () => void endChild(child)
  signal?.addEventListener('abort', abort)
  if (signal?.aborted && isRunning(child)) abort()
  const end = await ended(child)
  signal?.removeEventListener('abort', abort)

  if (signal?.aborted) throw new BuildError('the build was stopped')
  if (shellExitCode(end) !== 0) {
    log(Buffer.concat(output).toString('utf8').trimEnd())
    throw new BuildError(`the build failed with exit code ${shellExitCode(end)}`)
  }
  writeFileSync(recordFile, hash)
  log(`Built in ${((Date.now() - startedMs) / 1000).toFixed(1)} s.`)
}
